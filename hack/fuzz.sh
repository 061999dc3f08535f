#!/usr/bin/env bash
# SPDX-FileCopyrightText: The RamenDR authors
# SPDX-License-Identifier: Apache-2.0

# Runs every fuzz target for FUZZTIME each and says how many inputs it tried. An input that makes one fail is kept in the
# package's testdata/fuzz, and from then on every run of the unit tests tries it.
set -o errexit -o nounset -o pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
source hack/interruptible.sh

fuzztime=${FUZZTIME:-20s}
log=$(mktemp)
failed=0

run() { # package, target
  # Making interesting inputs smaller takes longer than finding them.
  go test -run '^$' -fuzz "^$2\$" -fuzztime "$fuzztime" -fuzzminimizetime 10x "./$1" >"$log" 2>&1
}

# Go calls it a failure, too, when the time is up in the middle of an input. There is no failing input then.
out_of_time() {
  grep -qx '    context deadline exceeded' "$log" && ! grep -q 'Failing input written' "$log"
}

while IFS=: read -r file target; do
  package=$(dirname "$file")
  status=0
  interruptible "" run "$package" "$target" || status=$?
  tried=$(grep -o 'execs: [0-9]*' "$log" | tail -1 | cut -d' ' -f2 || true)
  printf '%-46s %-14s %9s inputs in %s\n' "$package" "$target" "${tried:-0}" "$fuzztime"
  if ((status != 0)) && ! out_of_time; then
    failed=1
    cat "$log" >&2
  fi
done < <(git grep --no-index -o 'func Fuzz[A-Za-z]*' -- 'pkg/*_fuzz_test.go' | sed 's/:func /:/' | sort)
rm -f "$log"
exit "$failed"
