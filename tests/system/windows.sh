#!/usr/bin/env bash
# kado on Windows, as far as Wine can show it: the tests, the demo, the service from installing to removing, the MSI. The
# program is a real .exe, cross-built by packaging/windows/cross.sh; Azure DevOps is a fake on the host.
#
#   tests/system/windows.sh              everything
#   tests/system/windows.sh --quick      without the integration tests, which take ten minutes more
#
# Needs Debian or one of its kin; installs Wine and the tools where they are missing (root and apt-get). Wine gets a
# prefix of its own, which is removed at the end together with every process in it. docs/windows.md says what Wine
# cannot show. KADO_CARGO names a cargo to use instead of Debian's (`cross.sh`) and of the path's.
set -euo pipefail
cd "$(dirname "$0")/../.."

readonly QUICK=${1:-}
readonly TARGET=${KADO_WINDOWS_TARGET_DIR:-$HOME/.cache/kado-target-windows}
readonly BUILT=$TARGET/x86_64-pc-windows-gnu/debug
readonly HOST_TARGET=${CARGO_TARGET_DIR:-target}
readonly TOKEN=demo-token

# Integration tests that Wine does not let pass, each with its reason; everything else of `it` is run.
readonly SKIPPED=(
  'transport::a_server_with_a_private_authority|Wine 8 refuses the certificate engine that rustls asks for'
  'transport::an_encrypted_server_is_reached_through_a_proxy_that_wants_a_password|Wine 8 refuses the certificate engine that rustls asks for'
  'workspaces::a_watched_folder_can_be_deleted|Wine keeps a deleted folder while a watch is on it, and shows it as if it were there'
  'crash|minutes of processes that are killed; the same code runs on Linux'
  'soak|minutes of random faults; the same code runs on Linux'
  'memory|measures the allocator of the host'
  'corpus|minutes; the readers are run by the fixtures'
)

fail() {
  printf '\nFAILED: %s\n' "$*" >&2
  exit 1
}

claims=0
claim() {
  claims=$((claims + 1))
  printf '\n%2d. %s\n' "$claims" "$*"
}

told() {
  sed 's/^/      /' | tr -d '\r'
}

# eventually WHAT COMMAND…: looks again until the command succeeds, for two minutes.
eventually() {
  local what=$1 until=$((SECONDS + 120))
  shift
  until "$@"; do
    [ $SECONDS -lt $until ] || fail "waited in vain for: $what"
    sleep 0.5
  done
}

install_missing() {
  local packages=(wine wine64 msitools wixl zip curl python3 binutils-mingw-w64-x86-64 gcc-mingw-w64-x86-64) missing=()
  for package in "${packages[@]}"; do
    dpkg-query --show --showformat='${Status}' "$package" 2>/dev/null | grep --quiet 'ok installed' || missing+=("$package")
  done
  [ ${#missing[@]} -gt 0 ] || return 0
  [ "$(id -u)" = 0 ] || fail "missing: ${missing[*]} (apt-get install ${missing[*]})"
  # A new machine knows no packages before it has asked once.
  apt-get update --quiet
  DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends "${missing[@]}"
}

WORK=$(mktemp -d "${TMPDIR:-/tmp}/kado-windows.XXXXXX")
export WINEPREFIX=$WORK/prefix WINEARCH=win64 WINEDEBUG=-all INSTA_UPDATE=no RUST_BACKTRACE=0
# What tests of this system skip on another one, they skip here.
export KADO_CI=0
# Neither Mono nor Gecko is wanted, and nobody is there to answer.
export WINEDLLOVERRIDES='mscoree,mshtml='
ADO_PID=''
ended() {
  local code=$?
  if [ $code -ne 0 ] && [ -d "${LOGS:-/nowhere}" ]; then
    printf '\n--- the log of the service\n' >&2
    tail -n 40 "$LOGS"/*.log >&2 || true
  fi
  [ -z "$ADO_PID" ] || kill "$ADO_PID" 2>/dev/null || true
  wineserver --kill 2>/dev/null || true
  wineserver --wait 2>/dev/null || true
  rm -rf "$WORK"
  exit $code
}
trap ended EXIT

# Wine shows the mode of a file as its access list; what kado keeps for itself is closed on a real Windows.
umask 077

# --- building --------------------------------------------------------------------------------------------------------

# Builds everything; prints the test programs.
executables() {
  packaging/windows/cross.sh build --workspace --lib --bins --tests --locked --message-format=json 2>"$WORK/build.log" |
    python3 -c '
import json, sys
for line in sys.stdin:
    message = json.loads(line)
    if message.get("reason") == "compiler-artifact" and message.get("executable") and message["profile"]["test"]:
        package = message["package_id"].rsplit("/", 1)[-1].split("#")[0]
        print(package, message["target"]["kind"][0], message["target"]["name"], message["executable"])' ||
    { cat "$WORK/build.log" >&2; return 1; }
}

# test_program TARGET KIND: where it lies.
test_program() {
  awk -v name="$1" -v kind="$2" '$3 == name && $2 == kind { print $4 }' "$WORK/executables"
}

prefix() {
  mkdir -p "$WINEPREFIX"
  wineboot --init >/dev/null 2>&1
  wineserver --wait
  x86_64-w64-mingw32-gcc -shared -O2 -s -o "$WINEPREFIX/drive_c/windows/system32/bcryptprimitives.dll" \
    tests/system/bcryptprimitives.c -ladvapi32
}

# Wine ends all services with the last program of a person, so one is kept: a shell that waits for a line.
keep_session() {
  mkfifo "$WORK/never"
  exec 7<>"$WORK/never"
  wine cmd <"$WORK/never" >/dev/null 2>&1 &
}

# integration ARGUMENTS…: runs kado's integration tests, which want the fake katalonc as a program of Windows.
integration() {
  local program
  # The package's own `it` and that of the fake have the same name; kado's is the one beside which kado.exe was built.
  program=$(awk '$3 == "it" && $2 == "test" && $1 !~ /^fake-ado/ { print $4 }' "$WORK/executables")
  FAKE_KATALONC=$(winepath --windows "$BUILT/katalonc.exe") wine "$program" "$@" >"$WORK/tests.log" 2>&1
}

# once_more: Wine now and then cannot start a process while others start (error 1359, exit code -1073741502), so what
# failed is run again, one test after the other, and counts if it fails again.
once_more() {
  local failed=()
  mapfile -t failed < <(tr -d '\r' <"$WORK/tests.log" | sed --quiet 's/^test \([^ ]*\) .*FAILED$/\1/p')
  if [ ${#failed[@]} -eq 0 ]; then
    tail -n 40 "$WORK/tests.log" >&2
    fail 'the integration tests did not come to their end'
  fi
  printf 'failed, and is run once more by itself: %s\n' "${failed[@]}" | told
  integration --test-threads 1 --exact "${failed[@]}" ||
    { grep --text --after-context 30 '^---- ' "$WORK/tests.log" >&2; grep --text 'FAILED\|^test result' "$WORK/tests.log" >&2; fail 'integration tests, twice'; }
}

# --- the fakes -------------------------------------------------------------------------------------------------------

ado() {
  curl --silent --show-error --fail --request "${2:-GET}" ${3:+--data "$3"} "$ADO_ORIGIN/_fake/$1"
}

# A line for each ADO run: state, results, attachments, and how many of these have the name of another.
runs() {
  ado world | python3 -c '
import json, sys
for run in json.load(sys.stdin)["runs"]:
    names = [a["file_name"] for a in run["attachments"]]
    print(run["state"], len(run["results"]), len(names), len(names) - len(set(names)))'
}

# last_arrived: the suite run of the last suite_ends is submitted, by the ledger.
last_arrived() {
  kado runs --json 2>/dev/null | python3 -c '
import json, sys
rows = [row for row in json.load(sys.stdin) if row["folder"].endswith(sys.argv[1])]
sys.exit([row["state"] for row in rows] != ["submitted"])' "$(basename "$LAST")"
}

# each_once: what the ledger calls submitted is in Azure DevOps, all of it completed, none of it twice.
each_once() {
  local submitted
  submitted=$(kado runs --json 2>/dev/null | python3 -c '
import json, sys
print(len({row["ado_run_id"] for row in json.load(sys.stdin) if row["state"] == "submitted"}))')
  [ "$(runs | wc -l)" = "$submitted" ] || fail "there are $(runs | wc -l) runs in Azure DevOps instead of $submitted"
  [ "$(runs | grep --count '^Completed 7 [0-9]* 0$')" = "$submitted" ] || fail "not every run is whole and there once: $(runs)"
}

upload_is_under_way() {
  [ "$(ado requests | python3 -c '
import json, sys
print(sum(r["method"] == "POST" and r["path"].lower().endswith("attachments") and r["status"] == 0 for r in json.load(sys.stdin)))')" -gt 0 ]
}

start_ado() {
  "$HOST_TARGET/debug/fake-katalon" world >"$WORK/world.json"
  "$HOST_TARGET/debug/fake-ado" --world "$WORK/world.json" >"$WORK/ado.url" &
  ADO_PID=$!
  eventually 'the fake Azure DevOps' test -s "$WORK/ado.url"
  ADO_URL=$(head -n 1 "$WORK/ado.url")
  ADO_ORIGIN=$(python3 -c 'import sys, urllib.parse as u; p = u.urlsplit(sys.argv[1]); print(f"{p.scheme}://{p.netloc}")' "$ADO_URL")
}

# suite_ends: Katalon has just finished a suite run in the watched project.
suite_ends() {
  LAST=$("$HOST_TARGET/debug/fake-katalon" run "$PROJECT" "$(hostname)" 1)
  told <<<"$LAST"
  # The sample's run takes its name from the second.
  sleep 1.1
}

# --- the service -----------------------------------------------------------------------------------------------------

kado() {
  wine 'C:\Program Files\kado\kado.exe' "$@"
}

# How the service stands; the exit code says whether it runs, which is asked of the text here.
standing() {
  kado service status --json 2>/dev/null || true
}

# msi /i or /x: installs or removes the package without asking.
msi() {
  wine msiexec "$1" "$MSI" /qn >"$WORK/msi.log" 2>&1 || { cat "$WORK/msi.log" >&2; fail "msiexec $1"; }
}

state_is() {
  standing | python3 -c '
import json, sys
status = json.load(sys.stdin)
sys.exit({"running": status["running"], "stopped": not status["running"]}[sys.argv[1]] is not True)' "$1"
}

configure() {
  printf "watch = ['C:\\\\agent\\\\_work']\n[azure]\nserver_url = \"%s\"\n" "$ADO_URL" >"$CONFIG"
}

exit_code_of_service() {
  wine sc query kado | tr -d '\r' | sed -n 's/.*SERVICE_EXIT_CODE *: *\([0-9]*\).*/\1/p'
}

# =====================================================================================================================

install_missing

claim 'everything builds for Windows, and kado.exe asks for nothing but what every Windows has'
executables >"$WORK/executables"
packaging/windows/build.sh "$WORK/packages" --program "$BUILT/kado.exe" | told
"${KADO_CARGO:-cargo}" build --quiet --locked --workspace --bins
prefix
keep_session
wine "$BUILT/kado.exe" --version | told

claim 'the unit tests hold'
for crate in kado fake_ado fake_katalon; do
  program=$(test_program "$crate" lib)
  [ -n "$program" ] || fail "there is no test program of $crate"
  wine "$program" --test-threads 2 >"$WORK/tests.log" 2>&1 || { cat "$WORK/tests.log" >&2; fail "unit tests of $crate"; }
  grep '^test result' "$WORK/tests.log" | told
done

if [ "$QUICK" != --quick ]; then
  claim 'the integration tests hold, but for those that Wine cannot run'
  skips=()
  for skipped in "${SKIPPED[@]}"; do
    printf 'skipped: %s: %s\n' "${skipped%%|*}" "${skipped#*|}" | told
    skips+=(--skip "${skipped%%|*}")
  done
  if ! integration --test-threads 2 "${skips[@]}"; then
    grep '^test result' "$WORK/tests.log" | told
    once_more
  fi
  grep '^test result' "$WORK/tests.log" | told
fi

claim 'the demo arrives whole'
wine "$BUILT/demo.exe" >"$WORK/demo.log" 2>&1 || { cat "$WORK/demo.log" >&2; fail 'the demo'; }
grep --after-context=1 '^== Verdict' "$WORK/demo.log" | told

claim 'without a program in a place that a service can use nothing is installed'
if wine "$BUILT/kado.exe" service install --user >"$WORK/said" 2>&1; then fail 'a service of a user was installed'; fi
grep --quiet 'Task Scheduler' "$WORK/said" || fail "it does not say what to do: $(cat "$WORK/said")"

claim 'the MSI installs program and service, and starts nothing that is not configured'
readonly PROGRAM_DATA=$WINEPREFIX/drive_c/ProgramData/kado
readonly CONFIG=$PROGRAM_DATA/kado.toml LOGS=$PROGRAM_DATA/state/logs
readonly MSI=$(echo "$WORK"/packages/*.msi)
msi /i
[ -f "$WINEPREFIX/drive_c/Program Files/kado/kado.exe" ] || fail 'the program is not there'
kado service status | told && fail 'it runs without a configuration'
standing | python3 -c '
import json, sys
status = json.load(sys.stdin)
assert status["installed"] and status["enabled"], status
assert status["definition"].endswith("run --service"), status' || fail 'the service is not installed'
grep --quiet '^watch = \[\]' "$CONFIG" || fail 'no example of a configuration was written'

claim 'a start without a configuration is refused in words, and the service itself says where it looked'
if kado service start >"$WORK/said" 2>&1; then fail 'it started'; fi
told <"$WORK/said"
mv "$CONFIG" "$CONFIG.away"
wine sc start kado >/dev/null 2>&1 || true
eventually 'the service to give up' state_is stopped
[ "$(exit_code_of_service)" = 2 ] || fail "its exit code is $(exit_code_of_service), not 2"
mv "$CONFIG.away" "$CONFIG"

claim 'a token is stored, encrypted, and the configured service starts'
start_ado
configure
printf '%s\n' "$TOKEN" | kado service set-token | told
[ -s "$PROGRAM_DATA/kado-token" ] || fail 'there is no token file'
if grep --quiet --text "$TOKEN" "$PROGRAM_DATA/kado-token"; then fail 'the token can be read in its file'; fi
readonly PROJECT=$WINEPREFIX/drive_c/agent/_work/1/s/Shop
"$HOST_TARGET/debug/fake-katalon" project "$PROJECT" "$ADO_URL"
kado service start | told
state_is running || fail 'it does not run'
kado service start | told

claim 'a suite run that ends is submitted'
suite_ends
eventually 'the run in Azure DevOps' last_arrived
each_once

claim 'the workspace can be deleted and made again while the service runs, at any moment'
for round in 1 2 3; do
  suite_ends
  wine cmd /c 'rmdir /s /q C:\agent\_work\1\s\Shop' || fail "round $round: it cannot be deleted"
  [ ! -e "$PROJECT" ] || fail "round $round: something of it stays"
  wine cmd /c 'mkdir C:\agent\_work\1\s\Shop' || fail "round $round: it cannot be made again"
  rmdir "$PROJECT"
  "$HOST_TARGET/debug/fake-katalon" project "$PROJECT" "$ADO_URL"
done
suite_ends
eventually 'the run of the new workspace' last_arrived

claim 'more events than Windows keeps cost no run'
python3 - "$WINEPREFIX/drive_c/agent/_work" <<'PYTHON'
import pathlib, sys
folder = pathlib.Path(sys.argv[1]) / "flood"
folder.mkdir()
for number in range(20000):
    (folder / f"a file with a long name, of which many come at the same time {number}").touch()
PYTHON
suite_ends
eventually 'the run after the flood' last_arrived
rm -rf "$WINEPREFIX/drive_c/agent/_work/flood"

claim 'stopped in the middle of an upload it ends soon, and finishes after the next start, once'
ado faults POST '{"method": "POST", "path": "attachments", "delay": 60000}' >/dev/null
suite_ends
eventually 'an upload' upload_is_under_way
since=$SECONDS
kado service stop | told
[ $((SECONDS - since)) -lt 20 ] || fail "it took $((SECONDS - since)) s to stop"
state_is stopped || fail 'it still runs'
[ "$(exit_code_of_service)" = 0 ] || fail "its exit code is $(exit_code_of_service), not 0"
kado service stop | told
ado faults DELETE >/dev/null
kado service start | told
eventually 'the interrupted run' last_arrived
each_once
[ "$(ado violations)" = '[]' ] || fail "requests do not fit the API description: $(ado violations)"

claim 'the MSI installed over itself keeps service, configuration and state'
msi /i
eventually 'the service' state_is running
kado runs --json 2>/dev/null | python3 -c 'import json, sys; sys.exit(len(json.load(sys.stdin)) < 2)' || fail 'the ledger is empty'
sleep 3
each_once

claim 'the MSI removed takes the service and leaves configuration, state and token'
msi /x
if wine sc query kado >/dev/null 2>&1; then fail 'the service is still there'; fi
[ ! -e "$WINEPREFIX/drive_c/Program Files/kado/kado.exe" ] || fail 'the program is still there'
[ -f "$CONFIG" ] && [ -f "$PROGRAM_DATA/state/kado.db" ] && [ -f "$PROGRAM_DATA/kado-token" ] || fail 'something was lost'

claim 'without an MSI the program installs and removes itself, twice without harm, and purges'
mkdir -p "$WINEPREFIX/drive_c/Program Files/kado"
cp "$BUILT/kado.exe" "$WINEPREFIX/drive_c/Program Files/kado/"
kado service install | told
state_is running || fail 'it was not started although it is configured'
kado service install | told
kado service uninstall --purge | told
kado service uninstall | told
[ ! -e "$PROGRAM_DATA" ] || fail "something stays: $(find "$PROGRAM_DATA")"

printf '\nall %d claims hold\n' "$claims"
