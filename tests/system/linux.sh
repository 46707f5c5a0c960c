#!/usr/bin/env bash
# kado as a service on a real systemd: a Debian booted by systemd-nspawn, the .deb installed, a fake Azure DevOps on the
# host. Each part is a claim; the first that does not hold ends the test with its reason and the service's log.
#
#   sudo tests/system/linux.sh                 builds the packages (packaging/linux/build.sh) and plays everything
#   sudo tests/system/linux.sh --deb X.deb [--rpm X.rpm]   takes packages that are there
#
# Needs root and Debian or one of its kin; installs systemd-container and debootstrap where they are missing. Leaves
# nothing but the cached base system. About three minutes without the build.
set -euo pipefail
cd "$(dirname "$0")/../.."
# shellcheck source=tests/system/guest.sh
. tests/system/guest.sh

readonly TARGET_DIR="${CARGO_TARGET_DIR:-target}"
readonly CARGO="${CARGO:-cargo}"
readonly OLD_TOKEN=machine-token-1 NEW_TOKEN=machine-token-2
readonly AGENT=/srv/agent/_work/1/s/Shop
readonly HOME_PROJECT=/home/tester/katalon/Shop

[ "$(id -u)" = 0 ] || fail "this test boots a system; run it as root"

DEB='' RPM=''
while [ $# -gt 0 ]; do
  case $1 in
    --deb) DEB=$(realpath "$2") && shift 2 ;;
    --rpm) RPM=$(realpath "$2") && shift 2 ;;
    *) fail "unknown argument $1" ;;
  esac
done

WORK=$(mktemp -d "${TMPDIR:-/tmp}/kado-system.XXXXXX")
ADO_PID=''
ended() {
  local code=$?
  if [ $code -ne 0 ] && [ -n "${GUEST_PID:-}" ]; then
    printf '\n--- the service as systemd sees it\n' >&2
    guest systemctl status kado --no-pager --lines=0 >&2 || true
    guest journalctl --unit kado --no-pager --lines=60 >&2 || true
    guest kado runs >&2 || true
  fi
  guest_down
  [ -z "$ADO_PID" ] || kill "$ADO_PID" 2>/dev/null || true
  rm -rf "$WORK"
  exit $code
}
trap ended EXIT

claims=0
claim() {
  claims=$((claims + 1))
  printf '\n%2d. %s\n' "$claims" "$*"
}

told() {
  sed 's/^/      /'
}

# --- the fakes -------------------------------------------------------------------------------------------------------

# ado PATH [METHOD [BODY]]: looks into the fake Azure DevOps, or orders something of it.
ado() {
  curl --silent --show-error --fail --request "${2:-GET}" ${3:+--data "$3"} "$ADO_ORIGIN/_fake/$1"
}

# runs: a line for each ADO run: state, results, attachments, and how many files the run or one of its results has twice.
runs() {
  ado world | python3 -c '
import json, sys
for run in json.load(sys.stdin)["runs"]:
    owners = [run] + run["results"]
    files = [[file["file_name"] for file in owner["attachments"]] for owner in owners]
    twice = sum(len(names) - len(set(names)) for names in files)
    print(run["state"], len(run["results"]), sum(map(len, files)), twice)'
}

completed() {
  runs | grep --count '^Completed' || true
}

are_completed() {
  [ "$(completed)" = "$1" ]
}

# once_each COUNT: so many runs are there, all completed, none with an attachment twice.
once_each() {
  [ "$(runs | wc -l)" = "$1" ] || fail "there are $(runs | wc -l) runs in Azure DevOps instead of $1"
  [ "$(runs | grep --count '^Completed 7 [0-9]* 0$')" = "$1" ] || fail "not every run is whole and there once: $(runs)"
}

upload_is_under_way() {
  [ "$(ado requests | python3 -c '
import json, sys
print(sum(r["method"] == "POST" and r["path"].lower().endswith("attachments") and r["status"] == 0 for r in json.load(sys.stdin)))')" -gt 0 ]
}

# slow_uploads delay|late: every attachment takes a minute before it is there, or is there and answered a minute later.
slow_uploads() {
  ado faults POST "{\"method\": \"POST\", \"path\": \"attachments\", \"$1\": 60000}" >/dev/null
}

# suite_ends PROJECT USER: Katalon has just finished a suite run there.
suite_ends() {
  guest su "$2" -s /bin/sh -c "fake-katalon run $1 $GUEST_HOST 1" | told
  # The sample's run takes its name from the second.
  sleep 1.1
}

# --- the service -----------------------------------------------------------------------------------------------------

main_pid() {
  guest systemctl show kado --property=MainPID --value
}

is_running() {
  [ "$(guest systemctl is-active kado)" = active ]
}

says_how_things_stand() {
  guest systemctl show kado --property=StatusText --value | grep --quiet 'submitted'
}

is_another_process_than() {
  is_running && [ "$(main_pid)" != "$1" ]
}

# row_says WORD: the newest row of `kado runs` has that word in its state or its error.
row_says() {
  guest kado runs --json | python3 -c '
import json, sys
rows = json.load(sys.stdin)
newest = max(rows, key=lambda row: row["id"])
sys.exit(sys.argv[1] not in newest["state"] + " " + (newest["error"] or ""))' "$1"
}

# configuration WATCH: watches that, with the machine's token, and does not wait for a Katalon that might submit itself.
configuration() {
  printf 'watch = [%s]\n[azure]\nserver_url = "%s"\n[submit]\nkatalon_submits = "never"\n' "$1" "$ADO_URL"
}

watch() {
  configuration "$1" >"$GUEST_ROOT/etc/kado/kado.toml"
}

# newer_deb: the same package with a higher version, as an upgrade brings it.
newer_deb() {
  rm -rf "$WORK/newer"
  dpkg-deb --raw-extract "$DEB" "$WORK/newer"
  sed -i 's/^Version: .*/&+upgrade/' "$WORK/newer/DEBIAN/control"
  dpkg-deb --root-owner-group --build "$WORK/newer" "$GUEST_ROOT/root/newer.deb" >/dev/null
}

# traces: what of kado is left in the guest, but for logs of other programs.
traces() {
  guest find / -xdev \( -path /root -o -path /var/log/journal -o -path /var/log/dpkg.log -o -path /var/log/apt -o -path /srv \
    -o -path /home -o -path /usr/local -o -path /tmp \) -prune -o -name '*kado*' -print
  guest getent passwd kado || true
  guest getent group kado || true
  guest systemctl list-unit-files --no-legend 'kado*' || true
}

# --- what is needed --------------------------------------------------------------------------------------------------

need curl curl
need python3 python3
need lintian lintian
if [ -z "$DEB" ]; then
  KADO_PACKAGES=$WORK/packages packaging/linux/build.sh
  DEB=$(echo "$WORK"/packages/*.deb) RPM=$(echo "$WORK"/packages/*.rpm)
fi
$CARGO build --quiet --locked -p fake-ado -p fake-katalon
"$TARGET_DIR/debug/fake-katalon" world >"$WORK/world.json"
"$TARGET_DIR/debug/fake-ado" --world "$WORK/world.json" >"$WORK/ado.url" &
ADO_PID=$!
await "the fake Azure DevOps answers" test -s "$WORK/ado.url"
ADO_URL=$(cat "$WORK/ado.url")
ADO_ORIGIN=${ADO_URL%/*}
ado tokens PUT "[\"$OLD_TOKEN\"]" >/dev/null

printf 'Booting Debian\n'
guest_prepare "$WORK/root"
cp "$TARGET_DIR/debug/fake-katalon" "$WORK/root/usr/local/bin/"
cp "$DEB" "$WORK/root/root/kado.deb"
[ -z "$RPM" ] || cp "$RPM" "$WORK/root/root/kado.rpm"
guest_boot "$WORK/root"
GUEST_HOST=$(guest hostname)
guest useradd --create-home --shell /bin/sh tester
guest chmod 700 /home/tester
guest useradd --create-home --home-dir /srv/agent --shell /bin/sh agent
guest su agent -c "fake-katalon project $AGENT $ADO_URL"
guest su tester -c "fake-katalon project $HOME_PROJECT $ADO_URL"

# --- the claims ------------------------------------------------------------------------------------------------------

claim "lintian finds nothing in the package but what is explained"
lintian --fail-on error,warning "$DEB" 2>&1 | told

claim "The package installs; without watched folders the service is enabled, not started and not failed"
guest dpkg --install /root/kado.deb 2>&1 | told
[ "$(guest systemctl is-enabled kado)" = enabled ] || fail "the service does not start with the machine"
[ "$(guest systemctl is-active kado || true)" = inactive ] || fail "the service runs without a folder to watch"
guest grep --quiet '^watch = \[\]' /etc/kado/kado.toml || fail "there is no example configuration"

claim "A service that is started without configuration ends with exit code 2, stays down, and says why as an error"
guest systemctl start kado 2>/dev/null && fail "systemd takes a service without configuration for a running one"
await "systemd has given up" guest systemctl is-failed --quiet kado
[ "$(guest systemctl show kado --property=ExecMainStatus --value)" = 2 ] || fail "the exit code is not 2"
[ "$(guest systemctl show kado --property=NRestarts --value)" = 0 ] || fail "it was started again"
guest journalctl --unit kado --priority err --output cat --no-pager | grep 'watch' | told

claim "The unit is rated at or below 1.5, as it is installed"
guest systemd-analyze security kado --threshold=15 --no-pager >/dev/null || fail "$(guest systemd-analyze security kado --no-pager | tail -n 1)"
guest systemd-analyze security kado --no-pager | tail -n 1 | told

claim "The token goes in by standard input and is closed to everybody but root"
watch '"/srv/agent/_work", "/home/tester/katalon"'
guest sh -c "echo $OLD_TOKEN | kado service set-token" | told
[ "$(guest stat --format='%a %U' /etc/credstore/kado-token)" = "600 root" ] || fail "others can read the token"

claim "kado check, as the service sees the machine, names the folder that cannot be read and the command that mends it"
guest kado check --as-service --offline >"$WORK/check" && fail "a folder in a closed home is found to be fine"
grep --after-context=1 'watch' "$WORK/check" | told
# shellcheck disable=SC2016
command_to_mend=$(grep --only-matching '`sudo setfacl[^`]*`' "$WORK/check" | head -n 1 | tr -d '`')
guest sh -c "${command_to_mend//sudo /}"
guest kado check --as-service --offline >"$WORK/check" || true
grep 'watch' "$WORK/check" | told
grep --quiet 'WRONG.*watch' "$WORK/check" && fail "the command did not mend it"

claim "What root does before the first start leaves nothing that the service cannot use"
{ guest kado submit "$AGENT" 2>&1 || true; } | told
guest find /var/lib/kado -type f -printf '%M %u:%g %f\n' | told
[ -z "$(guest find /var/lib/kado ! -group kado -o ! -perm -g=rw -type f -o ! -perm -g=rwx -type d)" ] || fail "the service cannot use all of its state"

claim "The service starts, tells systemd that it is ready and how things stand"
guest kado service start | told
guest kado service start | grep --quiet 'nothing to do' || fail "starting twice is not idempotent"
await "a line on how things stand" says_how_things_stand
guest kado service status | told
{ guest kado check --as-service || true; } | grep -E 'server|account|token|checks|well' | told

claim "Runs that appear in watched folders, below /home too, are submitted with the token of the credential"
suite_ends "$AGENT" agent
suite_ends "$HOME_PROJECT" tester
await "two runs are complete in Azure DevOps" are_completed 2
once_each 2
runs | told

claim "kill -9 in the middle of an upload: systemd starts it again, and nothing is there twice"
slow_uploads late
suite_ends "$AGENT" agent
await "an upload is under way" upload_is_under_way
before=$(main_pid)
guest sh -c "kill -KILL $before"
ado faults DELETE >/dev/null
await "another process runs" is_another_process_than "$before"
await "three runs are complete" are_completed 3
once_each 3
guest systemctl show kado --property=NRestarts | told

claim "A reboot in the middle of an upload: finished after it, nothing twice"
slow_uploads delay
suite_ends "$AGENT" agent
await "an upload is under way" upload_is_under_way
guest_reboot
ado faults DELETE >/dev/null
await "four runs are complete" are_completed 4
once_each 4

claim "The process hangs: no signs of life reach systemd, which ends it and starts it again"
mkdir -p "$GUEST_ROOT/etc/systemd/system/kado.service.d"
printf '[Service]\nWatchdogSec=10s\nTimeoutAbortSec=2s\n' >"$GUEST_ROOT/etc/systemd/system/kado.service.d/test.conf"
guest systemctl daemon-reload
guest systemctl restart kado
before=$(main_pid)
sleep 25
[ "$(main_pid)" = "$before" ] || fail "a service that turns was taken for one that hangs"
guest sh -c "kill -STOP $before"
await "another process runs" is_another_process_than "$before"
guest journalctl --unit kado --output cat --no-pager | grep -i 'watchdog timeout' | tail -n 1 | told
rm -r "$GUEST_ROOT/etc/systemd/system/kado.service.d"
guest systemctl daemon-reload
guest systemctl restart kado

claim "The token is rotated in Azure DevOps: the run waits; set-token puts the new one in, and it goes on by itself"
ado tokens PUT "[\"$NEW_TOKEN\"]" >/dev/null
suite_ends "$AGENT" agent
await "the run waits for a token" row_says token
guest kado runs | tail -n 1 | told
guest sh -c "echo $NEW_TOKEN | kado service set-token" | told
await "five runs are complete" are_completed 5
once_each 5

claim "A tool that writes the credential's file itself is noticed too"
ado tokens PUT "[\"$OLD_TOKEN\"]" >/dev/null
suite_ends "$AGENT" agent
await "the run waits for a token" row_says token
guest sh -c "umask 077; echo $OLD_TOKEN > /etc/credstore/kado-token"
await "six runs are complete" are_completed 6
once_each 6

claim "A watched workspace is deleted and made again while the service runs"
before=$(main_pid)
guest rm -r /srv/agent/_work
guest su agent -c "mkdir -p /srv/agent/_work && fake-katalon project $AGENT $ADO_URL"
suite_ends "$AGENT" agent
await "seven runs are complete" are_completed 7
once_each 7
[ "$(main_pid)" = "$before" ] || fail "the service was started again"

claim "The group kado may look and submit; others may not"
guest su tester -c 'kado runs' >/dev/null 2>&1 && fail "anybody may look into the outbox"
guest usermod --append --groups kado tester
guest su tester -c 'kado status' | told
last=$(guest sh -c "ls -d $AGENT/Reports/*/Smoke/Checkout/* | tail -n 1")
guest su tester -c "kado submit '$last'" 2>&1 | told
# The exit code is 1, because the sample has an id without a test point; the output says so.
guest su tester -c "kado submit --again '$last'" >"$WORK/submitted" 2>&1 && fail "an id without a test point is nothing to kado submit"
told <"$WORK/submitted"
await "eight runs are complete" are_completed 8

claim "An upgrade over a waiting outbox: the new program goes on with what waits"
ado faults POST '{"method": "*", "path": "", "status": 503}' >/dev/null
suite_ends "$AGENT" agent
await "a run waits" row_says pending
before=$(main_pid)
newer_deb
guest dpkg --install /root/newer.deb 2>&1 | told
await "another process runs" is_another_process_than "$before"
ado faults DELETE >/dev/null
await "nine runs are complete" are_completed 9
once_each 9

claim "A database of a newer version is refused with a clear word, and stays as it is"
guest kado service stop | told
python3 - "$GUEST_ROOT/var/lib/kado/kado.db" <<'PY'
import sqlite3, sys
with sqlite3.connect(sys.argv[1]) as db:
    sys.stdout.write("      schema %d -> 99\n" % db.execute("pragma user_version").fetchone()[0])
    open(sys.argv[1] + ".schema", "w").write(str(db.execute("pragma user_version").fetchone()[0]))
    db.execute("pragma user_version = 99")
PY
guest systemctl start kado 2>/dev/null && fail "a database of the future is used"
guest journalctl --unit kado --priority err --output cat --no-pager | grep 'newer kado' | tail -n 1 | told
guest systemctl stop kado
python3 - "$GUEST_ROOT/var/lib/kado/kado.db" <<'PY'
import os, sqlite3, sys
with sqlite3.connect(sys.argv[1]) as db:
    db.execute("pragma user_version = %s" % open(sys.argv[1] + ".schema").read())
os.remove(sys.argv[1] + ".schema")
PY
guest chown --reference=/var/lib/kado/kado.mark /var/lib/kado/kado.db
guest kado service start | told

claim "Removing keeps what a person may want; purging leaves nothing behind"
guest dpkg --remove kado 2>&1 | told
[ -e "$GUEST_ROOT/var/lib/kado/kado.db" ] && [ -e "$GUEST_ROOT/etc/kado/kado.toml" ] || fail "removing took state or configuration"
guest dpkg --purge kado 2>&1 | told
left=$(traces)
[ -z "$left" ] || fail "left behind: $left"

claim "Without a package: kado service install, twice, status, uninstall, purge"
cp "$WORK/newer/usr/bin/kado" "$GUEST_ROOT/usr/local/bin/kado"
guest cp /usr/local/bin/kado /root/kado
guest /root/kado service install 2>&1 && fail "a program in a home folder became a service"
guest /usr/local/bin/kado service install | told
guest kado service install | grep --quiet 'nothing to do' || fail "installing twice is not idempotent"
watch '"/srv/agent/_work"'
guest sh -c "echo $OLD_TOKEN | kado service set-token" | told
guest kado service start | told
suite_ends "$AGENT" agent
await "ten runs are complete" are_completed 10
once_each 10
guest kado service restart | told
guest kado service status --json | told
guest kado service uninstall | told
guest kado service uninstall --purge | told
left=$(traces)
[ -z "$left" ] || fail "left behind: $left"

claim "A service of one user: installed without rights, its own configuration, state and token"
user=$(guest id --user tester)
guest systemctl start "user@$user.service"
as_tester() {
  guest su tester -s /bin/sh -c "XDG_RUNTIME_DIR=/run/user/$user $1"
}
as_tester 'kado service install --user' | told
configuration '"/home/tester/katalon"' >"$GUEST_ROOT/home/tester/.config/kado/kado.toml"
as_tester "echo $OLD_TOKEN | kado service set-token --user" | told
as_tester 'kado service start --user' | told
as_tester 'kado service status --user' | told
suite_ends "$HOME_PROJECT" tester
await "eleven runs are complete" are_completed 11
once_each 11
as_tester 'kado service uninstall --user --purge' | told
left=$(guest find /home/tester -name '*kado*')
[ -z "$left" ] || fail "left behind: $left"
guest systemctl stop "user@$user.service"
rm "$GUEST_ROOT/usr/local/bin/kado" "$GUEST_ROOT/root/kado"

if [ -n "$RPM" ]; then
  claim "The .rpm's files and scripts do the same (on a Debian, without its dependencies)"
  guest rpm --install --nodeps /root/kado.rpm 2>&1 | told
  watch '"/srv/agent/_work"'
  guest sh -c "echo $OLD_TOKEN | kado service set-token" | told
  guest kado service start | told
  suite_ends "$AGENT" agent
  await "twelve runs are complete" are_completed 12
  once_each 12
  guest rpm --erase kado 2>&1 | told
  [ -e "$GUEST_ROOT/var/lib/kado/kado.db" ] || fail "erasing took the state"
fi

claim "Nothing that was sent broke the API description, where that is at hand"
[ "$(ado violations)" = '[]' ] || fail "$(ado violations)"

printf '\nAll %d claims hold, in %d s.\n' "$claims" "$SECONDS"
