//! The units, as text. They are the files of `systemd/`, with the program and its arguments put in.

use crate::service::{Installation, Scope};

/// The program of the units in `systemd/`, where a package puts it.
pub(super) const PROGRAM: &str = "/usr/bin/kado";
/// The account and the group.
pub(super) const SYSUSERS: &str = include_str!("../../../systemd/kado.sysusers");
/// Follows the stored token.
pub(super) const TOKEN_PATH: &str = include_str!("../../../systemd/kado-token.path");
/// Starts the service again with the new token.
pub(super) const TOKEN_SERVICE: &str = include_str!("../../../systemd/kado-token.service");

const SYSTEM: &str = include_str!("../../../systemd/kado.service");
const USER: &str = include_str!("../../../systemd/kado-user.service");

/// Settings of `[Service]` that say how a process is started and looked after, not what it sees.
const LIFE: [&str; 8] = [
    "Type",
    "NotifyAccess",
    "Exec",
    "Restart",
    "Watchdog",
    "Timeout",
    "OOMPolicy",
    "RuntimeMax",
];

/// The unit of an installation.
pub(super) fn service(installation: &Installation) -> String {
    let template = match installation.scope {
        Scope::System => SYSTEM,
        Scope::User => USER,
    };
    let command: Vec<String> = installation
        .command_line()
        .iter()
        .map(|word| quoted(word))
        .collect();

    // Only the command differs, so that a package and an installation by hand give the same
    // service.
    let mut unit = String::new();
    for line in template.lines() {
        if line.starts_with("ExecStart=") {
            unit.push_str("ExecStart=");
            unit.push_str(&command.join(" "));
        } else {
            unit.push_str(line);
        }
        unit.push('\n');
    }
    unit
}

/// The settings of a unit that make its surroundings: account, folders, credentials, sandbox. In
/// the order of the text, because later ones add to earlier ones.
pub(super) fn surroundings(units: &str) -> Vec<String> {
    let mut section = "";
    let mut settings = Vec::new();
    for line in units.lines().map(str::trim) {
        if line.starts_with('[') {
            section = line;
        }

        let is_setting = line.contains('=') && !line.starts_with(['#', ';']);
        // Names begin like this: `Exec` is ExecStart, ExecReload and more. A command such as `kado
        // check` never says that it is up, and must not be started again.
        let is_life = LIFE.iter().any(|life| line.starts_with(life));
        if section == "[Service]" && is_setting && !is_life {
            settings.push(line.to_owned());
        }
    }
    settings
}

/// A word as systemd reads it back: in quotes where it holds more than plain characters
/// (systemd.service, "Command lines"), with its specifiers and variables switched off.
fn quoted(word: &str) -> String {
    let escaped = word
        .replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace('%', "%%")
        .replace('$', "$$");

    let is_plain = word
        .chars()
        .all(|letter| letter.is_ascii_alphanumeric() || "/._-+:=@".contains(letter));
    if is_plain {
        escaped
    } else {
        format!("\"{escaped}\"")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::paths::{Places, places};

    fn installation(scope: Scope, program: &str, config: &str) -> Installation {
        let places = Places {
            config: "/etc/kado/kado.toml".into(),
            ..places(Scope::System).unwrap()
        };
        Installation {
            scope,
            program: program.into(),
            places,
            config: config.into(),
        }
    }

    fn command(unit: &str) -> &str {
        unit.lines()
            .find(|line| line.starts_with("ExecStart="))
            .unwrap()
    }

    #[test]
    fn the_unit_of_a_package_is_the_unit_of_the_program() {
        let packaged = installation(Scope::System, PROGRAM, "/etc/kado/kado.toml");
        assert_eq!(service(&packaged), SYSTEM);
    }

    #[test]
    fn the_surroundings_are_account_credential_and_sandbox_and_not_the_life_of_the_process() {
        let drop_in = "[Service]\nWatchdogSec=1\nInaccessiblePaths=/secret\n";
        let settings = surroundings(&format!("{SYSTEM}\n{drop_in}"));

        for expected in [
            "User=kado",
            "LoadCredential=kado-token",
            "ProtectHome=read-only",
            "InaccessiblePaths=/secret",
        ] {
            assert!(
                settings.iter().any(|setting| setting == expected),
                "{expected}"
            );
        }
        for setting in &settings {
            assert!(!setting.starts_with("Type="), "{setting}");
            assert!(!setting.starts_with("WatchdogSec="), "{setting}");
        }
    }

    #[test]
    fn strange_characters_in_a_path_reach_the_program() {
        let strange = installation(
            Scope::System,
            "/opt/my tools/100%/kado",
            "/etc/kado/a \"b\" $c.toml",
        );
        assert_eq!(
            command(&service(&strange)),
            r#"ExecStart="/opt/my tools/100%%/kado" run --config "/etc/kado/a \"b\" $$c.toml""#
        );
    }

    #[test]
    fn a_users_service_names_the_users_configuration() {
        let config = "/home/me/.config/kado/kado.toml";
        let users = installation(Scope::User, "/usr/bin/kado", config);
        assert_eq!(
            command(&service(&users)),
            format!("ExecStart=/usr/bin/kado run --config {config}")
        );
    }
}
