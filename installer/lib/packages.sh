# Debian packages and the Rust toolchain; sourced by setup.

build_packages=(
  ca-certificates g++ cmake ninja-build ccache pkg-config
  qt6-base-dev libqt6opengl6-dev qt6-charts-dev qt6-svg-dev
  libhdf5-dev libspdlog-dev nlohmann-json3-dev libeigen3-dev libboost-dev libboost-math-dev libre2-dev
  libutf8proc-dev libcli11-dev libssl-dev zlib1g-dev libzip-dev
  python3 python3-venv
)
test_packages=(
  libbenchmark-dev hdf5-tools xvfb xauth openbox x11-utils poppler-utils imagemagick clang libclang-rt-14-dev
)
# Cargo.lock in its present form and the crates' edition ask for this.
oldest_rust=1.85

is_installed() {
  [ "$(dpkg-query --show --showformat='${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

# find_cargo: puts a cargo that is new enough on PATH; false if there is none.
find_cargo() {
  local folder version
  for folder in "" "${CARGO_HOME:-$HOME/.cargo}/bin" /usr/bin; do
    [ -z "$folder" ] || PATH="$folder:$PATH"
    version="$(cargo --version 2>/dev/null | awk '{ print $2 }')" || continue
    [ -n "$version" ] || continue
    if printf '%s\n%s\n' "$oldest_rust" "$version" | sort --version-sort --check=quiet; then
      return 0
    fi
  done
  return 1
}

missing_packages() {
  local package wanted=("${build_packages[@]}")
  [ "$with_tests" = no ] || wanted+=("${test_packages[@]}")
  for package in "${wanted[@]}"; do
    is_installed "$package" || printf '%s\n' "$package"
  done
  find_cargo || is_installed cargo-web || printf 'cargo-web\n'
}

install_packages() {
  local missing line
  command -v dpkg-query >/dev/null || die "this set-up is for Debian 12 (no dpkg here)" \
    "install the packages of installer/lib/packages.sh by the means of this system, then see CONTRIBUTING.md"
  mapfile -t missing < <(missing_packages)
  if [ ${#missing[@]} -gt 0 ]; then
    line="apt-get install -y --no-install-recommends --no-remove -o DPkg::Lock::Timeout=300 ${missing[*]}"
    [ "$(id -u)" = 0 ] || die "these Debian packages are missing: ${missing[*]}" \
      "run as root, then start this again: $line"
    say "installing ${#missing[@]} Debian packages (minutes on a bare machine): ${missing[*]}"
    run_apt "$line"
  fi
  find_cargo || die "no cargo of at least $oldest_rust was found" \
    "run 'rustup update stable', or remove the old cargo and run as root: apt-get install cargo-web"
}

run_apt() {
  local try
  export DEBIAN_FRONTEND=noninteractive
  # The timeout covers dpkg's lock, not that of the package lists.
  for try in 1 2 3; do
    apt-get update -qq -o DPkg::Lock::Timeout=300 </dev/null && break
    [ "$try" = 3 ] && say "apt-get update failed; going on with the package lists that are here"
    sleep 5
  done
  if ! $1 -q </dev/null >"$scratch/apt.log" 2>&1; then
    tail -n 30 "$scratch/apt.log" >&2
    die "apt could not install the packages" "read apt's messages above; then run as root: $1"
  fi
}
