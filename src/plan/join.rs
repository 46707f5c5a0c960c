//! A collection that is submitted as one run (`submit.collections = "one"`): its members joined
//! into one snapshot. Pure.
//!
//! The joined run is named after the collection, starts with its first member and ends with its
//! last one, and its host is theirs: so it is the same run wherever its folders lie (invariant I2;
//! [`Snapshot::identity`]). Paths of files begin with the folder of their member, from the session
//! on; [`Snapshot::run_folder_of`] finds them again. Tests know their member, because members can
//! run on different browsers, and then their results belong to different test points.

mod apart;
mod reruns;
#[cfg(test)]
mod tests;

use std::collections::{HashMap, HashSet};

use serde::{Deserialize, Serialize};

use crate::discovery::run_identity::RunIdentity;
use crate::katalon::collection_report::suite_at;
use crate::katalon::run::{SuiteRun, TestResult};
use crate::katalon::status::Status;
use crate::plan::hidden;
use crate::plan::members::{Member, MemberState, Members};
use crate::plan::snapshot::Snapshot;

pub(crate) use apart::without;

/// A member that is to be joined. Members that wait for the end of their collection are stored as
/// JSON: the serde names do not change.
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

impl Part {
    /// Its snapshot, if its results are part of the whole.
    fn with_results(&self) -> Option<&Snapshot> {
        if self.state.takes_part() {
            self.snapshot.as_ref()
        } else {
            None
        }
    }

    /// Its suite: what its run says, else what its folder is called (`<session>/<suite>/<stamp>`).
    fn suite(&self) -> String {
        match &self.snapshot {
            Some(snapshot) if !snapshot.run.suite.is_empty() => snapshot.run.suite.clone(),
            _ => suite_at(&self.prefix.split('/').collect::<Vec<_>>()),
        }
    }

    /// What its run configuration is called, such as `Chrome`.
    fn run_configuration(&self) -> Option<&str> {
        let environment = &self.snapshot.as_ref()?.run.environment;
        let name = environment.run_configuration.as_deref()?;
        (!name.is_empty()).then_some(name)
    }

    /// The member as the joined snapshot keeps it.
    fn to_member(&self, name: String) -> Member {
        let run = self.snapshot.as_ref().map(|snapshot| &snapshot.run);

        Member {
            suite: self.suite(),
            name,
            prefix: self.prefix.clone(),
            folder: self.folder.clone(),
            folder_id: self
                .snapshot
                .as_ref()
                .and_then(|snapshot| snapshot.folder_id),
            state: self.state,
            identity: run.and_then(RunIdentity::of),
            environment: run.map(|run| run.environment.clone()).unwrap_or_default(),
        }
    }
}

/// Joins the members of a collection, in the order of its report. `folder` is the collection's own
/// folder.
///
/// `None` when no member takes part.
pub(crate) fn join(collection: &str, folder: &str, parts: Vec<Part>) -> Option<Snapshot> {
    let names = names(&parts);

    // Settings and project are those of any member that ran.
    let first = parts.iter().find_map(Part::with_results)?;
    let mut whole = Snapshot {
        run: without_results(collection, &first.run),
        folder: folder.to_owned(),
        folder_id: None,
        reruns: None,
        joined: None,
        ..first.clone()
    };

    let mut members = Vec::new();
    let mut attempts = Vec::new();
    for (part, name) in parts.into_iter().zip(names) {
        let number = members.len();
        members.push(part.to_member(name));
        // Also of a member that takes no part: its suite is named as missing.
        if let Some(snapshot) = &part.snapshot {
            hidden::add(&mut whole.hidden, snapshot.hidden.iter().cloned());
        }

        if part.state.takes_part()
            && let Some(snapshot) = part.snapshot
        {
            attempts.push(reruns::MemberAttempt::of(number, &snapshot.run));
            add(&mut whole, snapshot, number, &part.prefix);
        }
    }

    reruns::fold(&mut whole.run.tests, &attempts);
    whole.run.status = worst_suite(&whole.run.tests);
    whole.joined = Some(Members { members });
    Some(whole)
}

/// A run without tests that has the collection's name; the machine is the same for all members.
fn without_results(collection: &str, first: &SuiteRun) -> SuiteRun {
    SuiteRun {
        suite: collection.to_owned(),
        started: None,
        ended: None,
        last_record: None,
        tests: Vec::new(),
        files: Vec::new(),
        earlier_files: Vec::new(),
        reruns_left: None,
        damage: Vec::new(),
        differences: Vec::new(),
        in_collection: false,
        warnings: Vec::new(),
        ..first.clone()
    }
}

/// Adds a member's tests and files.
fn add(whole: &mut Snapshot, member: Snapshot, number: usize, prefix: &str) {
    let started = member.run.started.or(member.run.last_record);
    let ended = member.ended();

    let run = &mut whole.run;
    run.started = match (run.started, started) {
        (Some(earliest), Some(started)) => Some(earliest.min(started)),
        (earliest, started) => earliest.or(started),
    };
    run.ended = match run.ended {
        Some(latest) => Some(latest.max(ended)),
        None => Some(ended),
    };
    run.last_record = run.ended;

    for mut file in member.run.files {
        file.path = format!("{prefix}/{}", file.path);
        run.files.push(file);
    }
    for mut file in member.run.earlier_files {
        file.path = format!("{prefix}/{}", file.path);
        run.earlier_files.push(file);
    }
    for mut damage in member.run.damage {
        damage.file = format!("{prefix}/{}", damage.file);
        run.damage.push(damage);
    }
    run.differences.extend(member.run.differences);
    for warning in &member.run.warnings {
        run.warnings.push(format!("{prefix}: {warning}"));
    }

    for mut test in member.run.tests {
        test.member = number;
        for attempt in &mut test.attempts {
            for path in &mut attempt.attachments {
                *path = format!("{prefix}/{path}");
            }
            // A test that never ended ended with its suite, not with the whole collection.
            if attempt.ended.is_none() {
                attempt.ended = Some(ended.max(attempt.started));
            }
        }
        run.tests.push(test);
    }

    // A test that ran in two members has one `.tc` file, so it does not matter whose ids stay.
    whole.cases.extend(member.cases);
}

/// The status of a suite by Katalon's rule.
fn worst_suite(tests: &[TestResult]) -> Status {
    // A suite whose tests were skipped has passed (`katalon/behaviour.md` §3.6).
    for status in [Status::Incomplete, Status::Error, Status::Failed] {
        if tests.iter().any(|test| test.status() == status) {
            return status;
        }
    }
    Status::Passed
}

/// A name for each member: the last part of its suite; where several share it, with what it ran on,
/// then with a number.
fn names(parts: &[Part]) -> Vec<String> {
    // Names stand before files of the run in ADO and in its comment, so each has to be another one.
    let mut short_names = Vec::new();
    for part in parts {
        let suite = part.suite();
        let last_part = suite.rsplit('/').next().unwrap_or_default();
        short_names.push(last_part.to_owned());
    }

    let mut sharing: HashMap<&str, usize> = HashMap::new();
    for short_name in &short_names {
        *sharing.entry(short_name).or_default() += 1;
    }

    let mut names: Vec<String> = Vec::new();
    let mut used = HashSet::new();
    let mut numbers: HashMap<String, usize> = HashMap::new();
    for (part, short_name) in parts.iter().zip(&short_names) {
        let is_shared = sharing[short_name.as_str()] > 1;
        let base = match part.run_configuration() {
            Some(configuration) if is_shared => format!("{short_name} ({configuration})"),
            _ => short_name.clone(),
        };

        let mut name = base.clone();
        let number = numbers.entry(base.clone()).or_insert(2);
        while !used.insert(name.clone()) {
            name = format!("{base} {number}");
            *number += 1;
        }
        names.push(name);
    }
    names
}
