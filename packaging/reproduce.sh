#!/usr/bin/env bash
# Shows that two builds of kado are equal, byte for byte: the same sources, in two folders, with two empty target folders.
#
#   packaging/reproduce.sh              the program for this machine, twice
#
# Exit code 1 and what differs when they do. What has to be equal for that: the sources, Cargo.lock, the
# compiler, the C compiler and the linker; where they lie must not matter. Takes two release builds (some minutes each).
set -euo pipefail
cd "$(dirname "$0")/.."

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# Taken once: somebody may go on working here meanwhile.
git ls-files -z | tar --create --null --files-from=- --file "$work/sources.tar"

# build NAME: a release build of these sources in a folder of its own.
build() {
  local folder=$work/$1
  mkdir -p "$folder/sources"
  tar --extract --file "$work/sources.tar" --directory "$folder/sources"

  # In texts of panics are the folder of the sources, that of what is generated while building, and cargo's own with the
  # sources of all crates.
  local home=${CARGO_HOME:-$HOME/.cargo}
  (cd "$folder/sources" &&
    RUSTFLAGS="--remap-path-prefix=$folder=/kado --remap-path-prefix=$home=/cargo" \
      CFLAGS="-ffile-prefix-map=$folder=/kado -ffile-prefix-map=$home=/cargo" \
      CARGO_TARGET_DIR=$folder/target cargo build --release --locked --bin kado)
}

build one
build a-folder-with-another-name
one=$work/one/target/release/kado
other=$work/a-folder-with-another-name/target/release/kado
sha256sum "$one" "$other"
if ! cmp "$one" "$other"; then
  echo "the two builds differ; texts that only one of them has:" >&2
  diff <(strings "$one" | sort -u) <(strings "$other" | sort -u) | head -40 >&2 || true
  exit 1
fi
echo "the two builds are equal"
