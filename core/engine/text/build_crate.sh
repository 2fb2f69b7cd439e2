#!/bin/sh
# build_crate.sh CARGO CRATE_DIR TARGET_DIR OUTPUT [fuzz]: the crate's archive. Several build folders and clones share
# TARGET_DIR, so that the crates it needs are compiled once. Two things follow: the lock covers compiling and copying,
# and a digest of the sources is part of the compiler's arguments, because cargo itself takes two clones for one
# package and compares only times. Offline if all crates are on this machine.
#
# fuzz: every crate and the C in them counts its branches for libFuzzer and is checked by clang's address sanitizer.
# Only the standard library is as it comes. (rustc keeps its name for the sanitizer unstable: hence RUSTC_BOOTSTRAP.)
set -eu
cargo=$1 crate=$2 target=$3 output=$4 purpose=${5:-use}
built=$target/release
platform=
if [ "$purpose" = fuzz ]; then
  name=$("${cargo%cargo}rustc" -vV | sed -n 's/^host: //p')
  platform="--target $name" # and so nothing that only the build runs
  built=$target/$name/release
  RUSTFLAGS="-Zsanitizer=address -Cpasses=sancov-module -Coverflow-checks=on -Cdebug-assertions=on"
  for option in level=4 inline-8bit-counters pc-table trace-compares; do
    RUSTFLAGS="$RUSTFLAGS -Cllvm-args=-sanitizer-coverage-$option"
  done
  suffix=$(echo "$name" | tr - _)
  export RUSTC_BOOTSTRAP=1 RUSTFLAGS "CC_$suffix=clang" "CFLAGS_$suffix=-fsanitize=address,fuzzer-no-link"
fi
mkdir -p "$target"
export CARGO_TARGET_DIR="$target"
exec 9>"$target/azimuth-text.lock"
flock 9
cd "$crate"
digest=$(cat Cargo.toml Cargo.lock src/*.rs | sha256sum | cut -c 1-16)
build() {
  # shellcheck disable=SC2086
  "$cargo" rustc --quiet --release --lib --locked --offline $platform -- --cfg "azimuth_sources_$digest"
}
if ! build 2>"$output.log"; then
  "$cargo" fetch --quiet --locked || {
    cat "$output.log" >&2
    echo "The crates of $crate/Cargo.lock are not on this machine and could not be fetched. Check the network." >&2
    exit 1
  }
  build
fi
cp "$built/libazimuth_text.a" "$output.new"
mv "$output.new" "$output"
rm -f "$output.log"
