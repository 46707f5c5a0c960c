#!/usr/bin/env bash
# Makes the packages for Linux: a .deb, an .rpm and a .tar.gz, into target/packages (or $KADO_PACKAGES).
#
#   packaging/linux/build.sh            builds kado, installs the tools that are missing
#   packaging/linux/build.sh --native   links against this machine's C library instead of glibc 2.31
#
# Needs Rust, a C compiler and Python 3. The binary runs where glibc is 2.31 or later (Debian 11, Ubuntu 20.04, RHEL 9),
# because zig links it; with --native only where it is as new as here. It holds the names and versions of all crates that
# it was built from (`cargo audit bin`, trivy and others read them), and each package has them as an SBOM (CycloneDX).
set -euo pipefail
cd "$(dirname "$0")/../.."

readonly TARGET=x86_64-unknown-linux-gnu
readonly GLIBC=2.31
readonly TARGET_DIR="${CARGO_TARGET_DIR:-target}"
readonly OUT="${KADO_PACKAGES:-$TARGET_DIR/packages}"
# What the program itself makes for the packages; Cargo.toml names this folder.
readonly PAPERS=target/papers
readonly CARGO="${CARGO:-cargo}"
# Where it was built is no part of the program: packaging/reproduce.sh shows that the same sources give the same program.
export RUSTFLAGS="${RUSTFLAGS:-} --remap-path-prefix=$PWD=/kado --remap-path-prefix=${CARGO_HOME:-$HOME/.cargo}=/cargo"
export CFLAGS="${CFLAGS:-} -ffile-prefix-map=$PWD=/kado -ffile-prefix-map=${CARGO_HOME:-$HOME/.cargo}=/cargo"
readonly TOOLS="${KADO_TOOLS:-${XDG_CACHE_HOME:-$HOME/.cache}/kado-tools}"
export PATH="$TOOLS/cargo/bin:$TOOLS/python/bin:$PATH"

# tool NAME: installs a cargo subcommand where it is missing.
tool() {
  command -v "$1" >/dev/null || CARGO_TARGET_DIR="$TOOLS/build" $CARGO install "$1" --locked --root "$TOOLS/cargo"
}

# zig is the linker that can aim at an older glibc; both come from PyPI.
zig() {
  [ -x "$TOOLS/python/bin/cargo-zigbuild" ] && return
  python3 -m venv "$TOOLS/python"
  "$TOOLS/python/bin/pip" install --quiet ziglang cargo-zigbuild
}

binary() {
  if [ "${1:-}" = --native ]; then
    $CARGO auditable build --release --locked --bin kado --target "$TARGET"
  else
    zig
    CARGO_ZIGBUILD_ZIG_PATH="$TOOLS/python/bin/python-zig" \
      $CARGO auditable zigbuild --release --locked --bin kado --target "$TARGET.$GLIBC"
  fi
}

# Manual pages, completions and changelog, compressed as Debian wants them.
papers() {
  local kado=$TARGET_DIR/$TARGET/release/kado
  rm -rf "$PAPERS"
  mkdir -p "$PAPERS/man" "$PAPERS/completions"
  "$kado" man --dir "$PAPERS/man"
  gzip --best --no-name "$PAPERS"/man/*.1
  gzip --best --no-name --stdout CHANGELOG.md >"$PAPERS/changelog.gz"
  "$kado" completions bash >"$PAPERS/completions/kado"
  "$kado" completions zsh >"$PAPERS/completions/_kado"
  "$kado" completions fish >"$PAPERS/completions/kado.fish"
}

# The SBOM of the program for this target, beside the other papers.
sbom() {
  packaging/sbom.sh "$TARGET" "$PAPERS/kado.cdx.json"
}

# The tar.gz: for systems without either kind of package; `kado service install` installs from it.
tarball() {
  local version root
  version=$("$TARGET_DIR/$TARGET/release/kado" --version | cut -d' ' -f2)
  root=kado-$version-x86_64-linux
  local tree
  tree=$(mktemp -d)
  mkdir -p "$tree/$root"
  cp "$TARGET_DIR/$TARGET/release/kado" packaging/kado.toml README.md LICENSE-MIT LICENSE-APACHE CHANGELOG.md "$PAPERS/kado.cdx.json" "$tree/$root"
  cp -r docs systemd "$PAPERS/man" "$PAPERS/completions" "$tree/$root"
  tar --create --gzip --file "$OUT/$root.tar.gz" --owner=0 --group=0 --sort=name -C "$tree" "$root"
  rm -rf "$tree"
}

tool cargo-deb
tool cargo-generate-rpm
tool cargo-auditable
tool cargo-cyclonedx
binary "$@"
mkdir -p "$OUT"
papers
sbom
cargo deb --no-build --locked --target "$TARGET" --output "$OUT"
cargo generate-rpm --target "$TARGET" --target-dir "$TARGET_DIR" --output "$OUT"
tarball
ls -l "$OUT"
