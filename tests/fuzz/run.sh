#!/usr/bin/env bash
# Builds the fuzz targets and runs each: tests/fuzz/run.sh SECONDS [TARGET...]
#
# The corpus is made by seeds.py and grows in build/fuzz/corpus. An input that ends a run is kept in
# build/fuzz/findings: run `build/fuzz/bin/fuzz/TARGET FILE` to see it again. Exit code 77: clang's libFuzzer is not here.
set -euo pipefail
cd "$(dirname -- "${BASH_SOURCE[0]}")/../.."
seconds=${1:?usage: tests/fuzz/run.sh SECONDS [TARGET...]}
shift
if ! printf 'extern "C" int LLVMFuzzerTestOneInput(const unsigned char*, unsigned long) { return 0; }' |
  clang++ -x c++ - -fsanitize=fuzzer -o /dev/null 2>/dev/null; then
  echo "skipped: clang++ with libFuzzer is not installed (packages clang and libclang-rt-14-dev)"
  exit 77
fi
# The same inputs in each test run; AZIMUTH_FUZZ_SEED=0 looks elsewhere every time.
seed=${AZIMUTH_FUZZ_SEED:-20261124}
targets=("$@")
[ ${#targets[@]} -gt 0 ] || targets=(gguf_fuzz safetensors_fuzz json_fuzz tokenizer_fuzz template_fuzz)
build=build/fuzz
[ -f $build/build.ninja ] || cmake --preset fuzz >$build.log 2>&1 || { cat $build.log >&2; exit 1; }
ninja -C $build azimuth_fuzz_targets
python3 tests/fuzz/seeds.py $build/seeds
mkdir -p $build/findings
export ASAN_OPTIONS=allocator_may_return_null=1:detect_leaks=1 UBSAN_OPTIONS=print_stacktrace=1
for target in "${targets[@]}"; do
  mkdir -p "$build/corpus/$target"
  log=$build/$target.log
  if ! "$build/bin/fuzz/$target" -max_total_time="$seconds" -seed="$seed" -timeout=20 -rss_limit_mb=3000 -max_len=65536 \
    -artifact_prefix="$build/findings/$target-" -print_final_stats=1 \
    "$build/corpus/$target" "$build/seeds/$target" >"$log" 2>&1; then
    tail -n 60 "$log" >&2
    echo "$target: a finding, see $build/findings" >&2
    exit 1
  fi
  echo "$target: $(grep -oE 'number_of_executed_units: [0-9]+' "$log" | grep -oE '[0-9]+$') inputs, no finding"
done
