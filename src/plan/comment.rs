//! The comment of the ADO test run: kado's key first, then what ran, then what was left out and
//! why. It reads well as Markdown and as it is. ADO keeps at most 1000 UTF-16 units of it
//! (`ado/api.md` §11); what does not fit goes along as a file, and the key is never cut.

use crate::foreign::one_line;
use crate::katalon::run::difference::Difference;
use crate::katalon::run::{Environment, TestResult};
use crate::katalon::url_secrets::without_queries;
use crate::pipeline::build_page;
use crate::plan::ado_facts::AdoFacts;
use crate::plan::left_out::{LeftOut, heading};
use crate::plan::markdown;
use crate::plan::members::Member;
use crate::plan::outcome::counts;
use crate::plan::snapshot::Snapshot;
use crate::plan::text;
use crate::plural::counted;

/// Word before the key; [`key_in`] finds it again.
const KEY_MARK: &str = "kado:";

/// The last word of the first line of a run that kado did not make.
const FILLED: &str = "filled";

/// How kado's part begins in the comment of a run that it did not make.
const PART: &str = "Filled by kado ";

/// Least and most room for such a part: other suites may fill the run as well.
const LEAST_PART: usize = 80;
const MOST_PART: usize = 400;

/// Longest part of the comment that tells the members of a collection one by one.
const MEMBERS: usize = 350;

/// Longest part of the first line that tells one thing, such as the browser.
const DETAIL: usize = 80;

/// Longest id of a suite in the first line.
const SUITE: usize = 250;

/// Longest description with addresses: a cut one leads elsewhere, and behind the key there is to be
/// room for some of what was left out.
const WITH_ADDRESSES: usize = 800;

/// Name of the file that holds what did not fit into the comment.
pub(crate) const LEFT_OUT_FILE: &str = "kado-left-out.txt";

/// A comment within ADO's limit.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Comment {
    /// The text; it starts with the key.
    pub text: String,
    /// The whole list of what was left out, when it did not fit; it goes along as
    /// [`LEFT_OUT_FILE`].
    pub overflow: Option<String>,
}

/// What stands in a test run that is ended because another one counts; without a full stop.
pub(crate) fn ended_in_favour_of(other: u32) -> String {
    format!("Ended: test run {other} is the one of this suite run")
}

/// The key in the comment of some test run; `None` when the run is not kado's.
pub(crate) fn key_in(comment: &str) -> Option<&str> {
    let rest = comment.trim_start().strip_prefix(KEY_MARK)?;
    let key = rest.split(|c: char| !c.is_ascii_alphanumeric()).next()?;
    (!key.is_empty()).then_some(key)
}

/// The line of a comment that holds its keys; `None` when the run is not kado's. It stands for the
/// whole comment wherever keys are looked for.
pub(crate) fn key_line(comment: &str) -> Option<&str> {
    key_in(comment)?;
    Some(first_line(comment))
}

/// The line of a comment with this key.
pub(crate) fn line_of_key(key: &str) -> String {
    format!("{KEY_MARK}{key}")
}

/// Whether a comment holds this key: that of a run which kado made, or one of those of a run that
/// was there and that several suite runs may have filled.
pub(crate) fn has_key(comment: &str, key: &str) -> bool {
    keys_in(comment).any(|one| one == key)
}

/// Whether somebody else made the run of this comment, and kado only filled it.
pub(crate) fn is_of_filled_run(comment: &str) -> bool {
    key_in(comment).is_some() && first_line(comment).trim_end().ends_with(FILLED)
}

/// All keys in the first line of a comment; what stands behind it is foreign.
fn keys_in(comment: &str) -> impl Iterator<Item = &str> {
    let line = first_line(comment).strip_prefix(KEY_MARK);
    line.unwrap_or_default()
        .split_whitespace()
        .take_while(|word| word.chars().all(|letter| letter.is_ascii_alphanumeric()))
        .filter(|word| *word != FILLED)
}

fn first_line(comment: &str) -> &str {
    comment.trim_start().lines().next().unwrap_or_default()
}

/// The comment of a run that is filled, with kado's key in its first line and everything else as it
/// stood; `None` where there is no room for that and for a word on what is left out.
pub(crate) fn with_key(comment: &str, key: &str) -> Option<String> {
    if has_key(comment, key) {
        return Some(comment.to_owned());
    }

    let text = if key_in(comment).is_some() {
        let comment = comment.trim_start();
        let line = first_line(comment);
        let keys = line.trim_end().trim_end_matches(FILLED).trim_end();
        format!(
            "{keys} {key} {FILLED}{}{}",
            markdown::BREAK,
            rest(comment, line)
        )
    } else {
        format!("{KEY_MARK}{key} {FILLED}{}{comment}", markdown::BREAK)
    };
    (text::units(&text) + LEAST_PART <= text::COMMENT).then_some(text)
}

/// What stands behind the first line.
fn rest<'a>(comment: &'a str, line: &str) -> &'a str {
    comment[line.len()..].trim_start_matches(['\r', '\n'])
}

/// The comment of a run that is filled, with what kado says of the suite run in place of what it
/// said of it before. As much as there is room for: everything that is left out stands in a file as
/// well.
pub(super) fn with_part(comment: &str, key: &str, summary: &str, left_out: &[&LeftOut]) -> String {
    let short: String = key.chars().take(8).collect();
    let begin = format!("{PART}{short}");
    let others = format!("{}\n\n", without_part(comment, &begin));
    let room = text::COMMENT
        .saturating_sub(text::units(&others))
        .min(MOST_PART);

    let pointer = match left_out.len() {
        0 => String::new(),
        more => {
            let what = heading(left_out.iter().copied()).to_lowercase();
            format!("; {more} {what}, see {LEFT_OUT_FILE}")
        }
    };
    let summary = markdown::lines(summary);
    let mut whole = format!("{begin}: {summary}");
    if !left_out.is_empty() {
        let heading = heading(left_out.iter().copied());
        whole.push_str(&format!("\n\n{heading}:"));
        for one in left_out {
            whole.push_str(&bullet(one));
        }
    }

    let forms = [whole, format!("{begin}{pointer}: {summary}")];
    for form in forms {
        if text::units(&form) <= room {
            return format!("{others}{form}");
        }
    }
    text::fit(&format!("{others}{begin}{pointer}"), text::COMMENT)
}

/// A comment without a part of kado's, which ends where another one begins.
fn without_part(comment: &str, begin: &str) -> String {
    let Some(at) = comment.find(begin) else {
        return comment.to_owned();
    };
    let before = comment[..at].trim_end_matches(['\r', '\n']);
    let behind = &comment[at + begin.len()..];
    match behind.find(PART) {
        Some(next) => format!("{before}\n\n{}", &behind[next..]),
        None => before.to_owned(),
    }
}

fn bullet(left_out: &LeftOut) -> String {
    // Reasons quote ids and file names as projects have them, so they can hold characters that ADO
    // has no place for.
    let reason = text::clean(&left_out.to_string());
    format!("\n- {}", markdown::line(&reason.replace(['\n', '\r'], " ")))
}

/// Everything that was left out, for a file: which is no Markdown.
pub(super) fn left_out_list(left_out: &[&LeftOut]) -> String {
    let reasons: Vec<String> = left_out
        .iter()
        .map(|left_out| text::clean(&left_out.to_string()))
        .collect();
    format!("- {}", reasons.join("\n- "))
}

/// Describes the suite run: suite, host, OS, browser, profile, Katalon version and counts, then
/// what it is linked with.
///
/// `unmapped` is how many results have no ADO id, `results` how many are sent.
pub(super) fn summary(
    snapshot: &Snapshot,
    unmapped: usize,
    results: usize,
    facts: &AdoFacts,
) -> String {
    let run = &snapshot.run;

    // Names are a project's, and a line break in one would forge a line of the comment.
    let suite = text::fit(&run.suite, SUITE);
    let ran = format!("{suite} {}", circumstances(snapshot));
    let mut summary = format!("{}\n", one_line(&ran));
    if run.tests.is_empty() {
        summary.push_str("no tests");
    } else {
        let counts = counts(run.tests.iter().map(TestResult::status));
        summary.push_str(&format!("{}: {counts}", counted(run.tests.len(), "test")));
    }

    summary.push_str(&format!("; {}", counted(results, "result")));
    if unmapped > 0 {
        summary.push_str(&format!("; {unmapped} without ADO ids"));
    }

    summary.push_str(&links(facts));
    summary.push_str(&members(snapshot));
    if let Some(attempt) = attempt(snapshot) {
        summary.push_str(&format!("\n{attempt}"));
    }
    // Without any log it is said where the results are from.
    if run.ended.is_none() && !run.differences.contains(&Difference::ReportAlone) {
        summary.push_str("\nIts log has no end: the suite broke off, or the log was cut.");
    }

    // The queries of kado's own addresses are no secrets, and without them they lead nowhere.
    let mut summary = without_queries(&summary);
    let addresses = addresses(snapshot, facts);
    if text::units(&summary) + text::units(&addresses) <= WITH_ADDRESSES {
        summary.push_str(&addresses);
    }
    summary
}

/// Where people find what made the run: the build or another job, and the report that it publishes.
/// An address in a line of its own is a link in Markdown, and can be read where nothing is one.
fn addresses(snapshot: &Snapshot, facts: &AdoFacts) -> String {
    let options = &snapshot.options;
    let mut addresses = String::new();

    let build = facts.build.found().and_then(|build| {
        let server = options.server_url.as_deref()?;
        build_page(server, options.project.as_deref()?, build.id)
    });
    if let Some(build) = &build {
        addresses.push_str(&format!("\nBuild: {build}"));
    }
    if let Some(job) = &options.origin.job
        && build.as_ref() != Some(&job.url)
    {
        let name = text::fit(&job.name, DETAIL);
        addresses.push_str(&format!("\nMade by {name}: {}", job.url));
    }
    if let Some(report) = &options.origin.report {
        addresses.push_str(&format!("\nReport: {report}"));
    }
    addresses
}

/// Where and with what the suite ran: machine, OS, browser, profile and Katalon version.
fn circumstances(snapshot: &Snapshot) -> String {
    let environment = &snapshot.run.environment;

    let mut circumstances = Vec::new();
    circumstances.extend(environment.machine().map(|machine| format!("on {machine}")));
    circumstances.extend(environment.os.clone());
    // The members of a collection can run on different browsers.
    if !snapshot.is_collection() {
        circumstances.extend(browser_and_profile(environment));
    }
    if let Some(version) = &environment.katalon_version {
        circumstances.push(format!("Katalon {version}"));
    }

    let circumstances: Vec<_> = circumstances
        .into_iter()
        .filter(|circumstance| !circumstance.is_empty())
        .map(|circumstance| text::fit(&circumstance, DETAIL))
        .collect();
    circumstances.join(", ")
}

/// Browser and profile, as far as they are known.
fn browser_and_profile(environment: &Environment) -> Vec<String> {
    let browser = environment
        .browser
        .as_ref()
        .or(environment.run_configuration.as_ref());

    let mut parts = Vec::new();
    if let Some(browser) = browser
        && !browser.is_empty()
    {
        parts.push(browser.clone());
    }
    if let Some(profile) = &environment.profile {
        parts.push(format!("profile {profile}"));
    }
    parts
}

/// A line for each member of a collection that takes part, as far as there is room.
fn members(snapshot: &Snapshot) -> String {
    // Tests know their member by its number among all, also those that take no part.
    let with_results: Vec<(usize, &Member)> = snapshot
        .members()
        .iter()
        .enumerate()
        .filter(|(_, member)| member.state.takes_part())
        .collect();

    let mut lines = String::new();
    for (shown, (number, member)) in with_results.iter().enumerate() {
        let line = member_line(snapshot, *number, member);
        if text::units(&lines) + text::units(&line) > MEMBERS {
            let more = counted(with_results.len() - shown, "more suite");
            return format!("{lines}\n… and {more}");
        }
        lines.push_str(&line);
    }
    lines
}

fn member_line(snapshot: &Snapshot, number: usize, member: &Member) -> String {
    let tests = snapshot
        .run
        .tests
        .iter()
        .filter(|test| test.member == number);
    let mut counts = counts(tests.map(TestResult::status));
    if counts.is_empty() {
        counts.push_str("no tests");
    }

    let mut line = format!("\n{}: {counts}{}", member.name, member.state.remark());
    let ran_with = browser_and_profile(&member.environment);
    if !ran_with.is_empty() {
        line.push_str(&format!("; {}", ran_with.join(", ")));
    }
    line
}

/// The build and release in a line of their own, as people call them; nothing without links.
fn links(facts: &AdoFacts) -> String {
    let mut links = Vec::new();
    if let Some(build) = facts.build.found() {
        links.push(match &build.number {
            Some(number) => format!("build {}", text::fit(number, DETAIL)),
            None => format!("build id {}", build.id),
        });
    }

    if let Some(release) = facts.release.found() {
        links.push(format!(
            "release {} in stage {}",
            text::fit(&release.name, DETAIL),
            text::fit(&release.stage, DETAIL)
        ));
    }

    if links.is_empty() {
        return String::new();
    }
    format!("\nLinked with {}.", links.join(" and "))
}

/// Which attempt this is, where Katalon runs a failed suite again as a whole: each attempt is a run
/// of its own.
fn attempt(snapshot: &Snapshot) -> Option<String> {
    let reruns = snapshot.reruns?;
    let left = snapshot.run.reruns_left?;

    // More left than the suite allows: its file was changed after the run began.
    if reruns == 0 || left > reruns {
        return None;
    }
    Some(format!(
        "Attempt {} of at most {} at this suite.",
        reruns - left + 1,
        reruns + 1
    ))
}

/// Puts key, summary and what was left out into a comment.
pub(super) fn compose(key: &str, summary: &str, left_out: &[&LeftOut]) -> Comment {
    let summary = markdown::lines(summary);
    let head = format!("{KEY_MARK}{key}{}{summary}", markdown::BREAK);
    let head = text::fit(&head, text::COMMENT);
    if left_out.is_empty() {
        return Comment {
            text: head,
            overflow: None,
        };
    }

    let heading = heading(left_out.iter().copied());
    let head = format!("{head}{}{heading}:", markdown::BREAK);

    let lines: Vec<String> = left_out.iter().map(|one| bullet(one)).collect();

    let whole = format!("{head}{}", lines.concat());
    if text::units(&whole) <= text::COMMENT {
        return Comment {
            text: whole,
            overflow: None,
        };
    }
    Comment {
        text: shorten(head, &lines),
        overflow: Some(left_out_list(left_out)),
    }
}

/// As many lines as fit beside the note on the rest.
fn shorten(head: String, lines: &[String]) -> String {
    let mut shown = head;

    for (number, line) in lines.iter().enumerate() {
        // Any line may be the last one shown, so behind each there has to be room for the note.
        let note = note_on_the_rest(lines.len() - number - 1);
        if text::units(&shown) + text::units(line) + text::units(&note) > text::COMMENT {
            shown.push_str(&note_on_the_rest(lines.len() - number));
            break;
        }
        shown.push_str(line);
    }

    // Only a very long summary can still be too long; the key stands at the start and is never cut.
    text::fit(&shown, text::COMMENT)
}

fn note_on_the_rest(more: usize) -> String {
    // Behind an empty line it is no part of the last bullet.
    format!("\n\n… and {more} more, see {LEFT_OUT_FILE}")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::katalon::settings::AzureSettings;
    use crate::pipeline::JobPage;
    use crate::plan::left_out::LeftOutKind;
    use crate::plan::links::{BuildLink, LookUp, ReleaseLink};
    use crate::plan::sample;

    /// A run of the ADO project `Shop`.
    fn run_of_shop() -> Snapshot {
        let mut snapshot = sample::snapshot(sample::run("A", 0, 9), &AzureSettings::default());
        snapshot.options.server_url = Some("https://dev.azure.com/acme".to_owned());
        snapshot.options.project = Some("Shop".to_owned());
        snapshot
    }

    fn with_build(id: u32, number: Option<&str>) -> AdoFacts {
        AdoFacts {
            build: LookUp::Found(BuildLink {
                id,
                number: number.map(str::to_owned),
            }),
            ..AdoFacts::default()
        }
    }

    fn job_page(url: &str) -> JobPage {
        JobPage {
            name: "run 7 of CI".to_owned(),
            url: url.to_owned(),
        }
    }

    fn left_out(reason: &str) -> LeftOut {
        LeftOut::id(LeftOutKind::NoPoint, "Test Cases/A", Some(1), reason)
    }

    proptest! {
        #[test]
        fn the_key_is_whole_and_first_and_nothing_is_left_out_unnamed(
            summary in "\\PC{0,1200}",
            reasons in proptest::collection::vec("[a-z ]{1,90}", 0..40)
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
    fn a_name_forges_no_line_of_the_comment() {
        let mut run = run_of_shop();
        run.run.suite = "Test Suites/A\n2 tests: 2 PASSED\u{202e}".to_owned();

        let summary = summary(&run, 0, 1, &AdoFacts::default());

        let first = summary.lines().next().unwrap_or_default();
        assert!(first.contains("\\n2 tests: 2 PASSED"), "{summary}");
        assert!(!summary.contains('\u{202e}'), "{summary}");
    }

    #[test]
    fn an_attempt_is_told_only_where_katalon_runs_the_suite_again() {
        for (reruns, left, told) in [
            (None, Some(1), None),
            (Some(2), None, None),
            (Some(0), Some(0), None),
            (Some(2), Some(3), None),
            (
                Some(2),
                Some(2),
                Some("Attempt 1 of at most 3 at this suite."),
            ),
            (
                Some(2),
                Some(0),
                Some("Attempt 3 of at most 3 at this suite."),
            ),
        ] {
            let mut run = run_of_shop();
            run.reruns = reruns;
            run.run.reruns_left = left;

            assert_eq!(attempt(&run).as_deref(), told, "{left:?} of {reruns:?}");
        }
    }

    #[test]
    fn the_page_of_a_job_is_told_once_beside_the_build_that_it_is() {
        let mut run = run_of_shop();
        let build = "https://dev.azure.com/acme/Shop/_build/results?buildId=7";

        run.options.origin.job = Some(job_page(build));
        let one_page = addresses(&run, &with_build(7, None));
        run.options.origin.job = Some(job_page("https://ci.example/7"));
        run.options.origin.report = Some("https://reports.example/7".to_owned());
        let all = addresses(&run, &with_build(7, None));

        assert_eq!(one_page, format!("\nBuild: {build}"));
        assert_eq!(
            all,
            format!(
                "\nBuild: {build}\nMade by run 7 of CI: https://ci.example/7\nReport: \
                 https://reports.example/7"
            )
        );
    }

    #[test]
    fn links_are_told_as_people_call_them() {
        let with_release = AdoFacts {
            release: LookUp::Found(ReleaseLink {
                id: 3,
                name: "Release-3".to_owned(),
                stage_id: 1,
                stage: "QA".to_owned(),
            }),
            ..with_build(7, Some("20261130.1"))
        };

        assert_eq!(links(&AdoFacts::default()), "");
        assert_eq!(links(&with_build(7, None)), "\nLinked with build id 7.");
        assert_eq!(
            links(&with_release),
            "\nLinked with build 20261130.1 and release Release-3 in stage QA."
        );
    }

    #[test]
    fn a_long_list_ends_with_how_many_more_there_are() {
        let list: Vec<_> = (0..30)
            .map(|n| left_out(&format!("reason {n} {}", "x".repeat(60))))
            .collect();

        let comment = compose("k", "summary", &list.iter().collect::<Vec<_>>());

        let last = comment.text.lines().last().unwrap();
        assert!(last.starts_with("… and "), "{last}");
        assert!(last.ends_with("more, see kado-left-out.txt"), "{last}");
        assert_eq!(comment.overflow.unwrap().lines().count(), 30);
    }

    const KEYS: [&str; 2] = [
        "0123456789abcdef0123456789abcdef",
        "fedcba9876543210fedcba9876543210",
    ];

    #[test]
    fn a_run_that_is_filled_keeps_what_stood_in_its_comment_and_holds_every_key() {
        let once = with_key("Please run *Smoke*\nby Friday", KEYS[0]).unwrap();
        let twice = with_key(&once, KEYS[1]).unwrap();

        assert!(has_key(&twice, KEYS[0]) && has_key(&twice, KEYS[1]));
        assert!(is_of_filled_run(&twice));
        assert!(twice.ends_with("Please run *Smoke*\nby Friday"), "{twice}");
        assert_eq!(with_key(&twice, KEYS[0]).as_ref(), Some(&twice));
        assert!(!is_of_filled_run(&compose(KEYS[0], "suite", &[]).text));
        assert_eq!(with_key(&"x".repeat(900), KEYS[0]), None);
    }

    #[test]
    fn a_suite_that_is_called_like_a_key_is_none() {
        let comment = compose(KEYS[0], KEYS[1], &[]).text;

        assert!(!has_key(&comment, KEYS[1]), "{comment}");
    }

    #[test]
    fn each_suite_run_has_one_part_however_often_it_is_written() {
        let reasons = left_out("no point");
        let comment = with_key("Friday", KEYS[0]).unwrap();

        let first = with_part(&comment, KEYS[0], "Suite A", &[&reasons]);
        let both = with_part(&first, KEYS[1], "Suite B", &[]);
        let again = with_part(&both, KEYS[0], "Suite A", &[]);

        assert!(
            first.contains("Left out:\n- Test Cases/A: no point"),
            "{first}"
        );
        assert!(
            both.contains("Suite A") && both.contains("Suite B"),
            "{both}"
        );
        assert_eq!(again.matches("Suite A").count(), 1, "{again}");
        assert!(!again.contains("no point"), "{again}");
        assert!(again.contains("Friday"), "{again}");
    }

    proptest! {
        #[test]
        fn whatever_stood_in_a_comment_stays_in_it(
            before in "[a-z \n]{0,700}",
            summary in "\\PC{0,600}",
            reasons in proptest::collection::vec("[a-z ]{1,90}", 0..20)
        ) {
            let list: Vec<_> = reasons.iter().map(|reason| left_out(reason)).collect();
            let comment = with_key(&before, KEYS[0]).unwrap();

            let comment = with_part(&comment, KEYS[0], &summary, &list.iter().collect::<Vec<_>>());

            prop_assert!(text::units(&comment) <= text::COMMENT);
            prop_assert!(has_key(&comment, KEYS[0]));
            prop_assert!(comment.contains(&before));
        }
    }

    #[test]
    fn a_comment_of_somebody_else_has_no_key() {
        assert_eq!(key_in("Run by Katalon"), None);
        assert_eq!(key_in("see kado:abc"), None);
        assert_eq!(key_in("kado:"), None);
    }
}
