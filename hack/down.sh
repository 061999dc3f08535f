#!/usr/bin/env bash
# SPDX-FileCopyrightText: The RamenDR authors
# SPDX-License-Identifier: Apache-2.0

# Ends the playground. Where its program is missing, none runs.
set -o errexit -o nounset -o pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

if [[ -x bin/playground ]]; then
  exec bin/playground down
fi
rm -rf .run
