# Shared by the scripts of this folder; sourced, never run. Needs bash.
#
# Everything that set-up makes lies under $azimuth_cache:
#   wheels/<digest>/FILE   one finished download each      built/   wheels compiled here
#   venvs/<name>-<digest>  finished Python environments    models/  the demo's models
#   peers/<name>, torch    stable symlinks into venvs/
# A thing appears under its final name only when it is whole: it is made under a temporary name and
# renamed, and an environment counts once its file .complete exists. So an interrupted set-up goes on
# where it was.

root="$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/../.." && pwd)"
azimuth_cache="${XDG_CACHE_HOME:-$HOME/.cache}/azimuth"
azimuth_data="${XDG_DATA_HOME:-$HOME/.local/share}/azimuth"
requirements="$root/installer/requirements"

say() { printf 'azimuth: %s\n' "$*"; }

# usage FILE: the comment that a script starts with.
usage() { sed -n '2,/^[^#]/s/^# \{0,1\}//p' "$1"; }

# die WHAT REMEDY: what went wrong, and what to do about it.
die() {
  printf 'azimuth: %s\n' "$1" >&2
  [ $# -lt 2 ] || printf 'azimuth: what to do: %s\n' "$2" >&2
  exit 1
}

# make_scratch: sets `scratch` to a fresh folder on the cache's file system, removed when the script ends.
make_scratch() {
  # The lock is ours: what lies here was left by a set-up that was killed.
  rm -rf "$azimuth_cache/tmp"
  mkdir -p "$azimuth_cache/tmp"
  scratch="$(mktemp -d "$azimuth_cache/tmp/setup.XXXXXX")"
  trap 'rm -rf "$scratch"' EXIT
  trap 'exit 130' INT TERM
}

# One set-up at a time for each cache; the second waits, then finds everything done.
lock_cache() {
  mkdir -p "$azimuth_cache"
  exec 9>"$azimuth_cache/.setup.lock"
  if ! flock --nonblock 9; then
    say "another set-up is at work on $azimuth_cache; waiting for it"
    flock 9
  fi
}

# point LINK TARGET: replaces a symlink in one step; nothing ever sees it missing.
point() {
  [ "$(readlink "$1" 2>/dev/null)" = "$2" ] && return
  mkdir -p "$(dirname "$1")"
  ln -sfn "$2" "$1.new"
  mv -Tf "$1.new" "$1"
}

# need_space MEGABYTES WHAT
need_space() {
  local free
  free="$(df -Pm "$azimuth_cache" | awk 'NR == 2 { print $4 }')"
  [ "$free" -ge "$1" ] || die "$2 needs $1 MB on the disk of $azimuth_cache; it has $free MB free" \
    "free some space, or set XDG_CACHE_HOME to a folder on a larger disk"
}

has_nvidia_driver() {
  [ -e /proc/driver/nvidia/version ] || [ -e /dev/nvidiactl ] ||
    ldconfig -p 2>/dev/null | grep -q 'libcuda\.so\.1 '
}
