#!/usr/bin/env bash
# SPDX-FileCopyrightText: The RamenDR authors
# SPDX-License-Identifier: Apache-2.0

# Builds the programs of the image into a directory: static, for GOOS and GOARCH, and the same byte for byte wherever they are
# built from the same source with the same Go.
set -o errexit -o nounset -o pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

directory=${1:?name the directory to build into}
export CGO_ENABLED=0
for program in apiserver agent; do
  go build -trimpath -buildvcs=false -ldflags "-s -w" -o "$directory/dr-$program" "./cmd/$program"
done
