//! The comment of the ADO test run: kado's key first, then what ran, then what was left out and
//! why.

use crate::katalon::run::{Environment, TestResult};
use crate::plan::ado_facts::AdoFacts;
use crate::plan::left_out::LeftOut;
use crate::plan::outcome::counts;
use crate::plan::snapshot::Snapshot;
use crate::plan::text;
use crate::plural::counted;

/// Word before the key; [`key_in`] finds it again.
pub(crate) const KEY_MARK: &str = "kado:";

/// Longest part of the comment that tells the members of a collection one by one.
const MEMBERS: usize = 350;

/// Name of the file that holds what did not fit into the comment.
pub(crate) const LEFT_OUT_FILE: &str = "kado-left-out.txt";

/// A comment within ADO's limit.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Comment {
    /// The text; it starts with the key.
    pub text: String,
    /// The whole list of what was left out, when it did not fit; it goes along as
    /// [`LEFT_OUT_FILE`].
    pub overflow: Option<String>,
}

/// The key in the comment of some test run; `None` when the run is not kado's.
pub(crate) fn key_in(comment: &str) -> Option<&str> {
    let rest = comment.trim_start().strip_prefix(KEY_MARK)?;
    rest.split(|c: char| !c.is_ascii_alphanumeric())
        .next()
        .filter(|key| !key.is_empty())
}

/// Describes the suite run: suite, host, OS, browser, profile, Katalon version and counts, then
/// what it is linked with.
pub(crate) fn summary(
    snapshot: &Snapshot,
    unmapped: usize,
    results: usize,
    facts: &AdoFacts,
) -> String {
    let run = &snapshot.run;
    let environment = &run.environment;
    // The members of a collection can run on different browsers.
    let with = if snapshot.joined.is_some() {
        Vec::new()
    } else {
        ran_with(environment)
    };
    let about = [
        environment.machine().map(|machine| format!("on {machine}")),
        environment.os.clone(),
    ];
    let version = environment
        .katalon_version
        .as_deref()
        .map(|version| format!("Katalon {version}"));
    let about = about.into_iter().chain(with).chain([version]);
    let about: Vec<_> = about
        .flatten()
        .filter(|part| !part.is_empty())
        .map(|part| text::fit(&part, 80))
        .collect();
    let tests = match run.tests.len() {
        0 => "no tests".to_owned(),
        count => format!(
            "{}: {}",
            counted(count, "test"),
            counts(run.tests.iter().map(|test| test.status()))
        ),
    };
    let without = if unmapped > 0 {
        format!("; {unmapped} without ADO ids")
    } else {
        String::new()
    };
    let again = attempt(snapshot)
        .map(|attempt| format!("\n{attempt}"))
        .unwrap_or_default();
    let members = members(snapshot);
    let state = if run.ended.is_none() {
        "\nThe suite did not end by itself."
    } else {
        ""
    };
    let results = counted(results, "result");
    let suite = text::fit(&run.suite, 250);
    let links = links(facts);
    format!(
        "{suite} {}\n{tests}; {results}{without}{links}{members}{again}{state}",
        about.join(", ")
    )
}

/// Browser and profile.
fn ran_with(environment: &Environment) -> Vec<Option<String>> {
    let browser = environment
        .browser
        .clone()
        .or_else(|| environment.run_configuration.clone());
    vec![
        browser,
        environment
            .profile
            .as_deref()
            .map(|profile| format!("profile {profile}")),
    ]
}

/// A line for each member of a collection that takes part, as far as there is room.
fn members(snapshot: &Snapshot) -> String {
    let mut lines = String::new();
    let all = snapshot
        .joined
        .iter()
        .flat_map(|joined| joined.members.iter().enumerate());
    let part: Vec<_> = all
        .filter(|(_, member)| member.state.takes_part())
        .collect();
    for (told, (number, member)) in part.iter().enumerate() {
        let with: Vec<_> = ran_with(&member.environment)
            .into_iter()
            .flatten()
            .filter(|part| !part.is_empty())
            .collect();
        let tests = snapshot
            .run
            .tests
            .iter()
            .filter(|test| test.member == *number);
        let ran = counts(tests.map(TestResult::status));
        let ran = if ran.is_empty() {
            "no tests".to_owned()
        } else {
            ran
        };
        let with = if with.is_empty() {
            String::new()
        } else {
            format!("; {}", with.join(", "))
        };
        let line = format!("\n{}: {ran}{}{with}", member.name, member.state.remark());
        if text::units(&lines) + text::units(&line) > MEMBERS {
            return format!(
                "{lines}\n… and {}",
                counted(part.len() - told, "more suite")
            );
        }
        lines.push_str(&line);
    }
    lines
}

/// The build and release in a line of their own, as people call them; nothing without links.
fn links(facts: &AdoFacts) -> String {
    let build = facts.build.found().map(|build| match &build.number {
        Some(number) => format!("build {}", text::fit(number, 80)),
        None => format!("build id {}", build.id),
    });
    let release = facts.release.found();
    let release = release.map(|link| {
        format!(
            "release {} in stage {}",
            text::fit(&link.name, 80),
            text::fit(&link.stage, 80)
        )
    });
    let links: Vec<_> = build.into_iter().chain(release).collect();
    if links.is_empty() {
        String::new()
    } else {
        format!("\nLinked with {}.", links.join(" and "))
    }
}

/// Which attempt this is, where Katalon runs a failed suite again as a whole: each attempt is a run
/// of its own.
fn attempt(snapshot: &Snapshot) -> Option<String> {
    let left = snapshot.run.reruns_left?;
    let reruns = snapshot
        .reruns
        .filter(|reruns| *reruns > 0 && left <= *reruns)?;
    Some(format!(
        "Attempt {} of at most {} at this suite.",
        reruns - left + 1,
        reruns + 1
    ))
}

/// Puts key, summary and what was left out into a comment.
pub(crate) fn compose(key: &str, summary: &str, left_out: &[&LeftOut]) -> Comment {
    let head = text::fit(&format!("{KEY_MARK}{key}\n{summary}"), text::COMMENT);
    if left_out.is_empty() {
        return Comment {
            text: head,
            overflow: None,
        };
    }
    let lines: Vec<String> = left_out
        .iter()
        .map(|left_out| text::clean(&format!("\n- {left_out}")))
        .collect();
    let title = "\nLeft out:";
    let whole = format!("{head}{title}{}", lines.concat());
    if text::units(&whole) <= text::COMMENT {
        return Comment {
            text: whole,
            overflow: None,
        };
    }
    Comment {
        text: shortened(&head, title, &lines),
        overflow: Some(lines.concat().trim_start().to_owned()),
    }
}

/// As many lines as fit beside the note on the rest.
fn shortened(head: &str, title: &str, lines: &[String]) -> String {
    let mut shown = format!("{head}{title}");
    for (number, line) in lines.iter().enumerate() {
        let note = rest_note(lines.len() - number - 1);
        if text::units(&shown) + text::units(line) + text::units(&note) > text::COMMENT {
            shown.push_str(&rest_note(lines.len() - number));
            break;
        }
        shown.push_str(line);
    }
    // Only a very long summary can still be too long; the key stands at the start and is never cut.
    text::fit(&shown, text::COMMENT)
}

fn rest_note(more: usize) -> String {
    format!("\n… and {more} more, see {LEFT_OUT_FILE}")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::plan::left_out::LeftOutKind;

    fn left_out(reason: &str) -> LeftOut {
        LeftOut::id(LeftOutKind::NoPoint, "Test Cases/A", Some(1), reason)
    }

    proptest! {
        #[test]
        fn the_key_is_whole_and_first_and_nothing_is_left_out_unnamed(
            summary in "\\PC{0,1200}", reasons in proptest::collection::vec("[a-z ]{1,90}", 0..40)
        ) {
            let list: Vec<_> = reasons.iter().map(|reason| left_out(reason)).collect();
            let list: Vec<_> = list.iter().collect();
            let comment = compose("0123abcd", &summary, &list);
            prop_assert!(text::units(&comment.text) <= text::COMMENT);
            prop_assert_eq!(key_in(&comment.text), Some("0123abcd"));
            let named = comment.overflow.unwrap_or(comment.text);
            for reason in &reasons {
                prop_assert!(named.contains(reason.as_str()));
            }
        }
    }

    #[test]
    fn a_long_list_ends_with_how_many_more_there_are() {
        let list: Vec<_> = (0..30)
            .map(|n| left_out(&format!("reason {n} {}", "x".repeat(60))))
            .collect();
        let comment = compose("k", "summary", &list.iter().collect::<Vec<_>>());
        let last = comment.text.lines().last().unwrap();
        assert!(
            last.starts_with("… and ") && last.ends_with("more, see kado-left-out.txt"),
            "{last}"
        );
        assert_eq!(comment.overflow.unwrap().lines().count(), 30);
    }

    #[test]
    fn a_comment_of_somebody_else_has_no_key() {
        assert_eq!(key_in("Run by Katalon"), None);
        assert_eq!(key_in("see kado:abc"), None);
        assert_eq!(key_in("kado:"), None);
    }
}
