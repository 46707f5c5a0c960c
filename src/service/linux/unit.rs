//! The units, as text. They are the files of `systemd/`, with the program and its arguments put in.

use crate::service::{Installation, Scope};

/// The program of the units in `systemd/`, where a package puts it.
pub const PROGRAM: &str = "/usr/bin/kado";
/// The account and the group.
pub const SYSUSERS: &str = include_str!("../../../systemd/kado.sysusers");
/// Follows the stored token.
pub const TOKEN_PATH: &str = include_str!("../../../systemd/kado-token.path");
/// Starts the service again with the new token.
pub const TOKEN_SERVICE: &str = include_str!("../../../systemd/kado-token.service");

const SYSTEM: &str = include_str!("../../../systemd/kado.service");
const USER: &str = include_str!("../../../systemd/kado-user.service");

/// The unit of an installation.
pub fn service(installation: &Installation) -> String {
    let template = match installation.scope {
        Scope::System => SYSTEM,
        Scope::User => USER,
    };
    let words = std::iter::once(installation.program.display().to_string()).chain(installation.arguments());
    let command = words.map(|word| quoted(&word)).collect::<Vec<_>>().join(" ");
    let line =
        |line: &str| if line.starts_with("ExecStart=") { format!("ExecStart={command}") } else { line.to_owned() };
    template.lines().map(|text| line(text) + "\n").collect()
}

/// A word as systemd reads it back: in quotes where it holds more than plain characters (systemd.service, "Command
/// lines"), with its specifiers and variables switched off.
fn quoted(word: &str) -> String {
    let escaped = word.replace('\\', "\\\\").replace('"', "\\\"").replace('%', "%%").replace('$', "$$");
    let plain = |letter: char| letter.is_ascii_alphanumeric() || "/._-+:=@".contains(letter);
    if word.chars().all(plain) { escaped } else { format!("\"{escaped}\"") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::paths::{Places, places};

    fn installation(scope: Scope, program: &str, config: &str) -> Installation {
        let places = Places { config: "/etc/kado/kado.toml".into(), ..places(Scope::System).unwrap() };
        Installation { scope, program: program.into(), places, config: config.into() }
    }

    fn command(unit: &str) -> &str {
        unit.lines().find(|line| line.starts_with("ExecStart=")).unwrap()
    }

    #[test]
    fn the_unit_of_a_package_is_the_unit_of_the_program() {
        let unit = service(&installation(Scope::System, PROGRAM, "/etc/kado/kado.toml"));
        assert_eq!(unit, SYSTEM);
    }

    #[test]
    fn strange_characters_in_a_path_reach_the_program() {
        let unit = service(&installation(Scope::System, "/opt/my tools/100%/kado", "/etc/kado/a \"b\" $c.toml"));
        assert_eq!(command(&unit), r#"ExecStart="/opt/my tools/100%%/kado" run --config "/etc/kado/a \"b\" $$c.toml""#);
    }

    #[test]
    fn a_users_service_names_the_users_configuration() {
        let unit = service(&installation(Scope::User, "/usr/bin/kado", "/home/me/.config/kado/kado.toml"));
        assert_eq!(command(&unit), "ExecStart=/usr/bin/kado run --config /home/me/.config/kado/kado.toml");
    }
}
