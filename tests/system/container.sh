#!/usr/bin/env bash
# The image of packaging/container/Containerfile, built without a daemon and without a registry, and its program at work
# in its own root as its own account.
#
#   tests/system/container.sh       needs root, Debian, and the .tar.gz of packaging/linux/build.sh
#
# The bases of the recipe are made here by debootstrap and given their names, so what is proven is the recipe, and that the
# program runs on Debian 12 and nothing else of this machine; not Google's distroless base, which has fewer files, and no
# runtime of containers.
set -euo pipefail
cd "$(dirname "$0")/../.."

readonly TARGET_DIR="${CARGO_TARGET_DIR:-target}"
readonly PACKAGES="${KADO_PACKAGES:-$TARGET_DIR/packages}"
readonly ACCOUNT=65532
export STORAGE_DRIVER=vfs BUILDAH_ISOLATION=chroot

WORK=$(mktemp -d)
ROOT=
cleanup() {
  [ -z "${ADO:-}" ] || kill "$ADO" 2>/dev/null || true
  [ -z "${KADO:-}" ] || kill -KILL "$KADO" 2>/dev/null || true
  [ -z "$ROOT" ] || umount "$ROOT/srv/work" "$ROOT/proc" 2>/dev/null || true
  buildah --root "$WORK/images" --runroot "$WORK/run" rm --all >/dev/null 2>&1 || true
  rm -rf "$WORK"
}
trap cleanup EXIT

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

# Everything of this test lies in a folder of its own, so that no image of this machine is taken or left.
images() {
  buildah --root "$WORK/images" --runroot "$WORK/run" "$@"
}

# base NAME: the Debian that lies in $WORK/debian, as the image of that name.
base() {
  local container
  container=$(images from scratch)
  images copy --quiet "$container" "$WORK/debian" / >/dev/null
  images commit --quiet --rm --format docker "$container" "$1" >/dev/null
}

# in_image COMMAND…: the shell that calls it becomes the command, in the root of the image, as its account, with the environment
# that a container has.
in_image() {
  exec chroot --userspec="$ACCOUNT:$ACCOUNT" "$ROOT" /usr/bin/env -i PATH=/usr/bin HOME=/ "$@"
}

# Whether every run in Azure DevOps is completed, and there is one.
completed() {
  python3 - "$1" <<'PYTHON'
import json, sys, urllib.request

world = json.load(urllib.request.urlopen(sys.argv[1] + "/_fake/world"))
runs = world["runs"]
sys.exit(not runs or any(run["state"] != "Completed" for run in runs))
PYTHON
}

for tool in buildah debootstrap; do
  command -v "$tool" >/dev/null || fail "$tool is missing (apt-get install buildah debootstrap)"
done
ls "$PACKAGES"/kado-*-"$(uname -m)"-linux.tar.gz >/dev/null || fail "there is no .tar.gz in $PACKAGES; packaging/linux/build.sh makes it"

claim 'the recipe makes an image'
# Certificates of authorities are in every base that kado can speak https from.
debootstrap --variant=minbase --include=ca-certificates bookworm "$WORK/debian" >"$WORK/debootstrap.log" 2>&1 || { tail "$WORK/debootstrap.log" >&2; fail 'debootstrap'; }
base docker.io/library/debian:12-slim
base gcr.io/distroless/base-debian12:nonroot
mkdir "$WORK/packages"
cp "$PACKAGES"/kado-*-"$(uname -m)"-linux.tar.gz "$WORK/packages"
case $(uname -m) in aarch64) arch=arm64 ;; *) arch=amd64 ;; esac
images build --quiet --format docker --pull-never --build-arg "TARGETARCH=$arch" \
  --file packaging/container/Containerfile --tag kado "$WORK/packages" >/dev/null
images inspect --type image --format '{{.Docker.Config.User}} {{.Docker.Config.Entrypoint}} {{.Docker.Config.Cmd}} {{.Docker.Config.Healthcheck.Test}}' kado | told

claim 'its program runs in it as an account without rights, which owns the state folder'
container=$(images from --pull-never kado)
ROOT=$(images mount "$container")
(in_image /usr/bin/kado --version) | told
stat --format '%n %a %u:%g' "$ROOT/var/lib/kado" | sed "s|$ROOT||" | told
[ "$(stat --format '%a %u:%g' "$ROOT/var/lib/kado")" = "700 $ACCOUNT:$ACCOUNT" ] || fail 'the state folder is open to others'
[ "$(stat --format '%a %u:%g' "$ROOT/var/lib")" = '755 0:0' ] || fail 'the folder around it is not the system'"'"'s any more'

claim 'the service submits a run from a workspace that is mounted read-only, and its health check is content'
cargo build --quiet --locked --package fake-ado --package fake-katalon --bins
"$TARGET_DIR/debug/fake-katalon" world >"$WORK/world.json"
"$TARGET_DIR/debug/fake-ado" --world "$WORK/world.json" >"$WORK/ado.log" 2>&1 &
ADO=$!
for _ in $(seq 100); do
  [ -s "$WORK/ado.log" ] && break
  sleep 0.1
done
url=$(head -n 1 "$WORK/ado.log")
mkdir -p "$WORK/workspace" "$ROOT/srv/work" "$ROOT/etc/kado"
"$TARGET_DIR/debug/fake-katalon" project "$WORK/workspace/Shop" "$url"
"$TARGET_DIR/debug/fake-katalon" run "$WORK/workspace/Shop" >/dev/null
mount --bind "$WORK/workspace" "$ROOT/srv/work"
mount -o remount,bind,ro "$ROOT/srv/work"
mount -t proc proc "$ROOT/proc"
printf 'watch = ["/srv/work"]\nruns_from = "any"\nhistory = "all"\n\n[submit]\nkatalon_submits = "never"\n' >"$ROOT/etc/kado/kado.toml"
in_image /usr/bin/kado run >"$WORK/kado.log" 2>&1 &
KADO=$!
for _ in $(seq 600); do
  completed "${url%/*}" && break
  kill -0 "$KADO" 2>/dev/null || { cat "$WORK/kado.log" >&2; fail 'the service has ended'; }
  sleep 0.1
done
completed "${url%/*}" || { cat "$WORK/kado.log" >&2; fail 'the run did not arrive'; }
# What the recipe names as the health check.
(in_image /usr/bin/kado status) >"$WORK/status" || { cat "$WORK/status" >&2; fail 'the health check'; }
head -n 4 "$WORK/status" | told

claim 'it ends within ten seconds when it is asked to'
asked=$SECONDS
kill -TERM "$KADO"
wait "$KADO" || fail "it ended with $?"
KADO=
[ $((SECONDS - asked)) -le 10 ] || fail 'it took longer'

printf '\nAll %d claims hold, in %d s.\n' "$claims" "$SECONDS"
