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

/// The unit of an installation.
pub(super) fn service(installation: &Installation) -> String {
    let template = match installation.scope {
        Scope::System => SYSTEM,
        Scope::User => USER,
    };
    let words =
        std::iter::once(installation.program.display().to_string()).chain(installation.arguments());
    let command = words
        .map(|word| quoted(&word))
        .collect::<Vec<_>>()
        .join(" ");
    let line = |line: &str| {
        if line.starts_with("ExecStart=") {
            format!("ExecStart={command}")
        } else {
            line.to_owned()
        }
    };
    template.lines().map(|text| line(text) + "\n").collect()
}

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

/// The settings of a unit that make its surroundings: account, folders, credentials, sandbox. In
/// the order of the text, because later ones add to earlier ones.
pub(super) fn surroundings(units: &str) -> Vec<String> {
    let mut section = "";
    let mut settings = Vec::new();
    for line in units.lines().map(str::trim) {
        if line.starts_with('[') {
            section = line;
        }
        let setting = section == "[Service]" && line.contains('=') && !line.starts_with(['#', ';']);
        if setting && !LIFE.iter().any(|life| line.starts_with(life)) {
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
    let plain = |letter: char| letter.is_ascii_alphanumeric() || "/._-+:=@".contains(letter);
    if word.chars().all(plain) {
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
        let unit = service(&installation(Scope::System, PROGRAM, "/etc/kado/kado.toml"));
        assert_eq!(unit, SYSTEM);
    }

    #[test]
    fn the_surroundings_are_account_credential_and_sandbox_and_not_the_life_of_the_process() {
        let settings = surroundings(&format!(
            "{SYSTEM}\n[Service]\nWatchdogSec=1\nInaccessiblePaths=/secret\n"
        ));
        for there in [
            "User=kado",
            "LoadCredential=kado-token",
            "ProtectHome=read-only",
            "InaccessiblePaths=/secret",
        ] {
            assert!(settings.iter().any(|setting| setting == there), "{there}");
        }
        assert!(
            !settings
                .iter()
                .any(|setting| setting.starts_with("Type=") || setting.starts_with("WatchdogSec="))
        );
    }

    #[test]
    fn strange_characters_in_a_path_reach_the_program() {
        let unit = service(&installation(
            Scope::System,
            "/opt/my tools/100%/kado",
            "/etc/kado/a \"b\" $c.toml",
        ));
        assert_eq!(
            command(&unit),
            r#"ExecStart="/opt/my tools/100%%/kado" run --config "/etc/kado/a \"b\" $$c.toml""#
        );
    }

    #[test]
    fn a_users_service_names_the_users_configuration() {
        let unit = service(&installation(
            Scope::User,
            "/usr/bin/kado",
            "/home/me/.config/kado/kado.toml",
        ));
        assert_eq!(
            command(&unit),
            "ExecStart=/usr/bin/kado run --config /home/me/.config/kado/kado.toml"
        );
    }
}
