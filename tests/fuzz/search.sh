#!/usr/bin/env bash
# Runs one fuzzer: search.sh PROGRAM SEEDS SECONDS KEPT [learn]
# It begins with the SEEDS and the inputs that earlier searches kept in the folder KEPT. With `learn` it adds to them;
# without, it repeats the same search, for a test. A finding is left in KEPT.
set -euo pipefail
program=$1 seeds=$2 seconds=$3 kept=$4 learn=${5-}
name=${program##*/fuzz_}
mkdir -p "$kept/corpus"
if [[ -n $learn ]]; then
  options=() new=$kept/corpus
else
  options=(-seed=1) new=$(mktemp -d)
  trap 'rm -rf "$new"' EXIT
fi
# An input that needs more memory or time than this is a finding too.
options+=(-rss_limit_mb=2048 -malloc_limit_mb=512 -timeout=20)
[[ ! -s $seeds.dict ]] || options+=(-dict="$seeds.dict")

status=0
"$program" "${options[@]}" -max_total_time="$seconds" -artifact_prefix="$kept/" \
  -print_final_stats=1 "$new" "$kept/corpus" "$seeds" || status=$?
if [[ $status -ge 70 ]]; then # libFuzzer's own: a crash, a time or memory limit
  echo "a finding of the fuzzer $name: the file named above; ./run fuzz $name FILE reproduces it" >&2
fi
exit "$status"
