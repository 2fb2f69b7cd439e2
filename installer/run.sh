#!/usr/bin/env bash
# From a bare machine to the demo in the workbench: installer/run.sh [--cpu | --gpu] [FILE.h5]
#
#   FILE.h5        opens this project; without it the demo study is run (or completed) and its project opened
#   --cpu, --gpu   as in installer/setup
#
# Without a display the demo's figures are exported and what the project holds is printed. The demo's
# project lies under XDG_DATA_HOME; delete it and it is computed again.
set -euo pipefail
here="$PWD"
cd "$(dirname -- "${BASH_SOURCE[0]}")/.."
. installer/lib/common.sh

project=
options=()
for argument in "$@"; do
  case "$argument" in
    --cpu|--gpu) options+=("$argument") ;;
    -h|--help) usage installer/run.sh; exit ;;
    -*) die "run.sh: unknown argument $argument" "installer/run.sh --help lists them" ;;
    /*) project="$argument" ;;
    *) project="$here/$argument" ;;
  esac
done
[ -z "$project" ] || [ -f "$project" ] ||
  die "$project: no such file" "give the path of an Azimuth project (.h5)"

has_display() {
  [ -z "${WAYLAND_DISPLAY:-}" ] || return 0
  [ -n "${DISPLAY:-}" ] || return 1
  ! command -v xdpyinfo >/dev/null || xdpyinfo >/dev/null 2>&1
}

bash installer/setup "${options[@]}"
bash installer/build.sh release --programs
azimuth="$root/build/release/bin/azimuth"

figures=
if [ -z "$project" ]; then
  project="$azimuth_data/demo/demo.h5"
  figures="$azimuth_data/demo/figures"
  mkdir -p "$figures"
  "$azimuth" run data/demo/study.json -o "$project" >/dev/null # show prints what was found
fi
if has_display; then
  exec "$azimuth" "$project"
fi
if [ -n "$figures" ]; then
  for figure in layer-map k-cosine transfer dose-response; do
    "$azimuth" export "$project" --figure $figure -o "$figures/$figure.pdf"
  done
fi
"$azimuth" show "$project"
say "project: $project"
[ -z "$figures" ] || say "figures: $figures"
