#!/usr/bin/env bash
# SPDX-FileCopyrightText: The RamenDR authors
# SPDX-License-Identifier: Apache-2.0

# Regenerates everything that is generated from the API types: deepcopy, conversion, defaults, OpenAPI,
# apply configurations, client, listers and informers. The generators are tools of this module (see go.mod), so nothing
# need be installed.
set -o errexit -o nounset -o pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."

readonly module=github.com/ramendr/dr-apiserver
readonly internal=${module}/pkg/apis/dr
readonly versioned=${internal}/v1alpha1
readonly generated=pkg/generated
readonly header=(--go-header-file hack/boilerplate.go.txt)

# There is no validation-gen: of 0.37.2 it can't be used on types that hold a metav1.Condition outside Kubernetes' own tree,
# since it looks for the validation of meta/v1 where it is not. pkg/apis/dr/validation is written by hand.

# Types of others, whose packages are in the module cache and can't be written to.
readonly meta=(
  k8s.io/apimachinery/pkg/apis/meta/v1
  k8s.io/apimachinery/pkg/runtime
  k8s.io/apimachinery/pkg/version
  k8s.io/apimachinery/pkg/api/resource
)
readonly readonly_packages=("${meta[@]}" k8s.io/apimachinery/pkg/types k8s.io/apimachinery/pkg/util/intstr time)

say() { echo "Generating $*"; }

say deepcopy
go tool deepcopy-gen "${header[@]}" --output-file zz_generated.deepcopy.go "${internal}" "${versioned}"

say conversion
go tool conversion-gen "${header[@]}" --output-file zz_generated.conversion.go "${versioned}"

say defaults
go tool defaulter-gen "${header[@]}" --output-file zz_generated.defaults.go "${versioned}"

say OpenAPI
go tool openapi-gen "${header[@]}" --output-file zz_generated.openapi.go \
  --output-dir "${generated}/openapi" --output-pkg "${module}/${generated}/openapi" \
  --output-model-name-file zz_generated.model_name.go \
  --report-filename /dev/null \
  "${readonly_packages[@]/#/--readonly-pkg=}" "${meta[@]}" "${versioned}"

schema=$(mktemp)
trap 'rm -f "${schema}"' EXIT
go run "./${generated}/openapi/cmd/models-schema" >"${schema}"

say apply configurations
rm -rf "${generated}/applyconfiguration" "${generated}/clientset" "${generated}/listers" "${generated}/informers"
go tool applyconfiguration-gen "${header[@]}" --openapi-schema "${schema}" \
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
