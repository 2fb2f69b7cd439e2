#!/usr/bin/env bash
# Builds the fuzz targets and runs them, two at a time: tests/fuzz/run.sh SECONDS|minimise [TARGET...]
#
# Inputs: tests/fuzz/corpus (kept, small), the well-formed ones of seeds.py, and build/fuzz/corpus, where those that reach
# something new gather. `minimise` writes tests/fuzz/corpus anew from all three: as few and small as reach the same.
# An input that ends a run is kept in build/fuzz/findings: run `build/fuzz/bin/fuzz/TARGET FILE` to see it again.
# Exit code 77: clang's libFuzzer is not here.
set -euo pipefail
cd "$(dirname -- "${BASH_SOURCE[0]}")/../.."
seconds=${1:?usage: tests/fuzz/run.sh SECONDS|minimise [TARGET...]}
shift
if ! printf 'extern "C" int LLVMFuzzerTestOneInput(const unsigned char*, unsigned long) { return 0; }' |
  clang++ -x c++ - -fsanitize=fuzzer -o /dev/null 2>/dev/null; then
  echo "skipped: clang++ with libFuzzer is not installed (packages clang and libclang-rt-14-dev)"
  exit 77
fi
# The same inputs in each test run; AZIMUTH_FUZZ_SEED=0 looks elsewhere every time.
seed=${AZIMUTH_FUZZ_SEED:-20261124}
targets=("$@")
[ ${#targets[@]} -gt 0 ] || targets=(tokenizer_fuzz template_fuzz gguf_fuzz safetensors_fuzz json_fuzz)
build=build/fuzz kept=tests/fuzz/corpus
[ -f $build/build.ninja ] || cmake --preset fuzz >$build.log 2>&1 || { cat $build.log >&2; exit 1; }
ninja -C $build azimuth_fuzz_targets
python3 tests/fuzz/seeds.py $build/seeds
mkdir -p $build/findings
export ASAN_OPTIONS=allocator_may_return_null=1:detect_leaks=1 UBSAN_OPTIONS=print_stacktrace=1

fuzz() {
  local target=$1 log=$build/$1.log
  if ! "$build/bin/fuzz/$target" -max_total_time="$seconds" -seed="$seed" -timeout=20 -rss_limit_mb=3000 \
    -max_len=65536 -artifact_prefix="$build/findings/$target-" -print_final_stats=1 \
    "$build/corpus/$target" "$kept/$target" "$build/seeds/$target" >"$log" 2>&1; then
    tail -n 60 "$log" >&2
    echo "$target: a finding, see $build/findings" >&2
    return 1
  fi
  echo "$target: $(grep -oE 'number_of_executed_units: [0-9]+' "$log" | grep -oE '[0-9]+$') inputs, no finding"
}

minimise() {
  local target=$1 fresh=$build/minimised/$1
  rm -rf "$fresh"
  mkdir -p "$fresh"
  "$build/bin/fuzz/$target" -set_cover_merge=1 -use_counters=0 -max_len=2048 -rss_limit_mb=3000 "$fresh" "$build/seeds/$target" \
    "$kept/$target" "$build/corpus/$target" >"$build/$target.log" 2>&1
  rm -rf "${kept:?}/$target"
  mv "$fresh" "$kept/$target"
  echo "$target: $(find "$kept/$target" -type f | wc -l) files, $(du -sb "$kept/$target" | cut -f 1) bytes"
}

work=fuzz running=0 failed=0
[ "$seconds" != minimise ] || work=minimise
for target in "${targets[@]}"; do
  mkdir -p "$build/corpus/$target" "$kept/$target"
  if [ $running -eq 2 ]; then
    wait -n || failed=1
    running=$((running - 1))
  fi
  $work "$target" &
  running=$((running + 1))
done
while [ $running -gt 0 ]; do
  wait -n || failed=1
  running=$((running - 1))
done
exit $failed
