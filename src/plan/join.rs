//! A collection that is submitted as one run (`submit.collections = "one"`): its members joined
//! into one snapshot. Pure.
//!
//! The joined run is named after the collection, starts with its first member and ends with its
//! last one, and its host is theirs: so it is the same run wherever its folders lie (invariant I2;
//! [`Snapshot::identity`]). Paths of files begin with the folder of their member, from the session
//! on; [`Snapshot::place_of`] finds them again. Tests know their member, because members can run on
//! different browsers, and then their results belong to different test points.

use serde::{Deserialize, Serialize};

use crate::discovery::run_identity::RunIdentity;
use crate::katalon::collection_report::suite_at;
use crate::katalon::run::{SuiteRun, TestResult};
use crate::katalon::status::Status;
use crate::plan::members::{Member, MemberState, Members};
use crate::plan::snapshot::Snapshot;

mod apart;
mod reruns;
#[cfg(test)]
mod tests;

pub(crate) use apart::without;

/// A member that is to be joined.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub(crate) struct Part {
    /// Its folder below `Reports`, with `/`.
    pub prefix: String,
    /// Its run folder, as a path of this machine.
    pub folder: String,
    /// What became of it.
    pub state: MemberState,
    /// Its run with settings and ids; `None` when there is nothing to read.
    pub snapshot: Option<Snapshot>,
}

/// Joins the members of a collection, in the order of its report. `folder` is the collection's own
/// folder.
///
/// `None` when no member takes part.
pub(crate) fn join(collection: &str, folder: &str, parts: Vec<Part>) -> Option<Snapshot> {
    let names = names(&parts);
    let first = parts
        .iter()
        .find(|part| part.state.takes_part() && part.snapshot.is_some())?
        .snapshot
        .clone()?;
    let mut whole = Snapshot {
        run: empty(collection, &first.run),
        folder: folder.to_owned(),
        reruns: None,
        joined: Some(Members::default()),
        ..first
    };
    let mut members = Vec::new();
    let mut attempts = Vec::new();
    for (part, name) in parts.into_iter().zip(names) {
        let run = part.snapshot.as_ref().map(|snapshot| &snapshot.run);
        members.push(Member {
            suite: suite_of(&part),
            name,
            prefix: part.prefix.clone(),
            folder: part.folder.clone(),
            state: part.state,
            identity: run.and_then(RunIdentity::of),
            environment: run.map(|run| run.environment.clone()).unwrap_or_default(),
        });
        if let Some(snapshot) = part.snapshot.filter(|_| part.state.takes_part()) {
            attempts.push(reruns::Attempted::of(members.len() - 1, &snapshot.run));
            add(&mut whole, snapshot, members.len() - 1, &part.prefix);
        }
    }
    reruns::fold(&mut whole.run.tests, &attempts);
    whole.run.status = worst_suite(whole.run.tests.iter().map(TestResult::status));
    whole.joined = Some(Members { members });
    Some(whole)
}

/// A run without tests that has the collection's name; the machine is the same for all members.
fn empty(collection: &str, first: &SuiteRun) -> SuiteRun {
    SuiteRun {
        suite: collection.to_owned(),
        started: None,
        ended: None,
        last_record: None,
        tests: Vec::new(),
        files: Vec::new(),
        reruns_left: None,
        in_collection: false,
        warnings: Vec::new(),
        ..first.clone()
    }
}

/// Adds a member's tests and files.
fn add(whole: &mut Snapshot, member: Snapshot, number: usize, prefix: &str) {
    let (began, ended) = (
        member.run.started.or(member.run.last_record),
        member.ended(),
    );
    let below = |path: &String| format!("{prefix}/{path}");
    let run = &mut whole.run;
    run.started = run.started.into_iter().chain(began).min();
    run.ended = Some(run.ended.map_or(ended, |known| known.max(ended)));
    run.last_record = run.ended;
    run.files
        .extend(member.run.files.into_iter().map(|mut file| {
            file.path = below(&file.path);
            file
        }));
    run.warnings.extend(
        member
            .run
            .warnings
            .iter()
            .map(|warning| format!("{prefix}: {warning}")),
    );
    run.tests
        .extend(member.run.tests.into_iter().map(|mut test| {
            test.member = number;
            for attempt in &mut test.attempts {
                attempt.attachments = attempt.attachments.iter().map(below).collect();
                // A test that never ended ended with its suite, not with the whole collection.
                attempt.ended = Some(attempt.ended.unwrap_or_else(|| ended.max(attempt.started)));
            }
            test
        }));
    whole.cases.extend(member.cases);
}

/// The status of a suite by Katalon's rule.
fn worst_suite(statuses: impl Iterator<Item = Status>) -> Status {
    let all: Vec<Status> = statuses.collect();
    let order = [Status::Incomplete, Status::Error, Status::Failed];
    order
        .into_iter()
        .find(|status| all.contains(status))
        .unwrap_or(Status::Passed)
}

/// The suite of a member: what its run says, else what its folder is called
/// (`<session>/<suite>/<stamp>`).
fn suite_of(part: &Part) -> String {
    let of_run = part
        .snapshot
        .as_ref()
        .map(|snapshot| snapshot.run.suite.clone())
        .filter(|suite| !suite.is_empty());
    of_run.unwrap_or_else(|| suite_at(&part.prefix.split('/').collect::<Vec<_>>()))
}

/// A name for each member: the last part of its suite; where several share it, with what it ran on,
/// then with a number.
fn names(parts: &[Part]) -> Vec<String> {
    let short: Vec<String> = parts
        .iter()
        .map(|part| {
            suite_of(part)
                .rsplit('/')
                .next()
                .unwrap_or_default()
                .to_owned()
        })
        .collect();
    let is_shared =
        |names: &[String], name: &String| names.iter().filter(|other| *other == name).count() > 1;
    let with_browser: Vec<String> = parts
        .iter()
        .zip(&short)
        .map(
            |(part, name)| match configuration(part).filter(|_| is_shared(&short, name)) {
                Some(configuration) => format!("{name} ({configuration})"),
                None => name.clone(),
            },
        )
        .collect();
    let mut names: Vec<String> = Vec::new();
    for name in &with_browser {
        let mut own = name.clone();
        let mut number = 2;
        while names.contains(&own) {
            own = format!("{name} {number}");
            number += 1;
        }
        names.push(own);
    }
    names
}

fn configuration(part: &Part) -> Option<String> {
    let environment = &part.snapshot.as_ref()?.run.environment;
    environment
        .run_configuration
        .clone()
        .filter(|name| !name.is_empty())
}
