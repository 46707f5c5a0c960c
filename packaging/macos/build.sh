#!/usr/bin/env bash
# Makes a package for macOS, on a Mac: kado.pkg with the program, its manual and the daemon's plist. Not run yet by the
# project itself; see docs/service.md.
#
#   packaging/macos/build.sh                       builds for this Mac
#   KADO_SIGN="Developer ID Installer: …" packaging/macos/build.sh    signs the package too
#
# Needs Rust and Xcode's command line tools.
set -euo pipefail
cd "$(dirname "$0")/../.."

readonly OUT="${KADO_PACKAGES:-target/packages}"
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT

cargo build --release --locked --bin kado
kado="${CARGO_TARGET_DIR:-target}/release/kado"
version=$("$kado" --version | cut -d' ' -f2)

install -d "$root/usr/local/bin" "$root/usr/local/share/man/man1" "$root/usr/local/share/kado" "$root/Library/LaunchDaemons"
install -m 755 "$kado" "$root/usr/local/bin/kado"
"$kado" man --dir "$root/usr/local/share/man/man1"
install -m 644 packaging/kado.toml "$root/usr/local/share/kado/kado.toml"
plutil -lint packaging/macos/daemon.plist
install -m 644 packaging/macos/daemon.plist "$root/Library/LaunchDaemons/kado.plist"

mkdir -p "$OUT"
sign=()
[ -z "${KADO_SIGN:-}" ] || sign=(--sign "$KADO_SIGN")
pkgbuild --root "$root" --identifier kado --version "$version" --ownership recommended \
  --scripts packaging/macos/scripts ${sign[@]+"${sign[@]}"} "$OUT/kado-$version.pkg"
ls -l "$OUT/kado-$version.pkg"
