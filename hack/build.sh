#!/usr/bin/env bash
# SPDX-FileCopyrightText: The RamenDR authors
# SPDX-License-Identifier: Apache-2.0

# Builds this project's programs into bin and puts kubectl beside them. Each program is named where it is built
# from; go leaves alone what has not changed.
set -o errexit -o nounset -o pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
source hack/interruptible.sh

programs=(
  "dr-apiserver ./cmd/apiserver"
  "dr-agent     ./cmd/agent"
  "kubectl-drpc ./cmd/kubectl-drpc"
  "playground   ./test/playground"
  "storagesim   ./test/storagesim"
)

number=0
for program in "${programs[@]}"; do
  read -r name package <<<"$program"
  number=$((number + 1))
  label="[$number/${#programs[@]}] $name: building"
  started=$SECONDS
  interruptible "$label" go build -o "bin/$name" "$package"
  if ((SECONDS - started > 1)); then
    echo "$label took $(elapsed "$started")"
  fi
done
cp cmd/kubectl-drpc/kubectl_complete-drpc bin/

kubectl=tools/kubectl
if [[ -n ${KUBEBUILDER_ASSETS:-} ]]; then
  kubectl=$KUBEBUILDER_ASSETS/kubectl
fi
if [[ -x bin/tools/kubectl || -n ${KUBEBUILDER_ASSETS:-} ]]; then
  ln -sfn "$kubectl" bin/kubectl
fi
