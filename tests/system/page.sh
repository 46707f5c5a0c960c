#!/usr/bin/env bash
# The status page with a crowd on it, in a real browser: 300 projects, 2,000 runs, 40 parked, Japanese names and names
# of 200 letters. axe-core finds no violation at any width, in the dark and in the light; what is looked at is left as
# pictures.
#
#   tests/system/page.sh [PICTURES]      builds kado, makes the crowd, starts the service, looks at it
#
# Needs node, npm and chromium (Debian's), and the network once, for axe-core and puppeteer-core. About a minute without
# the build. Says how long a look took, and how large the page was.
set -euo pipefail
cd "$(dirname "$0")/../.."

readonly CARGO="${CARGO:-cargo}"
readonly TARGET_DIR="${CARGO_TARGET_DIR:-target}"
readonly CHROMIUM="${CHROMIUM:-$(command -v chromium)}"
readonly PORT=17440
PICTURES=$(realpath -m "${1:-$TARGET_DIR/page}")

WORK=$(mktemp -d "${TMPDIR:-/tmp}/kado-page.XXXXXX")
SERVICE=''
ended() {
  [ -z "$SERVICE" ] || kill "$SERVICE" 2>/dev/null || true
  rm -rf "$WORK"
}
trap ended EXIT

mkdir -p "$WORK/state" "$WORK/work" "$PICTURES"
chmod 700 "$WORK/state"
"$CARGO" build --quiet
KADO_CROWD="$WORK/state" "$CARGO" test --quiet -p kado --lib a_crowd_is_listed > "$WORK/crowd.log" || {
  cat "$WORK/crowd.log" >&2
  exit 1
}

# The projects of the crowd, as they lie on the disk.
for number in $(seq 300); do
  root="$WORK/work/$number/s/shop"
  mkdir -p "$root/settings/external" "$root/Test Cases"
  printf '<?xml version="1.0" encoding="UTF-8"?>\n<Project><name>Shop %s</name></Project>\n' "$number" > "$root/shop.prj"
done

cat > "$WORK/kado.toml" <<TOML
watch = ["$WORK/work"]
state_dir = "$WORK/state"

[azure]
server_url = "http://127.0.0.1:9/org"

[status_page]
listen = "127.0.0.1:$PORT"
actions = true
TOML
"$TARGET_DIR/debug/kado" --config "$WORK/kado.toml" run 2> "$WORK/service.log" &
SERVICE=$!

mkdir -p "$TARGET_DIR/page-browser"
cp tests/system/page.mjs "$TARGET_DIR/page-browser/"
npm install --silent --no-audit --no-fund --prefix "$TARGET_DIR/page-browser" axe-core@4 puppeteer-core@24
env CHROMIUM="$CHROMIUM" PICTURES="$PICTURES" ADDRESS="http://127.0.0.1:$PORT" TOKEN_FILE="$WORK/state/kado.page" \
  SERVICE_PID="$SERVICE" node "$TARGET_DIR/page-browser/page.mjs"
SERVICE=''
