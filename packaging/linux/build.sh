#!/usr/bin/env bash
# Makes the packages for Linux: a .deb, an .rpm and a .tar.gz, into target/packages (or $KADO_PACKAGES).
#
#   packaging/linux/build.sh            for this machine's architecture (x86-64 or arm64); installs the tools that are missing
#   packaging/linux/build.sh --arm64    for 64-bit ARM, cross-built where this machine is none
#   packaging/linux/build.sh --native   links against this machine's C library instead of glibc 2.31
#
# Needs Rust, a C compiler and Python 3. The binary runs where glibc is 2.31 or later (Debian 11, Ubuntu 20.04, RHEL 9),
# because zig links it; with --native only where it is as new as here. It holds the names and versions of all crates that
# it was built from (`cargo audit bin`, trivy and others read them), and each package has them as an SBOM (CycloneDX).
#
# --arm64 on another machine needs rustup as well, for Rust's library, and an emulator, because the program itself prints
# its manual pages: on Debian qemu-user and the libraries of libc6-arm64-cross; and a `strip` that knows the architecture,
# for the .deb. All of it is installed where that is possible.
set -euo pipefail
cd "$(dirname "$0")/../.."

native=no
ARCH=$(uname -m)
for option in "$@"; do
  case $option in
  --native) native=yes ;;
  --arm64) ARCH=aarch64 ;;
  *)
    echo "usage: packaging/linux/build.sh [--arm64] [--native]" >&2
    exit 2
    ;;
  esac
done
readonly ARCH
readonly TARGET=$ARCH-unknown-linux-gnu
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
  if [ "$native" = yes ]; then
    $CARGO auditable build --release --locked --bin kado --target "$TARGET"
  else
    zig
    CARGO_ZIGBUILD_ZIG_PATH="$TOOLS/python/bin/python-zig" \
      $CARGO auditable zigbuild --release --locked --bin kado --target "$TARGET.$GLIBC"
  fi
}

# What another architecture than this machine's wants: Rust's library for it, and an emulator with its C library.
foreign() {
  [ "$ARCH" = "$(uname -m)" ] && return
  if [ "$native" = yes ]; then
    echo "--native is for this machine, which is $(uname -m) and not $ARCH" >&2
    exit 2
  fi

  rustup target add "$TARGET"
  if ! command -v "qemu-$ARCH" >/dev/null || ! command -v "$ARCH-linux-gnu-strip" >/dev/null ||
    [ ! -e "/usr/$ARCH-linux-gnu/lib/libgcc_s.so.1" ]; then
    local packages=(qemu-user libc6-arm64-cross libgcc-s1-arm64-cross binutils-aarch64-linux-gnu)
    if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
      echo "missing: an emulator or a strip (apt-get install ${packages[*]})" >&2
      exit 3
    fi
    apt-get update --quiet >&2
    DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends "${packages[@]}" >&2
  fi
}

# The program that was built, emulated where it is of another architecture.
kado() {
  if [ "$ARCH" = "$(uname -m)" ]; then
    "$TARGET_DIR/$TARGET/release/kado" "$@"
  else
    "qemu-$ARCH" -L "/usr/$ARCH-linux-gnu" "$TARGET_DIR/$TARGET/release/kado" "$@"
  fi
}

# The list of crates is in the program, where linking and stripping have left it.
audited() {
  readelf --section-headers --wide "$TARGET_DIR/$TARGET/release/kado" | grep --quiet '\.dep-v0' || {
    echo "the program does not hold what it was built from (.dep-v0)" >&2
    exit 1
  }
}

# Manual pages, completions and changelog, compressed as Debian wants them.
papers() {
  rm -rf "$PAPERS"
  mkdir -p "$PAPERS/man" "$PAPERS/completions"
  kado man --dir "$PAPERS/man"
  gzip --best --no-name "$PAPERS"/man/*.1
  gzip --best --no-name --stdout CHANGELOG.md >"$PAPERS/changelog.gz"
  kado completions bash >"$PAPERS/completions/kado"
  kado completions zsh >"$PAPERS/completions/_kado"
  kado completions fish >"$PAPERS/completions/kado.fish"
}

# The SBOM of the program for this target, beside the other papers.
sbom() {
  packaging/sbom.sh "$TARGET" "$PAPERS/kado.cdx.json"
}

# The .deb, whose program cargo-deb strips with whatever is called `strip`: that of this machine knows no other architecture.
deb() {
  local tools
  tools=$(mktemp -d)
  if [ "$ARCH" != "$(uname -m)" ]; then
    ln -s "$(command -v "$ARCH-linux-gnu-strip")" "$tools/strip"
  fi
  PATH="$tools:$PATH" cargo deb --no-build --locked --target "$TARGET" --output "$OUT"
  rm -r "$tools"
}

# The tar.gz: for systems without either kind of package; `kado service install` installs from it.
tarball() {
  local version root
  version=$(kado --version | cut -d' ' -f2)
  root=kado-$version-$ARCH-linux
  local tree
  tree=$(mktemp -d)
  mkdir -p "$tree/$root"
  cp "$TARGET_DIR/$TARGET/release/kado" packaging/kado.toml README.md LICENSE-MIT LICENSE-APACHE CHANGELOG.md "$PAPERS/kado.cdx.json" "$tree/$root"
  cp -r docs systemd "$PAPERS/man" "$PAPERS/completions" "$tree/$root"
  tar --create --gzip --file "$OUT/$root.tar.gz" --owner=0 --group=0 --sort=name -C "$tree" "$root"
  rm -rf "$tree"
}

foreign
tool cargo-deb
tool cargo-generate-rpm
tool cargo-auditable
tool cargo-cyclonedx
binary
audited
mkdir -p "$OUT"
papers
sbom
deb
cargo generate-rpm --target "$TARGET" --target-dir "$TARGET_DIR" --output "$OUT"
tarball
ls -l "$OUT"
