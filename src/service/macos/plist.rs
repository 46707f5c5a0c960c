//! The plists, as text. They are the files of `packaging/macos/`, with the program and its
//! arguments put in.

use crate::service::{Installation, Scope};

const DAEMON: &str = include_str!("../../../packaging/macos/daemon.plist");
const AGENT: &str = include_str!("../../../packaging/macos/agent.plist");
/// The lines of the templates that stand for the program and its arguments.
const COMMAND: &str = "<string>/usr/local/bin/kado</string>\n\t\t<string>run</string>";

/// The plist of an installation.
pub(super) fn text(installation: &Installation) -> String {
    let template = match installation.scope {
        Scope::System => DAEMON,
        Scope::User => AGENT,
    };
    let words: Vec<String> = installation
        .command_line()
        .iter()
        .map(|word| format!("<string>{}</string>", escaped(word)))
        .collect();
    let logs = escaped(&installation.places.logs.display().to_string());

    template
        .replace(COMMAND, &words.join("\n\t\t"))
        .replace("@LOGS@", &logs)
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_templates_have_the_command_that_is_replaced() {
        assert!(DAEMON.contains(COMMAND));
        assert!(AGENT.contains(COMMAND));
    }
}
