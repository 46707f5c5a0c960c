# shellcheck shell=bash
# A Debian booted by systemd-nspawn, for tests that need a real systemd. Sourced, not run.
#
# The guest shares the network of the host, so a server on the host's loopback is reached from inside. Nothing is
# registered with systemd-machined: this works in containers too. The base system is made once and kept in
# ${XDG_CACHE_HOME:-~/.cache}/kado-system.

readonly CACHE=${XDG_CACHE_HOME:-$HOME/.cache}/kado-system
readonly SUITE=bookworm
# libpam-systemd gives users the runtime folder that their own service manager needs.
readonly PACKAGES=systemd,systemd-sysv,dbus,libpam-systemd,acl,rpm,ca-certificates
readonly MIRROR=${KADO_DEBIAN_MIRROR:-http://deb.debian.org/debian}
# How long a condition may take to come true, in seconds.
readonly PATIENCE=${KADO_PATIENCE:-120}

# need PROGRAM PACKAGE…: installs what is missing on the host.
need() {
  local program=$1
  shift
  command -v "$program" >/dev/null && return
  # A new machine knows no packages before it has asked once.
  apt-get update --quiet
  DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends "$@"
}

# guest_prepare ROOT: a fresh system in that folder.
guest_prepare() {
  need systemd-nspawn systemd-container
  need debootstrap debootstrap
  if [ "$(cat "$CACHE/$SUITE.packages" 2>/dev/null)" != "$PACKAGES" ]; then
    mkdir -p "$CACHE"
    rm -rf "$CACHE/$SUITE.part" "$CACHE/$SUITE"
    debootstrap --variant=minbase --include="$PACKAGES" "$SUITE" "$CACHE/$SUITE.part" "$MIRROR" >"$CACHE/debootstrap.log"
    mv "$CACHE/$SUITE.part" "$CACHE/$SUITE"
    echo "$PACKAGES" >"$CACHE/$SUITE.packages"
  fi
  cp --archive --reflink=auto "$CACHE/$SUITE" "$1"
}

# guest_boot ROOT: boots it; it comes back after a reboot of its own, until guest_down.
guest_boot() {
  # shellcheck disable=SC2034 # for the test
  GUEST_ROOT=$1
  guest_keep_up "$1" &
  GUEST_PID=$!
  await "the guest is up" guest_is_up
}

# Outside a unit systemd-nspawn ends with 133 when its guest reboots, so that whoever started it does so again.
guest_keep_up() {
  local code=133
  while [ "$code" = 133 ]; do
    code=0
    systemd-nspawn --quiet --directory="$1" --boot --register=no --keep-unit --console=pipe >>"$1.console" 2>&1 </dev/null || code=$?
  done
}

# The guest's first process, which changes with a reboot.
guest_leader() {
  pgrep --parent "$(pgrep --parent "$GUEST_PID" --oldest)" --oldest
}

guest_is_up() {
  local state
  state=$(guest systemctl is-system-running 2>/dev/null || true)
  [ "$state" = running ] || [ "$state" = degraded ]
}

# guest COMMAND…: runs a command in the guest as root.
guest() {
  local leader
  leader=$(guest_leader) || return 1
  nsenter --target "$leader" --all -- /usr/bin/env --ignore-environment HOME=/root LANG=C.UTF-8 \
    PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin "$@"
}

# guest_reboot: reboots it in an orderly way and waits until it is back.
guest_reboot() {
  local before
  before=$(guest_leader)
  guest systemctl reboot
  await "the guest is another one" guest_is_not "$before"
  await "the guest is up again" guest_is_up
}

guest_is_not() {
  local leader
  leader=$(guest_leader) && [ "$leader" != "$1" ]
}

guest_down() {
  [ -n "${GUEST_PID:-}" ] || return 0
  local nspawn left=20
  nspawn=$(pgrep --parent "$GUEST_PID" --oldest) || nspawn=''
  kill -KILL "$GUEST_PID" 2>/dev/null || true
  wait "$GUEST_PID" 2>/dev/null || true
  [ -n "$nspawn" ] || return 0
  kill -TERM "$nspawn" 2>/dev/null || true
  while kill -0 "$nspawn" 2>/dev/null && [ $((left--)) -gt 0 ]; do sleep 0.5; done
  kill -KILL "$nspawn" 2>/dev/null || true
}

# await WHAT COMMAND…: waits until the command succeeds, and fails with WHAT when it does not in time.
await() {
  local what=$1 until=$((SECONDS + PATIENCE))
  shift
  until "$@"; do
    [ "$SECONDS" -lt "$until" ] || fail "not within $PATIENCE s: $what"
    sleep 0.3
  done
}

fail() {
  printf 'FAILED: %s\n' "$*" >&2
  exit 1
}
