#!/usr/bin/env bash
# Sets up with the peers, builds release, runs the tests: installer/test.sh [--all] [CTEST ARGUMENTS...]
#
#   --all  also the tests labelled long
#
# Ends with ctest's summary and its exit status. AZIMUTH_TEST_JOBS runs that many tests at once (1 by
# default: the engine's tests use every core).
set -euo pipefail
cd "$(dirname -- "${BASH_SOURCE[0]}")/.."
. installer/lib/common.sh

selection=(--label-exclude '^long$')
if [ "${1:-}" = --all ]; then
  selection=()
  shift
fi
case "${1:-}" in -h|--help) usage installer/test.sh; exit ;; esac

started=$SECONDS
bash installer/setup --tests
say "set-up took $((SECONDS - started)) s"
started=$SECONDS
bash installer/build.sh release
say "the build took $((SECONDS - started)) s"
exec ctest --test-dir build/release --output-on-failure --no-tests=error \
  --parallel "${AZIMUTH_TEST_JOBS:-1}" "${selection[@]}" "$@"
