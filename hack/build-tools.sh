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
  "snapshot-controller      external-snapshotter github.com/kubernetes-csi/external-snapshotter/v8/cmd/snapshot-controller"
  "csi-snapshotter          external-snapshotter github.com/kubernetes-csi/external-snapshotter/v8/cmd/csi-snapshotter"
  "volsync-manager          volsync    github.com/backube/volsync/cmd"
)

# VolSync has one tag for each mover that is left out.
tags_of() { # module
  [[ $1 != volsync ]] || echo disable_rclone,disable_restic,disable_rsync,disable_syncthing
}

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
  tags=$(tags_of "$module")
  stamp=$(stamp_of "$module" "$package" "$flags$tags")
  if [[ -x $tools/$name && $(cat "$tools/.$name.stamp" 2>/dev/null) == "$stamp" ]]; then
    echo "$label built before"
    continue
  fi
  echo "$label building"
  started=$SECONDS
  # Unlike go build, go run keeps what it links in Go's build cache, from where another checkout has it at once.
  interruptible "$label building" \
    go run -C "hack/tools/$module" -trimpath -tags "$tags" -ldflags "$flags" -exec "install -T" "$package" "$PWD/$tools/$name"
  echo "$stamp" >"$tools/.$name.stamp"
  echo "$label built in $(elapsed "$started")"
done

# crds copies the CRDs that a module has in a directory, if something has changed since it did: of what the playground runs
# it installs them, and manifests for cert-manager, of which there is no program to build, are tried against its.
crds() { # tool module, module, directory in it, files, newer if changed
  local crds=$tools/crds/$1 directory
  if [[ -d $crds && ! $5 -nt $crds ]]; then
    return
  fi
  go -C "hack/tools/$1" mod download "$2"
  directory=$(go list -C "hack/tools/$1" -m -f '{{.Dir}}' "$2")/$3
  rm -rf "$crds"
  mkdir -p "$crds"
  # shellcheck disable=SC2086 # files is a pattern
  cp "$directory"/$4 "$crds/"
  chmod u+w "$crds"/*.yaml
}
crds csi-addons github.com/csi-addons/kubernetes-csi-addons config/crd/bases '*.yaml' "$tools/.csi-addons-manager.stamp"
crds external-snapshotter github.com/kubernetes-csi/external-snapshotter/client/v8 config/crd '*storage.k8s.io_*.yaml' \
  "$tools/.csi-snapshotter.stamp"
crds volsync github.com/backube/volsync config/crd/bases '*.yaml' "$tools/.volsync-manager.stamp"
crds cert-manager github.com/cert-manager/cert-manager deploy/crds 'cert-manager.io_*.yaml' hack/tools/cert-manager/go.mod
