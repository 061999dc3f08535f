#!/usr/bin/env bash
# SPDX-FileCopyrightText: The RamenDR authors
# SPDX-License-Identifier: Apache-2.0

# Fails if code is not formatted, go vet objects, or generated code is not what the types generate. It compares a copy of
# the tree, so that nothing is changed.
set -o errexit -o nounset -o pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

unformatted=$(gofmt -l cmd examples pkg test)
if [[ -n $unformatted ]]; then
  echo "Not formatted; gofmt -w mends it:" >&2
  echo "$unformatted" >&2
  exit 1
fi

go vet ./...

copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT
cp -r go.mod go.sum cmd hack pkg test "$copy/"
"$copy/hack/update-codegen.sh"
if ! diff --recursive --unified pkg "$copy/pkg"; then
  echo "Generated code is not up to date; make generate mends it." >&2
  exit 1
fi
echo "Formatting, vet and generated code are as they should be."
