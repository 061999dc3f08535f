#!/usr/bin/env bash
# SPDX-FileCopyrightText: The RamenDR authors
# SPDX-License-Identifier: Apache-2.0

# Regenerates everything that is generated from the API types: deepcopy, conversion, defaults, validation, OpenAPI,
# apply configurations, client, listers and informers. The generators are tools of this module (see go.mod), so nothing
# need be installed. They work on a copy, and only what is different afterwards is put in place, file by file: a build that
# runs meanwhile finds every package complete.
set -o errexit -o nounset -o pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."

readonly module=github.com/ramendr/dr-apiserver
readonly internal=${module}/pkg/apis/dr
readonly versioned=${internal}/v1alpha1
readonly generated=pkg/generated
readonly header=(--go-header-file hack/boilerplate.go.txt)
# What is made anew as a whole: what the types no longer have goes.
readonly trees=("${generated}"/{applyconfiguration,clientset,listers,informers})

# Types of others, whose packages are in the module cache and can't be written to.
readonly meta=(
  k8s.io/apimachinery/pkg/apis/meta/v1
  k8s.io/apimachinery/pkg/runtime
  k8s.io/apimachinery/pkg/version
  k8s.io/apimachinery/pkg/api/resource
)
readonly readonly_packages=("${meta[@]}" k8s.io/apimachinery/pkg/types k8s.io/apimachinery/pkg/util/intstr time)

root=$PWD
copy=$(mktemp -d)
trap 'rm -rf "${copy}"' EXIT
cp -r go.mod go.sum hack pkg "${copy}"
cd "${copy}"

say() { echo "Generating $*"; }

say deepcopy
go tool deepcopy-gen "${header[@]}" --output-file zz_generated.deepcopy.go "${internal}" "${versioned}"

say conversion
go tool conversion-gen "${header[@]}" --output-file zz_generated.conversion.go "${versioned}"

say defaults
go tool defaulter-gen "${header[@]}" --output-file zz_generated.defaults.go "${versioned}"

# Only specs are validated by it: a status has metav1.Conditions, and validation-gen 0.37.2 looks for their validation where,
# outside Kubernetes' own tree, it is not.
say validation
go tool validation-gen "${header[@]}" --output-file zz_generated.validations.go \
  "${readonly_packages[@]/#/--readonly-pkg=}" "${versioned}"

say OpenAPI
go tool openapi-gen "${header[@]}" --output-file zz_generated.openapi.go \
  --output-dir "${generated}/openapi" --output-pkg "${module}/${generated}/openapi" \
  --output-model-name-file zz_generated.model_name.go \
  --report-filename /dev/null \
  "${readonly_packages[@]/#/--readonly-pkg=}" "${meta[@]}" "${versioned}"

go run "./${generated}/openapi/cmd/models-schema" >schema.json

say apply configurations
rm -rf "${trees[@]}"
go tool applyconfiguration-gen "${header[@]}" --openapi-schema schema.json \
  --output-dir "${generated}/applyconfiguration" --output-pkg "${module}/${generated}/applyconfiguration" "${versioned}"

say clientset
go tool client-gen "${header[@]}" --clientset-name versioned --input-base "" --input "${versioned}" \
  --output-dir "${generated}/clientset" --output-pkg "${module}/${generated}/clientset" \
  --apply-configuration-package "${module}/${generated}/applyconfiguration" \
  --plural-exceptions "DRPolicy:DRPolicies"

say listers
go tool lister-gen "${header[@]}" \
  --output-dir "${generated}/listers" --output-pkg "${module}/${generated}/listers" "${versioned}"

say informers
go tool informer-gen "${header[@]}" \
  --output-dir "${generated}/informers" --output-pkg "${module}/${generated}/informers" \
  --versioned-clientset-package "${module}/${generated}/clientset/versioned" \
  --listers-package "${module}/${generated}/listers" "${versioned}"

# A rename within a directory is all or nothing; the name before it is none that Go compiles.
put() {
  cmp --silent "$1" "${root}/$1" && return
  mkdir -p "${root}/$(dirname "$1")"
  cp "$1" "${root}/$1.new" && mv "${root}/$1.new" "${root}/$1"
  echo "  $1"
}

say "is done; changed are:"
while read -r file; do
  put "${file}"
done < <(find "${trees[@]}" -type f; find pkg -name 'zz_generated.*.go')
cd "${root}"
while read -r file; do
  [[ -e ${copy}/${file} ]] || { rm "${file}" && echo "  ${file} (gone)"; }
done < <(find "${trees[@]}" -type f)
