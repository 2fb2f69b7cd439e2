#!/bin/sh
# build_crate.sh CARGO CRATE_DIR TARGET_DIR OUTPUT: the crate's archive. Several build folders and clones share
# TARGET_DIR, so that the crates it needs are compiled once. Two things follow: the lock covers compiling and copying,
# and a digest of the sources is part of the compiler's arguments, because cargo itself takes two clones for one
# package and compares only times. Offline if all crates are on this machine.
set -eu
cargo=$1 crate=$2 target=$3 output=$4
mkdir -p "$target"
export CARGO_TARGET_DIR="$target"
exec 9>"$target/azimuth-text.lock"
flock 9
cd "$crate"
digest=$(cat Cargo.toml Cargo.lock src/*.rs | sha256sum | cut -c 1-16)
build() {
  "$cargo" rustc --quiet --release --lib --locked --offline -- --cfg "azimuth_sources_$digest"
}
if ! build 2>"$output.log"; then
  "$cargo" fetch --quiet --locked || {
    cat "$output.log" >&2
    echo "The crates of $crate/Cargo.lock are not on this machine and could not be fetched. Check the network." >&2
    exit 1
  }
  build
fi
cp "$target/release/libazimuth_text.a" "$output.new"
mv "$output.new" "$output"
rm -f "$output.log"
