#!/usr/bin/env bash
# Configures and builds: installer/build.sh [PRESET] [--programs]
#
#   PRESET      dev, release (default), asan or ci of CMakePresets.json; the folder is build/PRESET
#   --programs  only what a user runs, without the tests
#
# The programs are in build/PRESET/bin. AZIMUTH_TORCH_DIR names another torch package folder than set-up's,
# AZIMUTH_JOBS the number of compilers at once.
set -euo pipefail
cd "$(dirname -- "${BASH_SOURCE[0]}")/.."
. installer/lib/common.sh
. installer/lib/packages.sh

preset=release
targets=(all)
for argument in "$@"; do
  case "$argument" in
    --programs) targets=(bin/azimuth bin/azimuth-worker bin/libazimuth-engine.so) ;;
    -h|--help) usage installer/build.sh; exit ;;
    -*) die "build.sh: unknown argument $argument" "installer/build.sh --help lists them" ;;
    *) preset="$argument" ;;
  esac
done
torch="${AZIMUTH_TORCH_DIR:-$azimuth_cache/torch}"

for program in cmake ninja c++; do
  command -v $program >/dev/null || die "$program was not found" "run installer/setup"
done
find_cargo || die "no cargo of at least $oldest_rust was found" "run installer/setup"
[ -e "$torch/lib/libtorch_cpu.so" ] || die "libtorch is not in $torch" "run installer/setup"

cmake --preset "$preset" -DAZIMUTH_CACHE_DIR="$azimuth_cache" -DAZIMUTH_TORCH_DIR="$torch" ||
  die "configuring build/$preset failed" \
    "read CMake's message above; a missing package comes with installer/setup"
cmake --build "build/$preset" --parallel "${AZIMUTH_JOBS:-$(nproc)}" --target "${targets[@]}"
say "built: $root/build/$preset/bin"
