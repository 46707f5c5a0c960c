//! A message in the forms that its readers take: text, kado's JSON, Slack, Teams. Pure.
//!
//! Names and reasons in it were written by others. In each form they are escaped so that they are
//! nothing but text there: no mention of a channel, no link, no bold word, no field of a card.

use serde::Serialize;
use serde_json::{Value, json};
use url::Url;

use crate::config::notify::WebhookFormat;
use crate::foreign;
use crate::moment::Moment;
use crate::outbox::notification::{Notice, NoticeEvent};
use crate::plural::{counted, form, span};

/// Notices that a message tells one by one; of more their number is told. Chats cut long messages,
/// and nobody reads four hundred lines at night.
const MOST: usize = 10;
/// The version of the card, which Teams shows on every device.
const CARD_VERSION: &str = "1.4";

/// What one message says.
#[derive(Clone, Debug)]
pub(super) struct Message<'a> {
    /// The same when it is sent once more.
    pub id: &'a str,
    /// The machine.
    pub host: &'a str,
    /// When it was made.
    pub at: Moment,
    pub content: MessageContent<'a>,
}

/// What a message is about.
#[derive(Clone, Copy, Debug)]
pub(super) enum MessageContent<'a> {
    /// These, the oldest first.
    Notices(&'a [Notice]),
    /// Somebody wants to see whether messages arrive.
    Test,
}

/// A message as programs read it; `docs/notifications.md` has it.
#[derive(Serialize)]
struct JsonForm<'a> {
    id: &'a str,
    host: &'a str,
    version: &'static str,
    at: Moment,
    text: String,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    test: bool,
    begun: usize,
    over: usize,
    notifications: Vec<&'a Notice>,
    /// How many are not among them.
    #[serde(skip_serializing_if = "Option::is_none")]
    more: Option<usize>,
}

impl Message<'_> {
    /// The message for a webhook of this form.
    pub(super) fn body(&self, format: WebhookFormat) -> Value {
        match format {
            WebhookFormat::Json => self.json(),
            WebhookFormat::Slack => self.slack(),
            WebhookFormat::Teams => self.teams(),
        }
    }

    /// The message as a letter: what it is about in the first line.
    pub(super) fn text(&self) -> String {
        let mut text = format!("{}\n", self.headline());
        for notice in self.shown() {
            text.push_str(&format!("\n{}\n", sentence(notice)));
            if let Some(hint) = hint(notice) {
                text.push_str(&format!("  → {hint}\n"));
            }
            if let Some(url) = link(notice) {
                text.push_str(&format!("  {url}\n"));
            }
        }
        if let Some(more) = self.more_in_words() {
            text.push_str(&format!("\n{more}\n"));
        }
        text
    }

    /// What it is about, in one line.
    pub(super) fn headline(&self) -> String {
        let host = foreign::one_line(self.host);
        match self.content {
            MessageContent::Test => {
                format!("kado on {host}: this is a test, and notifications arrive")
            }
            MessageContent::Notices(_) => {
                let begun = self.count(NoticeEvent::Begun);
                let over = self.count(NoticeEvent::Over);

                let need = form(begun, "thing needs somebody", "things need somebody");
                let is_over = format!("{} over", form(over, "is", "are"));
                match (begun, over) {
                    (_, 0) => format!("kado on {host}: {begun} {need}"),
                    (0, _) => format!("kado on {host}: {} {is_over}", counted(over, "thing")),
                    _ => format!("kado on {host}: {begun} {need}, {over} {is_over}"),
                }
            }
        }
    }

    fn notices(&self) -> &[Notice] {
        match self.content {
            MessageContent::Notices(notices) => notices,
            MessageContent::Test => &[],
        }
    }

    fn count(&self, event: NoticeEvent) -> usize {
        let notices = self.notices().iter();
        notices.filter(|notice| notice.event == event).count()
    }

    /// The notices that are told one by one: what needs somebody before what is over.
    fn shown(&self) -> Vec<&Notice> {
        let mut shown: Vec<&Notice> = self.notices().iter().collect();
        shown.sort_by_key(|notice| (notice.event == NoticeEvent::Over, notice.kind));
        shown.truncate(MOST);
        shown
    }

    fn more(&self) -> Option<usize> {
        let more = self.notices().len().saturating_sub(MOST);
        (more > 0).then_some(more)
    }

    fn more_in_words(&self) -> Option<String> {
        let more = self.more()?;
        Some(format!(
            "… and {more} more: `kado status` on the machine lists them all"
        ))
    }

    fn json(&self) -> Value {
        json!(JsonForm {
            id: self.id,
            host: self.host,
            version: env!("CARGO_PKG_VERSION"),
            at: self.at,
            text: self.headline(),
            test: matches!(self.content, MessageContent::Test),
            begun: self.count(NoticeEvent::Begun),
            over: self.count(NoticeEvent::Over),
            notifications: self.shown(),
            more: self.more(),
        })
    }

    /// A text for where blocks are not shown, and a block for each notice (Slack, Block Kit).
    fn slack(&self) -> Value {
        let headline = escaped_for_slack(&self.headline());
        let mut blocks = vec![slack_block(&format!("*{headline}*"))];
        for notice in self.shown() {
            let mut text = escaped_for_slack(&sentence(notice));
            if let Some(hint) = hint(notice) {
                text.push_str(&format!("\n→ {}", escaped_for_slack(hint)));
            }
            if let Some(url) = link(notice) {
                // It ends with `>`, and `|` stands before the words; a URL has neither.
                let url = url.as_str().replace('|', "%7C");
                let url = escaped_for_slack(&url);
                text.push_str(&format!("\n<{url}|Open in Azure DevOps>"));
            }
            blocks.push(slack_block(&text));
        }
        blocks.extend(self.more_in_words().map(|more| slack_block(&more)));
        json!({ "text": headline, "blocks": blocks })
    }

    /// An Adaptive Card in the envelope that a workflow of Teams takes.
    fn teams(&self) -> Value {
        let mut body = vec![json!({
            "type": "TextBlock",
            "text": escaped_for_cards(&self.headline()),
            "weight": "Bolder",
            "wrap": true,
        })];
        for notice in self.shown() {
            body.push(card_text(&escaped_for_cards(&sentence(notice)), "Medium"));
            if let Some(hint) = hint(notice) {
                body.push(card_text(&format!("→ {}", escaped_for_cards(hint)), "None"));
            }
            if let Some(url) = link(notice) {
                body.push(json!({
                    "type": "ActionSet",
                    "actions": [{
                        "type": "Action.OpenUrl",
                        "title": "Open in Azure DevOps",
                        "url": url.as_str(),
                    }],
                }));
            }
        }
        let more = self.more_in_words();
        body.extend(more.map(|more| card_text(&escaped_for_cards(&more), "Medium")));

        json!({
            "type": "message",
            "attachments": [{
                "contentType": "application/vnd.microsoft.card.adaptive",
                "contentUrl": null,
                "content": {
                    "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
                    "type": "AdaptiveCard",
                    "version": CARD_VERSION,
                    "msteams": { "width": "Full" },
                    "body": body,
                },
            }],
        })
    }
}

/// What a notice says, in one line of plain text.
pub(super) fn sentence(notice: &Notice) -> String {
    let account = &notice.account;
    let project = match &account.project {
        Some(project) => format!("{project}: "),
        None => String::new(),
    };
    let said = format!("{project}{}", account.text);

    let said = match notice.event {
        NoticeEvent::Begun => said,
        NoticeEvent::Over => {
            let lasted = span(notice.at.since(notice.since).as_secs());
            format!("over after {lasted}: {said}")
        }
    };
    foreign::one_line(&said).into_owned()
}

/// What mends it, of what is not over.
pub(super) fn hint(notice: &Notice) -> Option<&str> {
    match notice.event {
        NoticeEvent::Begun => notice.account.hint.as_deref(),
        NoticeEvent::Over => None,
    }
}

/// Where a person sees it. It came from a server, so nothing but a page of the web is taken for a
/// link.
fn link(notice: &Notice) -> Option<Url> {
    let url = Url::parse(notice.account.url.as_deref()?).ok()?;
    matches!(url.scheme(), "http" | "https").then_some(url)
}

/// The three characters that have a meaning for Slack: without them nothing is a link, a mention of
/// somebody, or of a channel.
fn escaped_for_slack(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

fn slack_block(text: &str) -> Value {
    // Verbatim: what looks like an address or a channel is text.
    json!({
        "type": "section",
        "text": { "type": "mrkdwn", "text": text, "verbatim": true },
    })
}

fn card_text(text: &str, spacing: &str) -> Value {
    json!({ "type": "TextBlock", "text": text, "wrap": true, "spacing": spacing })
}

/// A text that is nothing but text in a card: Markdown has a meaning there, so have `{{DATE(…)}}`,
/// and entities of HTML.
fn escaped_for_cards(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len() + 16);
    for letter in text.chars() {
        match letter {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '\\' | '*' | '_' | '[' | ']' | '(' | ')' | '#' | '`' | '~' | '{' | '}' | '!' | '|' => {
                escaped.push('\\');
                escaped.push(letter);
            }
            _ => escaped.push(letter),
        }
    }

    // At the beginning these would make a list, of digits with a full stop as well.
    match escaped.chars().next() {
        Some('-' | '+') => format!("\\{escaped}"),
        Some(digit) if digit.is_ascii_digit() => escaped.replacen('.', "\\.", 1),
        _ => escaped,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::notify::NotificationKind;
    use crate::outbox::notification::Account;

    /// What somebody may write into the name of a suite.
    const HOSTILE: &str =
        "<!channel> *now* [x](https://evil.example) {{DATE(2026-01-01)}} &lt; _a_";

    fn notice(event: NoticeEvent, text: &str) -> Notice {
        Notice {
            cause: "c0ffee".to_owned(),
            kind: NotificationKind::Parked,
            event,
            since: Moment::from_millis(0),
            at: Moment::from_millis(7_200_000),
            account: Account {
                text: text.to_owned(),
                hint: Some("`kado runs show 7` shows all of it".to_owned()),
                project: Some("Shop".to_owned()),
                suite: Some("Test Suites/Smoke".to_owned()),
                runs: 1,
                url: Some("https://dev.azure.com/acme/Shop/_testManagement?a=1&b=<2|3>".to_owned()),
            },
        }
    }

    fn message<'a>(notices: &'a [Notice]) -> Message<'a> {
        Message {
            id: "5eed",
            host: "agent-7",
            at: Moment::from_millis(7_200_000),
            content: MessageContent::Notices(notices),
        }
    }

    #[test]
    fn a_letter_says_first_what_needs_somebody() {
        let notices = [
            notice(NoticeEvent::Over, "no usable token for dev.azure.com/acme"),
            notice(
                NoticeEvent::Begun,
                "run 7 (Test Suites/Smoke) is parked: no point",
            ),
        ];

        insta::assert_snapshot!(message(&notices).text(), @r"
        kado on agent-7: 1 thing needs somebody, 1 is over

        Shop: run 7 (Test Suites/Smoke) is parked: no point
          → `kado runs show 7` shows all of it
          https://dev.azure.com/acme/Shop/_testManagement?a=1&b=%3C2|3%3E

        over after 2 hours: Shop: no usable token for dev.azure.com/acme
          https://dev.azure.com/acme/Shop/_testManagement?a=1&b=%3C2|3%3E
        ");
    }

    #[test]
    fn a_program_gets_every_part_by_itself() {
        let notices = [notice(NoticeEvent::Begun, "run 7 is parked")];

        let mut body = message(&notices).body(WebhookFormat::Json);

        body["version"] = json!("[version]");
        insta::assert_snapshot!(serde_json::to_string_pretty(&body).unwrap(), @r#"
        {
          "at": "1970-01-01T02:00:00.000Z",
          "begun": 1,
          "host": "agent-7",
          "id": "5eed",
          "notifications": [
            {
              "at": "1970-01-01T02:00:00.000Z",
              "cause": "c0ffee",
              "event": "begun",
              "hint": "`kado runs show 7` shows all of it",
              "kind": "parked",
              "project": "Shop",
              "runs": 1,
              "since": "1970-01-01T00:00:00.000Z",
              "suite": "Test Suites/Smoke",
              "text": "run 7 is parked",
              "url": "https://dev.azure.com/acme/Shop/_testManagement?a=1&b=<2|3>"
            }
          ],
          "over": 0,
          "text": "kado on agent-7: 1 thing needs somebody",
          "version": "[version]"
        }
        "#);
    }

    #[test]
    fn slack_is_given_text_that_names_nobody_and_links_nowhere() {
        let notices = [notice(NoticeEvent::Begun, HOSTILE)];

        let body = message(&notices).body(WebhookFormat::Slack);

        let text = body["blocks"][1]["text"]["text"].as_str().unwrap();
        assert!(text.contains("&lt;!channel&gt;"), "{text}");
        assert!(text.contains("&amp;lt;"), "{text}");
        assert_eq!(text.matches('<').count(), 1, "kado's own link: {text}");
        assert_eq!(text.matches('|').count(), 1, "kado's own link: {text}");
        assert_eq!(body["text"], "kado on agent-7: 1 thing needs somebody");
    }

    #[test]
    fn teams_is_given_a_card_in_which_names_are_text() {
        let notices = [notice(NoticeEvent::Begun, HOSTILE)];

        let body = message(&notices).body(WebhookFormat::Teams);

        assert_eq!(body["type"], "message");
        let card = &body["attachments"][0]["content"];
        assert_eq!(card["type"], "AdaptiveCard");
        let text = card["body"][1]["text"].as_str().unwrap();
        assert_eq!(
            text,
            "Shop: &lt;\\!channel&gt; \\*now\\* \\[x\\]\\(https://evil.example\\) \
             \\{\\{DATE\\(2026-01-01\\)\\}\\} &amp;lt; \\_a\\_"
        );
        let action = &card["body"][3]["actions"][0];
        assert_eq!(action["type"], "Action.OpenUrl");
    }

    #[test]
    fn forty_causes_are_one_message_that_counts_them() {
        let notices = vec![notice(NoticeEvent::Begun, "run 7 is parked"); 40];
        let message = message(&notices);

        let json = message.body(WebhookFormat::Json);
        assert_eq!(json["begun"], 40);
        assert_eq!(json["more"], 30);
        assert_eq!(json["notifications"].as_array().unwrap().len(), MOST);
        assert_eq!(
            message.headline(),
            "kado on agent-7: 40 things need somebody"
        );
        assert!(message.text().contains("… and 30 more"));
        for format in [WebhookFormat::Slack, WebhookFormat::Teams] {
            let bytes = message.body(format).to_string().len();
            assert!(bytes < 24 * 1024, "{bytes}");
        }
    }

    #[test]
    fn what_is_no_page_is_no_link() {
        let mut hostile = notice(NoticeEvent::Begun, "run 7 is parked");
        hostile.account.url = Some("javascript:alert(1)".to_owned());
        let notices = [hostile];

        let body = message(&notices).body(WebhookFormat::Teams).to_string();

        assert!(!body.contains("javascript"), "{body}");
    }

    #[test]
    fn a_text_steers_no_terminal_and_begins_no_list() {
        let notices = [notice(NoticeEvent::Begun, "a\u{1b}[31m\nb")];

        assert!(message(&notices).text().contains("a\\u001b[31m\\nb"));
        assert_eq!(escaped_for_cards("1. one"), "1\\. one");
        assert_eq!(escaped_for_cards("- one"), "\\- one");
    }
}
