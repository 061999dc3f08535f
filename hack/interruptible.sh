# SPDX-FileCopyrightText: The RamenDR authors
# SPDX-License-Identifier: Apache-2.0

# To be sourced. A script that runs its long commands with `interruptible` leaves none of them, nor what they have
# started, behind when it is interrupted.
set -o monitor # each background command is a process group of its own

interruptible_group=""
trap '[[ -z $interruptible_group ]] || kill -TERM -- "-$interruptible_group" 2>/dev/null || true' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

# Runs a command and returns its status. If label is not empty, it says so every now and then while the command runs.
interruptible() { # label, command...
  local label=$1 started=$SECONDS said=$SECONDS status=0
  shift
  "$@" </dev/null &
  interruptible_group=$!
  while [[ -n $(jobs -r) ]]; do
    if [[ -n $label ]] && ((SECONDS - said >= 15)); then
      said=$SECONDS
      echo "$label, $(elapsed "$started") so far"
    fi
    sleep 0.1
  done
  wait "$interruptible_group" || status=$?
  interruptible_group=""
  return "$status"
}

elapsed() { # since the value of SECONDS
  local seconds=$((SECONDS - $1))
  printf '%dm%02ds' $((seconds / 60)) $((seconds % 60))
}
