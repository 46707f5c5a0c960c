//! `[notify]`: who is told when something needs a person, by which ways, and of what.
//!
//! The address of a webhook is a secret: whoever knows it can write into the room behind it. It has
//! no printable form but its host, and a wrong one is not repeated. What a command is given as
//! arguments may hold one as well, so only its program is shown.

use std::collections::BTreeSet;
use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use toml::de::DeValue;
use url::{Host, Url};

use crate::config::section::{Problems, Section};
use crate::config::value_error::ValueError;
use crate::config::values::{self, Read};

/// `waiting_after` where nothing else is said.
const WAITING_AFTER: Duration = Duration::from_secs(60 * 60);
/// `silence_after` where nothing else is said: a machine that runs its tests each night is not
/// silent when one night takes two hours longer.
const SILENCE_AFTER: Duration = Duration::from_secs(26 * 60 * 60);

/// The keys of `[notify]`, of a file that has the table.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct NotifyRules {
    /// `webhook`, with its `format`.
    pub webhook: Option<Webhook>,
    /// `command`.
    pub command: Option<TellCommand>,
    /// `on`: of what people are told.
    pub on: BTreeSet<NotificationKind>,
    /// `waiting_after`: how long nothing could be sent before that is told.
    pub waiting_after: Duration,
    /// `silence_after`: how long no run was seen before that is told.
    pub silence_after: Duration,
}

/// What people are told of. The words stand in `kado.toml`, in messages, and in the outbox.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum NotificationKind {
    /// A run needs a person.
    Parked,
    /// A server refuses its token, or has none, or the token ends soon.
    Credentials,
    /// Nothing could be sent for `waiting_after`.
    Waiting,
    /// No run was seen for `silence_after`.
    Silence,
    /// A part of the watched folders is not seen.
    Folder,
}

impl NotificationKind {
    /// All of them, in the order in which people are told.
    pub(crate) const ALL: [Self; 5] = [
        Self::Credentials,
        Self::Folder,
        Self::Waiting,
        Self::Parked,
        Self::Silence,
    ];

    /// The word for it.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Parked => "parked",
            Self::Credentials => "credentials",
            Self::Waiting => "waiting",
            Self::Silence => "silence",
            Self::Folder => "folder",
        }
    }
}

/// Where messages are posted to, and in which form.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Webhook {
    pub address: WebhookAddress,
    pub format: WebhookFormat,
}

/// `notify.webhook`.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct WebhookAddress(Url);

impl WebhookAddress {
    /// The whole of it, for whoever connects.
    pub(crate) const fn expose(&self) -> &Url {
        &self.0
    }
}

/// Its host alone.
impl fmt::Display for WebhookAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.host_str().unwrap_or_default())
    }
}

impl fmt::Debug for WebhookAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "WebhookAddress({self})")
    }
}

/// `notify.format`: what the other side understands.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) enum WebhookFormat {
    /// kado's own JSON, for programs.
    #[default]
    Json,
    /// A message of Slack.
    Slack,
    /// An Adaptive Card, as a workflow of Teams takes it.
    Teams,
}

/// `notify.command`: a program that gets the text on its standard input.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct TellCommand {
    pub program: PathBuf,
    pub arguments: Vec<String>,
}

/// Its program alone.
impl fmt::Debug for TellCommand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TellCommand({})", self.program.display())
    }
}

impl Default for NotifyRules {
    fn default() -> Self {
        Self {
            webhook: None,
            command: None,
            on: NotificationKind::ALL.into_iter().collect(),
            waiting_after: WAITING_AFTER,
            silence_after: SILENCE_AFTER,
        }
    }
}

/// Reads the table; a relative path of a program starts at `folder`. `None` for a file without it,
/// whose machine tells nobody.
pub(super) fn read(
    root: &mut Section<'_, '_>,
    folder: &Path,
    problems: &mut Problems<'_>,
) -> Option<NotifyRules> {
    let mut table = root.table("notify", problems)?;
    let mut rules = NotifyRules::default();

    let names_webhook = table.raw("webhook").is_some();
    let address = table.read_hidden("webhook", problems, address);
    let at_format = table.raw("format").map(toml::Spanned::span);
    let format = table.read("format", problems, format);
    if let Some(at) = at_format
        && !names_webhook
    {
        problems.add(
            at,
            "`notify.format` is the form of what is posted to `notify.webhook`, which is missing",
        );
    }
    rules.webhook = address.map(|address| Webhook {
        address,
        format: format.unwrap_or_default(),
    });
    rules.command = table.read_hidden("command", problems, |value| command(value, folder));

    if let Some(on) = table.read("on", problems, kinds) {
        rules.on = on;
    }
    if let Some(after) = table.read("waiting_after", problems, values::duration) {
        rules.waiting_after = after;
    }
    if let Some(after) = table.read("silence_after", problems, values::duration) {
        rules.silence_after = after;
    }

    table.finish(problems);
    Some(rules)
}

/// An address to which names and reasons may go: nobody on the way reads them.
fn address(value: &DeValue<'_>) -> Read<WebhookAddress> {
    const FORM: ValueError = ValueError::MustBe(
        "a URL that begins with https:// (http:// only to this machine, such as \
         http://localhost:8080/hook); it is not shown, because whoever knows it can write there",
    );

    let text = values::text(value)?;
    let url = Url::parse(text.trim()).map_err(|_| FORM)?;
    let is_closed = match url.scheme() {
        "https" => true,
        "http" => is_of_this_machine(&url),
        _ => false,
    };
    if is_closed && url.has_host() {
        Ok(WebhookAddress(url))
    } else {
        Err(FORM)
    }
}

/// Whether a URL leads to loopback, by its own words: names are not looked up.
fn is_of_this_machine(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name.eq_ignore_ascii_case("localhost"),
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.to_canonical().is_loopback(),
        None => false,
    }
}

fn format(value: &DeValue<'_>) -> Read<WebhookFormat> {
    let words = [
        ("json", WebhookFormat::Json),
        ("slack", WebhookFormat::Slack),
        ("teams", WebhookFormat::Teams),
    ];
    values::choice(value, &words)
}

/// A program with its arguments. A wrong item is not shown, because arguments may hold secrets.
fn command(value: &DeValue<'_>, folder: &Path) -> Read<TellCommand> {
    const FORM: ValueError = ValueError::MustBe(
        "a list of texts, a program with its arguments, such as [\"/usr/local/bin/tell\"]",
    );

    let items = value.as_array().ok_or(FORM)?;
    let mut words = Vec::new();
    for item in items {
        let word = item.get_ref().as_str().ok_or(FORM)?;
        if word.contains('\0') {
            return Err(ValueError::Nul);
        }
        words.push(word.to_owned());
    }
    if words
        .first()
        .is_none_or(|program| program.trim().is_empty())
    {
        return Err(FORM);
    }

    let arguments = words.split_off(1);
    let program = PathBuf::from(words.swap_remove(0));
    // A name alone is looked for where the system looks for programs.
    let is_name = program.components().count() == 1;
    Ok(TellCommand {
        program: if is_name {
            program
        } else {
            folder.join(program)
        },
        arguments,
    })
}

/// Kinds of notifications, at least one.
fn kinds(value: &DeValue<'_>) -> Read<BTreeSet<NotificationKind>> {
    let words = NotificationKind::ALL.map(|kind| (kind.word(), kind));
    let kinds = values::list(value, |value| values::choice(value, &words))?;
    if kinds.is_empty() {
        return Err(ValueError::NothingListed {
            meaning: ", so nobody is told of anything; take `[notify]` out of the file for that",
        });
    }
    Ok(kinds.into_iter().collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::of_text;

    fn rules(table: &str) -> Result<NotifyRules, Vec<String>> {
        let text = format!("watch = [\"/w\"]\n[notify]\n{table}\n");
        of_text(&text).map(|config| config.notify.unwrap())
    }

    #[test]
    fn a_file_without_the_table_tells_nobody() {
        assert_eq!(of_text("watch = [\"/w\"]").unwrap().notify, None);
    }

    #[test]
    fn an_empty_table_tells_of_everything() {
        let rules = rules("").unwrap();

        assert_eq!(rules.on.len(), NotificationKind::ALL.len());
        assert_eq!(rules.waiting_after, Duration::from_secs(3600));
        assert_eq!(rules.silence_after, Duration::from_secs(26 * 3600));
    }

    #[test]
    fn the_example_of_the_contract_is_read() {
        let rules = rules(
            "webhook = \"https://chat.example/hook\"\nformat = \"teams\"\n\
             command = [\"/usr/local/bin/tell\", \"-v\"]\non = [\"parked\", \"silence\"]\n\
             waiting_after = \"2h\"\nsilence_after = \"72h\"",
        );

        let rules = rules.unwrap();
        let webhook = rules.webhook.unwrap();
        assert_eq!(webhook.format, WebhookFormat::Teams);
        assert_eq!(webhook.address.to_string(), "chat.example");
        assert_eq!(rules.command.unwrap().arguments, ["-v"]);
        assert_eq!(rules.on.len(), 2);
    }

    #[test]
    fn what_is_posted_goes_to_nobody_who_could_be_overheard() {
        for right in [
            "https://chat.example/hook",
            "http://localhost:8080/hook",
            "http://127.0.0.1/",
            "http://[::1]:80/",
        ] {
            assert!(rules(&format!("webhook = \"{right}\"")).is_ok(), "{right}");
        }

        for wrong in [
            "http://chat.example/hook",
            "http://localhost.example/",
            "http://10.0.0.1/",
            "ftp://chat.example/",
            "chat.example/hook",
            "https://",
            "",
        ] {
            assert!(rules(&format!("webhook = \"{wrong}\"")).is_err(), "{wrong}");
        }
    }

    #[test]
    fn an_address_and_arguments_are_shown_nowhere() {
        let table = "webhook = \"https://u:hunter2@chat.example/hunter2?k=hunter2#hunter2\"\n\
                     command = [\"curl\", \"hunter2\"]";
        let rules = rules(table).unwrap();

        let shown = format!("{rules:?}");
        assert!(!shown.contains("hunter2"), "{shown}");
        assert!(shown.contains("WebhookAddress(chat.example)"), "{shown}");
        assert!(shown.contains("TellCommand(curl)"), "{shown}");
    }

    #[test]
    fn what_is_wrong_is_told_with_its_line_and_without_what_may_be_secret() {
        let wrong = "webhook = \"http://chat.example/hunter2\"\nformat = \"discord\"\n\
                     command = [\"curl\", 7]\non = [\"everything\"]\nwaiting_after = \"0s\"\n\
                     silence = \"1d\"";
        let problems = rules(wrong).unwrap_err();
        assert!(!problems.join("\n").contains("hunter2"), "{problems:?}");

        let mut problems = problems.iter();
        let mut next = || problems.next().unwrap().as_str();
        let webhook = next();
        assert!(
            webhook.starts_with("line 3: `notify.webhook` must be a URL"),
            "{webhook}"
        );
        assert_eq!(
            next(),
            "line 4: `notify.format` is `discord`; it takes \"json\", \"slack\" or \"teams\""
        );
        let command = next();
        assert!(
            command.starts_with("line 5: `notify.command` must be a list"),
            "{command}"
        );
        assert_eq!(
            next(),
            "line 6: `notify.on` holds `everything`; an item takes \"credentials\", \"folder\", \
             \"waiting\", \"parked\" or \"silence\""
        );
        assert!(next().starts_with("line 7: `notify.waiting_after` is `0s`"));
        assert!(next().starts_with("line 8: unknown key `notify.silence`"));
    }

    #[test]
    fn a_form_without_an_address_and_an_empty_list_are_mistakes() {
        let problems = rules("format = \"slack\"\non = []\ncommand = []").unwrap_err();

        assert_eq!(problems.len(), 3, "{problems:?}");
        assert!(problems[0].ends_with("posted to `notify.webhook`, which is missing"));
        assert!(problems[1].contains("`notify.on` is empty, so nobody is told"));
        assert!(problems[2].contains("`notify.command` must be a list of texts"));
    }
}
