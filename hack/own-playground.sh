#!/usr/bin/env bash
# SPDX-FileCopyrightText: The RamenDR authors
# SPDX-License-Identifier: Apache-2.0

# own-playground.sh COMMAND...: runs a command for which PLAYGROUND_ROOT is a directory of its own with this source tree's programs, so
# that it neither meets nor disturbs the playground of the source tree. With E2E_KEEP set it leaves the directory, and what runs there.
set -o errexit -o nounset -o pipefail
source=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

root=$(mktemp -d "${TMPDIR:-/tmp}/playground-XXXXXX")
for name in bin artifacts go.mod hack test; do
  ln -s "$source/$name" "$root/$name"
done
leave() {
  if [[ -n ${E2E_KEEP:-} ]]; then
    echo "PLAYGROUND_ROOT=$root bin/playground down removes what is left." >&2
    return
  fi
  PLAYGROUND_ROOT=$root "$source/bin/playground" down >/dev/null || echo "$root is left" >&2
  rm -rf "$root"
}
trap leave EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

cd "$source"
PLAYGROUND_ROOT=$root "$@"
