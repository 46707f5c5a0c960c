#!/usr/bin/env bash
# Builds the MSI, the zip, and the Scoop manifest for it, on Debian.
#
#   packaging/windows/build.sh [FOLDER]                 cross-builds kado.exe and packages it into FOLDER (target/windows)
#   packaging/windows/build.sh FOLDER --program KADO_EXE   packages a program that is there
#
# The manifest (kado.json) still wants @HOMEPAGE@ and @RELEASES@, which the publisher knows. Needs wixl, msitools and zip
# besides what cross.sh needs; installs what is missing where that is possible. Nothing is signed: SmartScreen warns of
# the program until its publisher signs it. An SBOM (CycloneDX) lies in the zip and beside the packages, unless a program that
# is there is packaged where cargo-cyclonedx is missing.
set -euo pipefail
cd "$(dirname "$0")/../.."

target=${1:-target/windows}
program=''
[ "${2:-}" != --program ] || program=$(realpath "$3")

for tool in wixl msibuild zip x86_64-w64-mingw32-objdump; do
  command -v "$tool" >/dev/null && continue
  if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
    echo "missing: $tool (apt-get install wixl msitools zip binutils-mingw-w64-x86-64)" >&2
    exit 3
  fi
  # A new machine knows no packages before it has asked once.
  apt-get update --quiet >&2
  DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends wixl msitools zip binutils-mingw-w64-x86-64 >&2
done

if [ -z "$program" ]; then
  command -v cargo-cyclonedx >/dev/null || cargo install cargo-cyclonedx --locked
  packaging/windows/cross.sh build --release --locked --package kado --bin kado
  program=${KADO_WINDOWS_TARGET_DIR:-$HOME/.cache/kado-target-windows}/x86_64-pc-windows-gnu/release/kado.exe
fi

# Only libraries that every Windows 10 brings may be asked for: nothing is shipped beside the program.
readonly ALLOWED='^(advapi32|api-ms-win-.*|bcrypt|bcryptprimitives|combase|crypt32|kernel32|ktmw32|msvcrt|ntdll|ole32|oleaut32|pdh|powrprof|psapi|secur32|shell32|user32|userenv|ws2_32)\.dll$'
asked=$(x86_64-w64-mingw32-objdump -p "$program" | sed -n 's/^[[:space:]]*DLL Name: //p' | tr '[:upper:]' '[:lower:]' | sort -u)
if strangers=$(grep --extended-regexp --invert-match "$ALLOWED" <<<"$asked"); then
  echo "kado.exe asks for libraries that not every Windows has: $strangers" >&2
  exit 1
fi

version=$(sed -n 's/^version = "\([^"]*\)"/\1/p' Cargo.toml | head -n 1)
name=kado-$version-x86_64-pc-windows-gnu
mkdir -p "$target"
stage=$(mktemp -d)
trap 'rm -rf "$stage"' EXIT
cp "$program" "$stage/kado.exe"
papers=(windows.md LICENSE-MIT LICENSE-APACHE)
if command -v cargo-cyclonedx >/dev/null; then
  packaging/sbom.sh x86_64-pc-windows-gnu "$stage/kado.cdx.json"
  cp "$stage/kado.cdx.json" "$target"
  papers+=(kado.cdx.json)
else
  echo "without an SBOM: cargo-cyclonedx is not installed" >&2
fi
cp packaging/kado.toml "$stage/kado.example.toml"
cp docs/windows.md LICENSE-MIT LICENSE-APACHE "$stage"

msi=$stage/kado.msi
(cd "$stage" && wixl --arch x64 --define "Version=$version" --output kado.msi "$OLDPWD/packaging/windows/kado.wxs")

query() {
  msibuild "$msi" -q "$1" || { echo "the MSI does not take: $1" >&2; return 1; }
}

# What wixl 0.101 does not know: an older build of the same version is replaced too, the older one is removed before the
# files are written, PATH, and the undoing of an installation that fails at its end.
query "DELETE FROM \`Upgrade\` WHERE \`ActionProperty\` = 'OLDERFOUND'"
query "INSERT INTO \`Upgrade\` (\`UpgradeCode\`, \`VersionMin\`, \`VersionMax\`, \`Attributes\`, \`ActionProperty\`)
  VALUES ('{8E0B9C4E-6C0C-4B0E-9C55-5B2D7B0C7E11}', '0.0.0', '$version', 768, 'OLDERFOUND')"
query "INSERT INTO \`InstallExecuteSequence\` (\`Action\`, \`Sequence\`) VALUES ('RemoveExistingProducts', 1501)"
query "CREATE TABLE \`Environment\` (\`Environment\` CHAR(72) NOT NULL, \`Name\` CHAR(255) NOT NULL LOCALIZABLE,
  \`Value\` CHAR(255) LOCALIZABLE, \`Component_\` CHAR(72) NOT NULL PRIMARY KEY \`Environment\`)"
query "INSERT INTO \`Environment\` (\`Environment\`, \`Name\`, \`Value\`, \`Component_\`)
  VALUES ('Path', '=-*PATH', '[~];[INSTALLDIR]', 'Program')"
query "INSERT INTO \`InstallExecuteSequence\` (\`Action\`, \`Sequence\`) VALUES ('RemoveEnvironmentStrings', 3300)"
query "INSERT INTO \`InstallExecuteSequence\` (\`Action\`, \`Sequence\`) VALUES ('WriteEnvironmentStrings', 5200)"
# A program on the disk that carries a version beats one of the package that has none, and would stay; so the package
# says its version, as kado.exe does.
query "UPDATE \`File\` SET \`Version\` = '$version.0', \`Language\` = '0' WHERE \`File\` = 'Kado'"
# A program of the package, deferred, as the system, for the rollback only, whatever its exit code.
query "INSERT INTO \`CustomAction\` (\`Action\`, \`Type\`, \`Source\`, \`Target\`)
  VALUES ('UndoService', 3410, 'Kado', 'service uninstall')"
query "INSERT INTO \`InstallExecuteSequence\` (\`Action\`, \`Condition\`, \`Sequence\`)
  VALUES ('UndoService', 'NOT Installed AND NOT OLDERFOUND', 6499)"

mv "$msi" "$target/$name.msi"
rm -f "$target/$name.zip"
(cd "$stage" && zip --quiet -9 "$name.zip" kado.exe kado.example.toml "${papers[@]}")
mv "$stage/$name.zip" "$target/$name.zip"
sha256=$(sha256sum "$target/$name.zip" | cut -d ' ' -f 1)
sed "s/@VERSION@/$version/g; s/@SHA256@/$sha256/" packaging/windows/scoop.json >"$target/kado.json"
(cd "$target" && sha256sum "$name.msi" "$name.zip" | tee "$name.sha256")
