#!/usr/bin/env bash
# Writes what kado is built from for a target, as an SBOM (CycloneDX 1.5, JSON): each crate with version, licence and digest.
#
#   packaging/sbom.sh TARGET FILE      such as: packaging/sbom.sh x86_64-unknown-linux-gnu kado.cdx.json
#
# Needs cargo-cyclonedx (`cargo install cargo-cyclonedx --locked`). The same sources give the same file: time and serial number
# are left out.
set -euo pipefail
target=$1
out=$(realpath "$2")
cd "$(dirname "$0")/.."

# cargo-cyclonedx writes beside each Cargo.toml of the workspace, so it works on a copy.
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
git ls-files -z | grep --null-data --invert-match --extended-regexp '^(docs|tests/(fixtures|it/snapshots))/' |
  tar --create --null --files-from=- | tar --extract --directory "$work"

(cd "$work" && cargo cyclonedx --quiet --format json --spec-version 1.5 --target "$target" \
  --override-filename kado.cdx)
python3 - "$work" "$out" <<'PYTHON'
import json, sys

work, out = sys.argv[1:]
text = open(f"{work}/kado.cdx.json").read()
# References to kado itself name the folder of the copy.
bom = json.loads(text.replace(f"file://{work}", "file:///kado"))
bom.pop("serialNumber", None)
bom["metadata"].pop("timestamp", None)
with open(out, "w") as file:
    json.dump(bom, file, indent=1, sort_keys=True)
    file.write("\n")
PYTHON
