#!/bin/sh
# build_crate.sh CARGO CRATE_DIR TARGET_DIR OUTPUT: the crate's archive. Several build folders and clones share TARGET_DIR,
# so the lock covers compiling and copying: another clone's archive must not slip in between. Offline if all crates are there.
set -eu
cargo=$1 crate=$2 target=$3 output=$4
mkdir -p "$target"
export CARGO_TARGET_DIR="$target"
exec 9>"$target/azimuth-text.lock"
flock 9
cd "$crate"
if ! "$cargo" build --quiet --release --locked --offline 2>"$output.log"; then
  "$cargo" fetch --quiet --locked || {
    cat "$output.log" >&2
    echo "The crates of $crate/Cargo.lock are not on this machine and could not be fetched. Check the network." >&2
    exit 1
  }
  "$cargo" build --quiet --release --locked --offline
fi
cp "$target/release/libazimuth_text.a" "$output.new"
mv "$output.new" "$output"
rm -f "$output.log"
