# libtorch and the peers' Python environments; sourced by setup.
#
# torch-cpu: torch with the two nvidia wheels that libtorch_cpu.so needs. torch-full: torch with all of
# them. base: the files of torch-full (hard links, so the disk holds one torch) plus the first peers.
# Further peers see base through a .pth file. $azimuth_cache/torch points into one of the first three.

# ninja compares times: with one fixed old time, going from the CPU subset to the full set rebuilds nothing.
torch_time=2020-01-01T00:00:00Z

point_torch() {
  point "$azimuth_cache/torch" "venvs/${venv##*/}/lib/python$python_version/site-packages/torch"
}

full_digest() { digest_of "$requirements/torch-full.txt"; }
base_digest() { digest_of "$requirements/torch-full.txt" "$requirements/peers-base.txt"; }

check_library() {
  local missing
  missing="$(ldd "$site/torch/lib/$1" 2>&1 | grep 'not found' || true)"
  [ -z "$missing" ] || die "$1 does not find: $missing" "remove $venv and start this again"
}

# make_torch cpu|full: leaves `venv` and `site` on it.
make_torch() {
  local digest space=7500 libraries=(libtorch_cpu.so libtorch_cuda.so)
  [ "$1" = full ] || { space=2000; libraries=(libtorch_cpu.so); }
  digest="$(digest_of "$requirements/torch-$1.txt")"
  begin_venv "torch-$1" "$digest" || return 0
  need_space $space "torch ($1 set of wheels)"
  fetch "torch-$1"
  install_into "$venv" "torch-$1"
  find "$site/torch" -exec touch -h -d "$torch_time" {} +
  for library in "${libraries[@]}"; do check_library "$library"; done
  end_venv "torch-$1"
}

make_base_peer() {
  local full_site
  make_torch full
  full_site="$site"
  if begin_venv base "$(base_digest)"; then
    fetch peers-base
    cp -al "$full_site/." "$site/"
    install_into "$venv" peers-base
    "$venv/bin/python" -c 'import torch, transformers' ||
      die "the base peer environment does not import torch and transformers" \
        "remove $venv and start this again"
    end_venv base
  fi
  point "$azimuth_cache/peers/base" "../venvs/${venv##*/}"
}

# The whole set serves the processor as well, so one that is here is used rather than a second torch fetched.
set_up_torch() {
  local kind="$torch_kind"
  if [ "$with_tests" = yes ]; then
    make_base_peer
  elif is_whole "$azimuth_cache/venvs/base-$(base_digest)"; then
    begin_venv base "$(base_digest)" || true
  else
    ! is_whole "$azimuth_cache/venvs/torch-full-$(full_digest)" || kind=full
    make_torch "$kind"
  fi
  point_torch
  say "libtorch 2.11.0: $azimuth_cache/torch -> ${venv##*/}"
}

# A wheel made for this very processor: llama.cpp is also a bench peer, so it gets every instruction there is.
build_llama() {
  local flags source work
  flags="$(grep -m 1 '^flags' /proc/cpuinfo | sha256sum | cut -c1-12)"
  source="$(requirement_lines "$requirements/llama-source.txt")"
  wheel_folder="$azimuth_cache/built/$(digest_of "$requirements/llama-source.txt")-$flags"
  [ ! -d "$wheel_folder" ] || return 0
  if [ ! -d "$(folder_of_line "$source")" ]; then
    say "fetching ${source%% *}"
    # The source's own build system says its version: the pinned one, which lies in the new environment.
    pip=("$azimuth_cache/venvs/pip-$python_version/bin/python" -m pip --python "$venv/bin/python")
    fetch_lines --no-build-isolation --no-binary llama-cpp-python -- "$source"
    find_pip
  fi
  # Folders that stay until the wheel is there, so that an interrupted compilation goes on where it was.
  work="$azimuth_cache/built/work-${wheel_folder##*/}"
  if [ ! -d "$work" ]; then
    mkdir -p "$scratch/work/source" "$azimuth_cache/built"
    tar -xf "$(folder_of_line "$source")"/*.tar.gz -C "$scratch/work/source" --strip-components=1
    mv -T "$scratch/work" "$work"
  fi
  say "compiling ${source%% *} (minutes; messages in $work/log)"
  mkdir -p "$scratch/wheel"
  if ! CMAKE_ARGS="-DLLAVA_BUILD=OFF" CMAKE_BUILD_PARALLEL_LEVEL="${AZIMUTH_JOBS:-$(nproc)}" \
      nice -n 10 "${pip[@]}" --python "$venv/bin/python" wheel -v --no-build-isolation --no-deps --no-index \
      --config-settings=build-dir="$work/build" --wheel-dir "$scratch/wheel" "$work/source" \
      </dev/null >"$work/log" 2>&1; then
    tail -n 30 "$work/log" >&2
    die "llama-cpp-python did not compile" \
      "read the messages above; start this again to go on from here, or remove $work to start afresh"
  fi
  mv -T "$scratch/wheel" "$wheel_folder"
  rm -rf "$work"
}

make_llama_peer() {
  local wheel_folder
  if begin_venv llama "$(digest_of "$requirements/llama-source.txt" "$requirements/peers-llama.txt")"; then
    printf '%s\n' "$azimuth_cache/peers/base/lib/python$python_version/site-packages" >"$site/base.pth"
    fetch peers-llama
    install_into "$venv" peers-llama
    build_llama
    "${pip[@]}" --python "$venv/bin/python" install --quiet --no-index --no-deps --no-compile \
      "$wheel_folder"/*.whl
    "$venv/bin/python" -c 'import llama_cpp, torch' ||
      die "the llama peer environment does not import llama_cpp and torch" "remove $venv and start this again"
    end_venv llama
  fi
  point "$azimuth_cache/peers/llama" "../venvs/${venv##*/}"
}
