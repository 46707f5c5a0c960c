#!/usr/bin/env bash
# cargo for x86_64-pc-windows-gnu on Debian: its Rust comes with the sources of the standard library, which is built too.
#
#   packaging/windows/cross.sh build --release --bin kado
#   packaging/windows/cross.sh clippy --workspace --all-targets
#
# The first build takes about ten minutes; the target folder is kept warm outside the clone. Packages that are missing
# are installed where that is possible (root and apt-get).
set -euo pipefail

readonly PACKAGES=(rustc-web cargo-web rust-web-clippy rust-web-src mingw-w64)

missing=()
for package in "${PACKAGES[@]}"; do
  dpkg-query --show --showformat='${Status}' "$package" 2>/dev/null | grep --quiet 'ok installed' || missing+=("$package")
done
if [ ${#missing[@]} -gt 0 ]; then
  if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
    echo "missing: ${missing[*]} (apt-get install ${missing[*]})" >&2
    exit 3
  fi
  echo "installing ${missing[*]}" >&2
  # A new machine knows no packages before it has asked once.
  apt-get update --quiet >&2
  DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends "${missing[@]}" >&2
fi

# Debian's Rust before any other; it is a stable one, whose library can only be built with what it keeps for itself.
export PATH="/usr/bin:$PATH" RUSTC_BOOTSTRAP=1
export CARGO_TARGET_X86_64_PC_WINDOWS_GNU_LINKER=x86_64-w64-mingw32-gcc
export CARGO_TARGET_DIR="${KADO_WINDOWS_TARGET_DIR:-$HOME/.cache/kado-target-windows}"
command=$1
shift
exec "${KADO_CARGO:-cargo}" "$command" -Zbuild-std=std,panic_unwind --target x86_64-pc-windows-gnu "$@"
