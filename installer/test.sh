#!/usr/bin/env bash
# Sets up with the peers, builds release, runs the tests: installer/test.sh [--all] [CTEST ARGUMENTS...]
#
#   --all  also the tests labelled long; then a test that is skipped for want of something that set-up
#          installs is a failure, and the time of the fault tests is told (25 minutes in total at most)
#
# Ends with ctest's summary and its exit status. AZIMUTH_TEST_JOBS runs that many tests at once (1 by
# default: the engine's tests use every core).
set -euo pipefail
cd "$(dirname -- "${BASH_SOURCE[0]}")/.."
. installer/lib/common.sh

selection=(--label-exclude '^long$')
report=
if [ "${1:-}" = --all ]; then
  selection=()
  report=build/release/tests.xml
  shift
fi
case "${1:-}" in -h|--help) usage installer/test.sh; exit ;; esac

started=$SECONDS
bash installer/setup --tests
say "set-up took $((SECONDS - started)) s"
started=$SECONDS
bash installer/build.sh release
say "the build took $((SECONDS - started)) s"
rm -f build/release/tests.xml
status=0
ctest --test-dir build/release --output-on-failure --no-tests=error ${report:+--output-junit "$PWD/$report"} \
  --parallel "${AZIMUTH_TEST_JOBS:-1}" "${selection[@]}" "$@" || status=$?
if [ -n "$report" ] && [ -e "$report" ]; then
  python3 -B installer/lib/test_report.py build/release "$report" 25 || [ "$status" != 0 ] || status=1
fi
exit "$status"
