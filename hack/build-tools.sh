#!/usr/bin/env bash
# SPDX-FileCopyrightText: The RamenDR authors
# SPDX-License-Identifier: Apache-2.0

# Builds the programs of other projects that the playground runs from their Go modules into bin/tools. What is built
# already from the same go.mod, go.sum and flags is left alone. KUBEBUILDER_ASSETS, if set, provides etcd,
# kube-apiserver and kubectl.
set -o errexit -o nounset -o pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
source hack/interruptible.sh

tools=bin/tools
mkdir -p "$tools"

module_version() {
  go list -C "hack/tools/$1" -m -f '{{.Version}}' "$2"
}

stamp_of() { # module, package, flags
  { go version; cat "hack/tools/$1/go.mod" "hack/tools/$1/go.sum"; echo "$2 $3"; } | sha256sum | cut -d' ' -f1
}

all=(
  "etcd                     kubernetes go.etcd.io/etcd/server/v3"
  "kube-apiserver           kubernetes k8s.io/kubernetes/cmd/kube-apiserver"
  "kube-controller-manager  kubernetes k8s.io/kubernetes/cmd/kube-controller-manager"
  "kubectl                  kubernetes k8s.io/kubernetes/cmd/kubectl"
  "kwok                     kwok       sigs.k8s.io/kwok/cmd/kwok"
  "minio                    minio      github.com/minio/minio"
  "csi-addons-manager       csi-addons github.com/csi-addons/kubernetes-csi-addons/cmd/manager"
  "csi-provisioner          external-provisioner github.com/kubernetes-csi/external-provisioner/v5/cmd/csi-provisioner"
)

from_assets() {
  [[ -n ${KUBEBUILDER_ASSETS:-} && ( $1 == etcd || $1 == kube-apiserver || $1 == kubectl ) ]]
}

kubernetes_flags() {
  local version minor
  version=$(module_version kubernetes k8s.io/kubernetes)
  minor=${version#v1.}
  local package=k8s.io/component-base/version
  echo "-s -w -X $package.gitVersion=$version -X $package.gitMajor=1 -X $package.gitMinor=${minor%%.*}"
}

number=0
for tool in "${all[@]}"; do
  read -r name module package <<<"$tool"
  number=$((number + 1))
  label="[$number/${#all[@]}] $name:"
  if from_assets "$name"; then
    [[ -x $KUBEBUILDER_ASSETS/$name ]] || { echo "$label KUBEBUILDER_ASSETS has no $name" >&2; exit 1; }
    echo "$label from KUBEBUILDER_ASSETS"
    continue
  fi
  flags="-s -w"
  [[ $module != kubernetes ]] || flags=$(kubernetes_flags)
  stamp=$(stamp_of "$module" "$package" "$flags")
  if [[ -x $tools/$name && $(cat "$tools/.$name.stamp" 2>/dev/null) == "$stamp" ]]; then
    echo "$label built before"
    continue
  fi
  echo "$label building"
  started=$SECONDS
  interruptible "$label building" \
    go build -C "hack/tools/$module" -trimpath -ldflags "$flags" -o "$PWD/$tools/$name" "$package"
  echo "$stamp" >"$tools/.$name.stamp"
  echo "$label built in $(elapsed "$started")"
done

# The playground installs the CRDs of the csi-addons manager that it runs.
crds=$tools/crds/csi-addons
if [[ ! -d $crds || $tools/.csi-addons-manager.stamp -nt $crds ]]; then
  module_dir=$(go list -C hack/tools/csi-addons -m -f '{{.Dir}}' github.com/csi-addons/kubernetes-csi-addons)
  rm -rf "$crds"
  mkdir -p "$crds"
  cp "$module_dir"/config/crd/bases/*.yaml "$crds/"
  chmod u+w "$crds"/*.yaml
fi

# Manifests for cert-manager are tried against its CRDs, of which its module has no program to build.
crds=$tools/crds/cert-manager
if [[ ! -d $crds || hack/tools/cert-manager/go.mod -nt $crds ]]; then
  go -C hack/tools/cert-manager mod download
  module_dir=$(go list -C hack/tools/cert-manager -m -f '{{.Dir}}' github.com/cert-manager/cert-manager)
  rm -rf "$crds"
  mkdir -p "$crds"
  cp "$module_dir"/deploy/crds/cert-manager.io_*.yaml "$crds/"
  chmod u+w "$crds"/*.yaml
fi
