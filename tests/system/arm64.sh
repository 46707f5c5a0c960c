#!/usr/bin/env bash
# kado for 64-bit ARM, as packaging/linux/build.sh --arm64 makes it, run by an emulator on another machine.
#
#   tests/system/arm64.sh            the packages, the program, and the demo with it (some minutes, if it is built)
#   tests/system/arm64.sh --units    the unit tests too, which are cross-built for that (a quarter of an hour more)
#
# Needs what build.sh --arm64 needs. An emulator proves the program, its C parts and its C library's calls; it does not
# prove a kernel of that architecture, systemd there, or the speed.
set -euo pipefail
cd "$(dirname "$0")/../.."

readonly TARGET=aarch64-unknown-linux-gnu
readonly TARGET_DIR="${CARGO_TARGET_DIR:-target}"
readonly PACKAGES="${KADO_PACKAGES:-$TARGET_DIR/packages}"
readonly EMULATE=(qemu-aarch64 -L /usr/aarch64-linux-gnu)

WORK=$(mktemp -d)
trap 'rm -rf "$WORK"' EXIT

claims=0
claim() {
  claims=$((claims + 1))
  printf '\n==> %d. %s\n' "$claims" "$*"
}

fail() {
  printf '\nFAILED: %s\n' "$*" >&2
  exit 1
}

# Lines of a command, set in.
told() {
  sed 's/^/      /'
}

# The newest package of a kind.
newest() {
  local found
  found=$(find "$PACKAGES" -name "$1" -printf '%T@ %p\n' | sort --numeric-sort | tail -n 1 | cut --delimiter=' ' --fields=2-)
  [ -n "$found" ] || fail "there is no $1 in $PACKAGES; packaging/linux/build.sh --arm64 makes it"
  echo "$found"
}

DEB=$(newest 'kado_*_arm64.deb')
RPM=$(newest 'kado-*.aarch64.rpm')
TAR=$(newest 'kado-*-aarch64-linux.tar.gz')
readonly DEB RPM TAR

claim 'each package is for arm64 and holds the same program'
dpkg-deb --field "$DEB" Package Version Architecture | told
[ "$(dpkg-deb --field "$DEB" Architecture)" = arm64 ] || fail 'the .deb is for another architecture'
dpkg-deb --extract "$DEB" "$WORK/deb"
mkdir "$WORK/tar"
tar --extract --file "$TAR" --directory "$WORK/tar" --strip-components 1
# That of the .deb has no names of functions any more; the code is the same.
for program in deb/usr/bin/kado tar/kado; do
  aarch64-linux-gnu-objcopy --output-target binary --only-section .text "$WORK/$program" "$WORK/code-of-${program%%/*}"
done
cmp "$WORK/code-of-deb" "$WORK/code-of-tar" || fail 'the .deb and the .tar.gz hold different programs'
# The lead of an .rpm says the architecture in its header only, which rpm reads where it is installed.
if command -v rpm >/dev/null; then
  rpm --query --package "$RPM" --queryformat '%{NAME} %{VERSION} %{ARCH}\n' 2>/dev/null | told
  [ "$(rpm --query --package "$RPM" --queryformat '%{ARCH}' 2>/dev/null)" = aarch64 ] || fail 'the .rpm is for another architecture'
fi
readelf --file-header "$WORK/deb/usr/bin/kado" | grep Machine: | told
readelf --file-header "$WORK/deb/usr/bin/kado" | grep --quiet 'Machine:.*AArch64' || fail 'the program is for another machine'

claim 'it asks for no C library newer than 2.31'
newest_glibc=$(readelf --version-info --wide "$WORK/deb/usr/bin/kado" | grep --only-matching 'GLIBC_[0-9.]*' | sort --version-sort --unique | tail -n 1)
echo "$newest_glibc" | told
[ "$(printf '%s\nGLIBC_2.31\n' "$newest_glibc" | sort --version-sort | tail -n 1)" = GLIBC_2.31 ] || fail "it wants $newest_glibc"

claim 'it runs: version, configuration, a project read from disk'
emulated() {
  "${EMULATE[@]}" "$WORK/deb/usr/bin/kado" "$@"
}
emulated --version | told
emulated inspect tests/fixtures/shop >"$WORK/inspected" || fail 'a project cannot be read'
head -n 4 "$WORK/inspected" | told

claim 'the demo arrives whole: katalon and Azure DevOps are played here, kado is emulated'
mkdir "$WORK/demo"
cargo build --quiet --package fake-katalon --bin demo
cp "$TARGET_DIR/debug/demo" "$WORK/demo/demo"
# The demo starts the kado that lies beside it.
printf '#!/bin/sh\nexec %s %s "$@"\n' "${EMULATE[*]}" "$WORK/deb/usr/bin/kado" >"$WORK/demo/kado"
chmod 755 "$WORK/demo/kado"
"$WORK/demo/demo" >"$WORK/demo.log" 2>&1 || { cat "$WORK/demo.log" >&2; fail 'the demo'; }
grep --after-context=1 '^== Verdict' "$WORK/demo.log" | told

if [ "${1:-}" = --units ]; then
  claim 'the unit tests hold'
  tools="${KADO_TOOLS:-${XDG_CACHE_HOME:-$HOME/.cache}/kado-tools}/python/bin"
  export "CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_RUNNER=${EMULATE[*]}"
  CARGO_ZIGBUILD_ZIG_PATH="$tools/python-zig" "$tools/cargo-zigbuild" test --locked --package kado --lib \
    --target "$TARGET" 2>&1 | tail -n 3 | told
fi

printf '\nAll %d claims hold, in %d s.\n' "$claims" "$SECONDS"
