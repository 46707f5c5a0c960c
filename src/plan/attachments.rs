//! Which files go along, and to what they belong.
//!
//! Only files of the run's own listing are ever named here: regular files inside the run folder,
//! whatever a log says. Screenshots go to the results of the test that took them, everything else
//! to the run.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::katalon::run::{FileKind, RunFile, TestResult};
use crate::katalon::settings::SendingRule;
use crate::katalon::status::Status;
use crate::plan::left_out::LeftOut;
use crate::plan::results;
use crate::plan::snapshot::Snapshot;
use crate::plan::text;

/// A file or text to attach.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct PlannedAttachment {
    /// What it is attached to.
    pub target: Target,
    /// Where its bytes come from.
    pub source: Source,
    /// File name in ADO.
    pub name: String,
    /// Its kind.
    pub kind: FileKind,
    /// Size in bytes when the folder was listed.
    pub size: u64,
}

/// What an attachment is attached to.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub enum Target {
    /// The test run.
    Run,
    /// The result of a point.
    Point(u32),
}

/// Where the bytes of an attachment come from.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Source {
    /// A file, relative to the run folder.
    File(String),
    /// A text that did not fit elsewhere.
    Text(String),
}

/// What [`choose`] found.
pub(crate) struct Chosen {
    /// To send, those of results first.
    pub attachments: Vec<PlannedAttachment>,
    /// Not to send.
    pub left_out: Vec<LeftOut>,
}

/// Chooses the attachments of a run whose results go to `targets`: pairs of a point and the tests
/// that feed it.
pub(crate) fn choose(snapshot: &Snapshot, targets: &[(u32, &[&TestResult])]) -> Chosen {
    let mut chosen = Chosen {
        attachments: Vec::new(),
        left_out: Vec::new(),
    };
    let rule = &snapshot.options.attachments;
    if rule.kinds.is_empty() {
        return chosen;
    }
    // A text that was cut goes along whole even with a run whose files are not wanted because it
    // passed.
    for (point, tests) in targets {
        chosen
            .attachments
            .extend(
                results::long_texts(tests)
                    .into_iter()
                    .map(|long| PlannedAttachment {
                        target: Target::Point(*point),
                        size: long.text.len() as u64,
                        source: Source::Text(long.text),
                        name: text::file_name(&long.name),
                        kind: FileKind::Other,
                    }),
            );
    }
    if !wants_files(snapshot) {
        return chosen;
    }
    for (point, tests) in targets {
        of_result(snapshot, *point, tests, &mut chosen);
    }
    of_run(snapshot, &mut chosen);
    unique_names(&mut chosen.attachments);
    chosen
}

/// Attachments for reports that appeared after the run was submitted, by the same rules.
pub(crate) fn late(
    snapshot: &Snapshot,
    reports: impl Iterator<Item = RunFile>,
) -> Vec<PlannedAttachment> {
    let mut chosen = Chosen {
        attachments: Vec::new(),
        left_out: Vec::new(),
    };
    if wants_files(snapshot) {
        for report in reports {
            add(snapshot, Target::Run, &report, None, &mut chosen);
        }
    }
    unique_names(&mut chosen.attachments);
    chosen.attachments
}

/// The files of a run that may be sent, whatever points its tests turn out to have.
pub(crate) fn wanted(snapshot: &Snapshot) -> impl Iterator<Item = &RunFile> {
    let any = wants_files(snapshot);
    wanted_in_a_whole(snapshot).filter(move |_| any)
}

/// The files of a run that may be sent as part of a collection: whether files are sent at all
/// depends on the outcomes of all members then.
pub(crate) fn wanted_in_a_whole(snapshot: &Snapshot) -> impl Iterator<Item = &RunFile> {
    let rule = &snapshot.options.attachments;
    snapshot
        .run
        .files
        .iter()
        .filter(|file| rule.kinds.contains(&file.kind) && file.size <= rule.max_bytes)
}

/// Whether files of this run are sent at all.
fn wants_files(snapshot: &Snapshot) -> bool {
    let any_not_passed = || {
        snapshot
            .run
            .tests
            .iter()
            .any(|test| test.status() != Status::Passed)
    };
    snapshot.options.attachments.when == SendingRule::All || any_not_passed()
}

/// Files that the tests of one result name, each once.
fn of_result(snapshot: &Snapshot, point: u32, tests: &[&TestResult], chosen: &mut Chosen) {
    let mut seen = BTreeSet::new();
    for test in tests {
        for attempt in &test.attempts {
            for path in attempt
                .attachments
                .iter()
                .filter(|path| seen.insert(path.as_str()))
            {
                match snapshot.run.files.iter().find(|file| file.path == *path) {
                    Some(file) => add(snapshot, Target::Point(point), file, Some(&test.id), chosen),
                    None if !snapshot
                        .options
                        .attachments
                        .kinds
                        .contains(&FileKind::of(path)) => {}
                    None => leave_out(
                        chosen,
                        &test.id,
                        format!("file `{path}` is named by the log and not in the run folder"),
                    ),
                }
            }
            for path in &attempt.foreign_attachments {
                leave_out(
                    chosen,
                    &test.id,
                    format!(
                        "file `{path}` lies outside the run folder; kado reads no file from elsewhere"
                    ),
                );
            }
        }
    }
}

/// Logs, reports and screenshots that no test names.
fn of_run(snapshot: &Snapshot, chosen: &mut Chosen) {
    let tests = &snapshot.run.tests;
    let named: BTreeSet<&str> = tests
        .iter()
        .flat_map(|test| &test.attempts)
        .flat_map(|attempt| &attempt.attachments)
        .map(String::as_str)
        .collect();
    for kind in FileKind::SENDABLE {
        for file in snapshot
            .run
            .files
            .iter()
            .filter(|file| file.kind == kind && !named.contains(file.path.as_str()))
        {
            add(snapshot, Target::Run, file, None, chosen);
        }
    }
}

fn add(
    snapshot: &Snapshot,
    target: Target,
    file: &RunFile,
    test: Option<&str>,
    chosen: &mut Chosen,
) {
    let rule = &snapshot.options.attachments;
    if !rule.kinds.contains(&file.kind) {
        return;
    }
    if file.size > rule.max_bytes {
        let reason = format!(
            "file `{}` has {} bytes, more than the limit of {} (`azure.max_attachment`)",
            file.path, file.size, rule.max_bytes
        );
        let left_out = LeftOut::file(test, reason);
        if !chosen.left_out.contains(&left_out) {
            chosen.left_out.push(left_out);
        }
        return;
    }
    chosen.attachments.push(PlannedAttachment {
        target,
        source: Source::File(file.path.clone()),
        name: text::file_name(&name_of(snapshot, target, &file.path)),
        kind: file.kind,
        size: file.size,
    });
}

/// What a file is called in ADO: its own name, and at the run of a collection the name of its
/// member before it, because every member has an `execution0.log`.
fn name_of(snapshot: &Snapshot, target: Target, path: &str) -> String {
    let own = path.rsplit('/').next().unwrap_or(path);
    let members = snapshot
        .joined
        .iter()
        .filter(|_| target == Target::Run)
        .flat_map(|joined| &joined.members);
    let of_member = |prefix: &str| {
        path.strip_prefix(prefix)
            .is_some_and(|rest| rest.starts_with('/'))
    };
    match members.into_iter().find(|member| of_member(&member.prefix)) {
        Some(member) => format!("{} {own}", member.name),
        None => own.to_owned(),
    }
}

fn leave_out(chosen: &mut Chosen, test: &str, reason: String) {
    let left_out = LeftOut::file(Some(test), reason);
    if !chosen.left_out.contains(&left_out) {
        chosen.left_out.push(left_out);
    }
}

/// Two files of the same name at one target keep their folders in the name, so that a person can
/// tell them apart.
fn unique_names(attachments: &mut [PlannedAttachment]) {
    let mut taken = BTreeSet::new();
    for attachment in attachments {
        if taken.insert((attachment.target, attachment.name.clone())) {
            continue;
        }
        if let Source::File(path) = &attachment.source {
            attachment.name = text::file_name(path);
        }
        let base = attachment.name.clone();
        let mut number = 2;
        while !taken.insert((attachment.target, attachment.name.clone())) {
            attachment.name = text::file_name(&format!("{number}-{base}"));
            number += 1;
        }
    }
}
