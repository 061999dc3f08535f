#!/usr/bin/env bash
# SPDX-FileCopyrightText: The RamenDR authors
# SPDX-License-Identifier: Apache-2.0

# Takes the hub's part off the cluster that kubectl talks to, in the order that leaves nothing hanging: an API that is
# announced but does not answer keeps every namespace of the hub from being deleted. So the APIService goes first.
set -o errexit -o nounset -o pipefail

usage() {
  echo "usage: hack/uninstall.sh [--force] DIRECTORY" >&2
  echo "DIRECTORY is the kustomization that was applied to the hub, such as artifacts/hub/overlays/embedded." >&2
  echo "--force also while applications are protected: their volumes stay, and go on being replicated." >&2
  exit 2
}

kubectl=${KUBECTL:-kubectl}
apiservice=v1alpha1.dr.ramen.io
force=false
directory=
for word in "$@"; do
  case $word in
  --force) force=true ;;
  -*) usage ;;
  *) directory=$word ;;
  esac
done
[[ -d $directory ]] || usage

if ! $force && $kubectl get apiservice "$apiservice" >/dev/null 2>&1; then
  if ! protected=$($kubectl get drplacementcontrols.dr.ramen.io --all-namespaces --no-headers); then
    echo "The API does not answer, so it can't be told whether applications are protected; --force uninstalls all the same." >&2
    exit 1
  fi
  if [[ -n $protected ]]; then
    echo "These applications are protected. Delete their DRPlacementControls first, which takes replication off:" >&2
    echo "$protected" >&2
    exit 1
  fi
fi

$kubectl delete apiservice "$apiservice" --ignore-not-found
$kubectl delete --kustomize "$directory" --ignore-not-found
