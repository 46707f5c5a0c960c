//! A systemd of the user for one test: a `systemctl` that remembers what it was told, and answers
//! as the real one does.

#![expect(clippy::disallowed_methods, reason = "tests lay out programs")]

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::machine::Machine;

/// It keeps `enabled` and `active` as files beside itself, and each call as a line.
const SYSTEMCTL: &str = r#"#!/bin/sh
here=$(dirname "$0")
echo "$*" >>"$here/calls"
case " $* " in
*' --version '*) echo 'systemd 252 (252.38-1~deb12u1)' ;;
*' show --property=Version '*) echo 'Version=252' ;;
*' show '*)
  load=not-found enabled= active=inactive sub=dead pid=0
  [ ! -e "$HOME/.config/systemd/user/kado.service" ] || load=loaded enabled=disabled
  [ ! -e "$here/enabled" ] || enabled=enabled
  [ ! -e "$here/active" ] || active=active sub=running pid=1
  printf 'LoadState=%s\nActiveState=%s\nSubState=%s\n' "$load" "$active" "$sub"
  printf 'UnitFileState=%s\nMainPID=%s\nResult=success\nExecMainStatus=0\n' "$enabled" "$pid"
  printf 'FragmentPath=%s\nNRestarts=0\n' "$HOME/.config/systemd/user/kado.service"
  ;;
*' enable '*) touch "$here/enabled" ;;
*' start '*) touch "$here/active" ;;
*' stop '*) rm -f "$here/active" ;;
esac
"#;

/// What a `systemctl` says where no systemd runs.
const NONE: &str = "#!/bin/sh\n\
    echo 'Failed to connect to bus: No medium found' >&2\n\
    exit 1\n";

/// The manager of services of a machine.
pub(crate) struct FakeSystemd {
    folder: PathBuf,
}

impl FakeSystemd {
    /// One that runs.
    pub(crate) fn of(machine: &Machine) -> Self {
        Self::with(machine, SYSTEMCTL)
    }

    /// The program without anything behind it, as in a container.
    pub(crate) fn missing(machine: &Machine) -> Self {
        Self::with(machine, NONE)
    }

    fn with(machine: &Machine, program: &str) -> Self {
        let folder = machine.root().join("systemd");
        fs::create_dir_all(&folder).expect("a folder can be made");
        let file = folder.join("systemctl");
        fs::write(&file, program).expect("a program can be written");
        fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).expect("it is ours");
        Self { folder }
    }

    /// The command, so that it finds this one.
    pub(crate) fn around(&self, mut command: Command) -> Command {
        let path = std::env::var("PATH").unwrap_or_default();
        command.env("PATH", format!("{}:{path}", self.folder.display()));
        command
    }

    /// What it was told to do, in order; not what it was asked.
    pub(crate) fn told(&self) -> Vec<String> {
        let calls = fs::read_to_string(self.folder.join("calls")).unwrap_or_default();
        let mut told = Vec::new();
        for call in calls.lines() {
            let call = call.replace("--user --no-ask-password ", "");
            if !call.contains("show") && !call.contains("--version") {
                told.push(call);
            }
        }
        told
    }

    /// The unit that was written.
    pub(crate) fn unit(home: &Path) -> Option<String> {
        fs::read_to_string(home.join(".config/systemd/user/kado.service")).ok()
    }
}
