#!/usr/bin/env bash
# SPDX-FileCopyrightText: The RamenDR authors
# SPDX-License-Identifier: Apache-2.0

# Takes the hub's part off the cluster that kubectl talks to, in the order that leaves nothing hanging: an API that is
# announced but does not answer keeps every namespace of the hub from being deleted. So the APIService goes first.
set -o errexit -o nounset -o pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

usage() {
  echo "usage: hack/uninstall.sh [--force] [OVERLAY]" >&2
  echo "OVERLAY is the one of artifacts/hub/overlays that was applied, by default embedded." >&2
  echo "--force also while applications are protected: their volumes stay, and go on being replicated." >&2
  exit 2
}

kubectl=${KUBECTL:-kubectl}
apiservice=v1alpha1.dr.ramen.io
force=false
overlay=embedded
for word in "$@"; do
  case $word in
  --force) force=true ;;
  -*) usage ;;
  *) overlay=$word ;;
  esac
done
[[ -d artifacts/hub/overlays/$overlay ]] || usage

if ! $force && $kubectl get apiservice "$apiservice" >/dev/null 2>&1; then
  if ! protected=$($kubectl get drplacementcontrols.dr.ramen.io --all-namespaces --no-headers 2>&1); then
    echo "The API does not answer, so it can't be told whether applications are protected; --force uninstalls all the same:" >&2
    echo "$protected" >&2
    exit 1
  fi
  if [[ $protected != "" && $protected != "No resources found" ]]; then
    echo "These applications are protected. Delete their DRPlacementControls first, which takes replication off:" >&2
    echo "$protected" >&2
    exit 1
  fi
fi

$kubectl delete apiservice "$apiservice" --ignore-not-found
$kubectl delete --kustomize "artifacts/hub/overlays/$overlay" --ignore-not-found
