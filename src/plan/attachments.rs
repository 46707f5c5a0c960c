//! Which files go along, and to what they belong (product contract, section 3, "Attachments").
//!
//! Only files of the run's own listing are ever named here: regular files inside the run folder,
//! and those that the log names inside the project, whatever else a log says. Screenshots go to
//! the results of the test that took them, everything else to the run.

use std::collections::{BTreeSet, HashMap, HashSet};

use serde::{Deserialize, Serialize};

use crate::katalon::run::{FileKind, RunFile, TestResult};
use crate::katalon::settings::SendingRule;
use crate::katalon::status::Status;
use crate::plan::FedPoint;
use crate::plan::hidden;
use crate::plan::left_out::LeftOut;
use crate::plan::results;
use crate::plan::snapshot::Snapshot;
use crate::plan::text;
use crate::plural::counted;

/// Files and texts that one run sends, each with a request of its own: several results may have the
/// same file.
const MOST: usize = 50_000;
/// Bytes of texts that go along whole; several results may have the same text.
const LONG_TEXTS: usize = 64 * 1024 * 1024;
/// Files that are left out and named one by one.
const MOST_NAMED: usize = 10_000;

/// What is said where files are not sent of runs whose tests all passed.
pub(crate) const ONLY_OF_FAILED: &str = "files are sent only of runs in which a test did not pass";

/// A file or text to attach. It is stored as JSON: the serde names do not change.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(crate) struct PlannedAttachment {
    /// What it is attached to.
    pub target: AttachmentTarget,
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
pub(crate) enum AttachmentTarget {
    /// The test run.
    Run,
    /// The result of a point.
    Point(u32),
}

/// Where the bytes of an attachment come from.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(crate) enum Source {
    /// A file, relative to the run folder.
    File(String),
    /// A text that did not fit elsewhere.
    Text(String),
}

/// The files of a run, sorted into those to send and those to name.
#[derive(Default)]
pub(super) struct ChosenFiles {
    /// To send, those of results first.
    pub attachments: Vec<PlannedAttachment>,
    /// Not to send.
    pub left_out: Vec<LeftOut>,
    /// The same, to find what is named already.
    named: HashSet<LeftOut>,
    /// How many more are not sent, because there are too many.
    too_many: usize,
    /// Bytes of the texts to send.
    texts: usize,
}

/// Chooses the attachments of a run whose results go to these points.
pub(super) fn choose(snapshot: &Snapshot, fed_points: &[FedPoint<'_>]) -> ChosenFiles {
    let mut chosen = ChosenFiles::default();

    // Whoever switched attachments off gets none, not even the rest of a text that was cut.
    if snapshot.options.attachments.kinds.is_empty() {
        return chosen;
    }

    // A text that was cut goes along whole even with a run whose files are not wanted because it
    // passed.
    for fed in fed_points {
        chosen.add_long_texts(fed);
    }
    if !wants_files(snapshot) {
        chosen.name_excess();
        return chosen;
    }

    let files = snapshot.run.files.iter();
    let listed: HashMap<&str, &RunFile> = files.map(|file| (file.path.as_str(), file)).collect();
    for fed in fed_points {
        chosen.add_files_of_result(snapshot, &listed, fed);
    }
    chosen.add_files_of_run(snapshot);
    chosen.name_excess();

    make_names_unique(snapshot, &mut chosen.attachments);
    chosen
}

/// Attachments for reports that appeared after the run was submitted, by the same rules.
pub(crate) fn late(
    snapshot: &Snapshot,
    reports: impl Iterator<Item = RunFile>,
) -> Vec<PlannedAttachment> {
    if !wants_files(snapshot) {
        return Vec::new();
    }

    let mut chosen = ChosenFiles::default();
    for report in reports {
        chosen.add(snapshot, AttachmentTarget::Run, &report, None);
    }
    make_names_unique(snapshot, &mut chosen.attachments);
    chosen.attachments
}

/// The files of a run that may be sent, whatever points its tests turn out to have.
pub(crate) fn wanted(snapshot: &Snapshot) -> impl Iterator<Item = &RunFile> {
    let wants_files = wants_files(snapshot);
    wanted_in_a_whole(snapshot).filter(move |_| wants_files)
}

/// The files of a run that may be sent as part of a collection: whether files are sent at all
/// depends on the outcomes of all members then.
pub(crate) fn wanted_in_a_whole(snapshot: &Snapshot) -> impl Iterator<Item = &RunFile> {
    let rule = &snapshot.options.attachments;
    let unwanted = unwanted_videos(snapshot);
    snapshot.run.files.iter().filter(move |file| {
        rule.kinds.contains(&file.kind)
            && file.size <= rule.max_bytes
            && !unwanted.contains(file.path.as_str())
    })
}

/// The videos that belong to tests that passed, where only those of others are wanted.
fn unwanted_videos(snapshot: &Snapshot) -> HashSet<&str> {
    let mut unwanted = HashSet::new();
    for test in &snapshot.run.tests {
        if wants_video_of(snapshot, test) {
            continue;
        }

        for path in test
            .attempts
            .iter()
            .flat_map(|attempt| &attempt.attachments)
        {
            if FileKind::of(path) == FileKind::Video {
                unwanted.insert(path.as_str());
            }
        }
    }
    unwanted
}

/// Whether the video of a test is sent. Videos are large, so they are chosen test by test, and not
/// run by run as other files are.
fn wants_video_of(snapshot: &Snapshot, test: &TestResult) -> bool {
    snapshot.options.attachments.when == SendingRule::All || test.status() != Status::Passed
}

/// Whether files of this run are sent at all (`attachmentSendingType`): of all runs, or only of
/// those with a test that did not pass.
pub(crate) fn wants_files(snapshot: &Snapshot) -> bool {
    snapshot.options.attachments.when == SendingRule::All
        || snapshot
            .run
            .tests
            .iter()
            .any(|test| test.status() != Status::Passed)
}

impl ChosenFiles {
    /// The texts that were cut in the result of a point.
    fn add_long_texts(&mut self, fed: &FedPoint<'_>) {
        for long in results::long_texts(&fed.tests) {
            if self.texts + long.text.len() > LONG_TEXTS {
                self.too_many += 1;
                continue;
            }

            self.texts += long.text.len();
            self.push(PlannedAttachment {
                target: AttachmentTarget::Point(fed.point.id),
                size: long.text.len() as u64,
                source: Source::Text(long.text.to_owned()),
                name: text::file_name(&long.name),
                kind: FileKind::Other,
            });
        }
    }

    /// Files that the tests of one result name, each once.
    fn add_files_of_result(
        &mut self,
        snapshot: &Snapshot,
        listed: &HashMap<&str, &RunFile>,
        fed: &FedPoint<'_>,
    ) {
        let kinds = &snapshot.options.attachments.kinds;
        let target = AttachmentTarget::Point(fed.point.id);
        let mut named = BTreeSet::new();

        for &test in &fed.tests {
            for attempt in &test.attempts {
                for path in &attempt.attachments {
                    let is_video = FileKind::of(path) == FileKind::Video;
                    if is_video && !wants_video_of(snapshot, test) {
                        continue;
                    }
                    if !named.insert(path.as_str()) {
                        continue;
                    }
                    if let Some(file) = listed.get(path.as_str()) {
                        self.add(snapshot, target, file, Some(test));
                    } else if kinds.contains(&FileKind::of(path))
                        && !(is_video && test.status() == Status::Passed)
                    {
                        // Nobody misses a file of a kind that is not sent, nor the video of a test
                        // that passed: Katalon removes it.
                        let path = text::quoted(path);
                        let reason =
                            format!("file `{path}` is named by the log and not in the run folder");
                        self.leave_out(Some(test), reason);
                    }
                }

                for path in &attempt.foreign_attachments {
                    let path = text::quoted(path);
                    let reason = format!(
                        "file `{path}` lies outside the run folder; kado reads no file from \
                         elsewhere"
                    );
                    self.leave_out(Some(test), reason);
                }
            }
        }
    }

    /// Logs, reports and screenshots that no test names.
    fn add_files_of_run(&mut self, snapshot: &Snapshot) {
        // Of all tests, also of those without a result: a screenshot of a test that is not
        // submitted is not sent at all, so it must not turn up at the run.
        let named: BTreeSet<&str> = snapshot
            .run
            .tests
            .iter()
            .flat_map(|test| &test.attempts)
            .flat_map(|attempt| &attempt.attachments)
            .map(String::as_str)
            .collect();

        // One kind after the other, so that the logs come first whatever the files are called.
        for kind in FileKind::SENDABLE {
            for file in &snapshot.run.files {
                if file.kind == kind && !named.contains(file.path.as_str()) {
                    self.add(snapshot, AttachmentTarget::Run, file, None);
                }
            }
        }
    }

    /// Adds a file if its kind is sent and it is not too large.
    fn add(
        &mut self,
        snapshot: &Snapshot,
        target: AttachmentTarget,
        file: &RunFile,
        test: Option<&TestResult>,
    ) {
        let rule = &snapshot.options.attachments;
        if !rule.kinds.contains(&file.kind) {
            return;
        }

        if file.size > rule.max_bytes {
            let reason = format!(
                "file `{}` has {} bytes, more than the limit of {} (`azure.max_attachment`)",
                text::quoted(&file.path),
                file.size,
                rule.max_bytes
            );
            self.leave_out(test, reason);
            return;
        }

        self.push(PlannedAttachment {
            target,
            source: Source::File(file.path.clone()),
            name: hidden::file_name(&name_of(snapshot, target, &file.path), &snapshot.hidden),
            kind: file.kind,
            size: file.size,
        });
    }

    /// Names a file that is not sent, once: iterations and points can share it.
    fn leave_out(&mut self, test: Option<&TestResult>, reason: String) {
        let left_out = LeftOut::file(test.map(|test| test.id.as_str()), reason);
        if self.named.contains(&left_out) {
            return;
        }
        if self.left_out.len() == MOST_NAMED {
            self.too_many += 1;
            return;
        }

        self.named.insert(left_out.clone());
        self.left_out.push(left_out);
    }

    fn push(&mut self, attachment: PlannedAttachment) {
        if self.attachments.len() < MOST {
            self.attachments.push(attachment);
        } else {
            self.too_many += 1;
        }
    }

    /// Names how many are not sent because there are too many.
    fn name_excess(&mut self) {
        if self.too_many == 0 {
            return;
        }
        let reason = format!(
            "{} and long texts are not sent: a run has at most {MOST} of them, with {LONG_TEXTS} \
             bytes of texts",
            counted(self.too_many, "more file")
        );
        self.left_out.push(LeftOut::file(None, reason));
    }
}

/// What a file is called in ADO: its own name, and at the run of a collection the name of its
/// member before it, because every member has an `execution0.log`.
fn name_of(snapshot: &Snapshot, target: AttachmentTarget, path: &str) -> String {
    let file_name = path.rsplit('/').next().unwrap_or(path);
    if target != AttachmentTarget::Run {
        return file_name.to_owned();
    }

    for member in snapshot.members() {
        if let Some(inside) = path.strip_prefix(&member.prefix)
            && inside.starts_with('/')
        {
            return format!("{} {file_name}", member.name);
        }
    }
    file_name.to_owned()
}

/// Two files of the same name at one target keep their folders in the name, so that a person can
/// tell them apart.
fn make_names_unique(snapshot: &Snapshot, attachments: &mut [PlannedAttachment]) {
    let mut used = HashSet::new();
    let mut numbers: HashMap<(AttachmentTarget, String), usize> = HashMap::new();

    for attachment in attachments {
        if used.insert((attachment.target, attachment.name.clone())) {
            continue;
        }

        if let Source::File(path) = &attachment.source {
            attachment.name = hidden::file_name(path, &snapshot.hidden);
        }

        // Even whole paths can come to the same name, where ADO refuses a character of them.
        let base = attachment.name.clone();
        let number = numbers
            .entry((attachment.target, base.clone()))
            .or_insert(2);
        while !used.insert((attachment.target, attachment.name.clone())) {
            attachment.name = text::file_name(&format!("{number}-{base}"));
            *number += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::katalon::settings::AzureSettings;
    use crate::plan::ado_facts::AdoFacts;
    use crate::plan::history::TestMemory;
    use crate::plan::{SubmissionPlan, plan, sample};

    const VIDEO: &str = "videos/1.avi";

    /// A run of one test with this status, whose files are all sent and named by the test.
    fn run_with(status: Status, files: &[(&str, u64)]) -> Snapshot {
        let mut test = sample::test("A", 0, &[status]);
        let mut run = sample::run("Smoke", 0, 9000);
        for (path, size) in files {
            run.files
                .push(sample::file(path, FileKind::of(path), *size));
            test.attempts[0].attachments.push((*path).to_owned());
        }
        run.tests = vec![test];

        let mut snapshot = sample::snapshot(run, &AzureSettings::default());
        let ids = sample::case_with_ids("1001");
        snapshot.cases.insert("Test Cases/A".to_owned(), ids);
        let rule = &mut snapshot.options.attachments;
        rule.kinds = FileKind::SENDABLE.to_vec();
        rule.when = SendingRule::All;
        rule.max_bytes = 100;
        snapshot
    }

    fn planned(snapshot: &Snapshot) -> SubmissionPlan {
        let facts = AdoFacts::of_points(&[sample::point(1, 1001, 1)]);
        plan(snapshot, 18, "key", &facts, &TestMemory::default())
    }

    fn names(attachments: &[PlannedAttachment]) -> Vec<&str> {
        let names = attachments.iter().map(|attachment| &*attachment.name);
        names.collect()
    }

    /// What is copied before the plan is known.
    fn wanted_paths(snapshot: &Snapshot) -> Vec<&str> {
        wanted(snapshot).map(|file| file.path.as_str()).collect()
    }

    #[test]
    fn a_file_of_the_size_of_the_limit_is_sent_and_a_larger_one_is_named() {
        let run = run_with(Status::Failed, &[("1.png", 100), ("2.png", 101)]);

        let plan = planned(&run);

        assert_eq!(names(&plan.attachments), ["1.png"]);
        assert_eq!(plan.skipped.len(), 1);
        assert!(plan.skipped[0].reason.contains("`2.png` has 101 bytes"));
        assert_eq!(wanted_paths(&run), ["1.png"]);
    }

    #[test]
    fn where_only_failures_are_wanted_a_test_that_passed_keeps_its_video() {
        let mut passed = run_with(Status::Passed, &[(VIDEO, 1), ("1.png", 1)]);
        passed.options.attachments.when = SendingRule::Failed;
        // Other files go by the run, of which a test failed.
        passed
            .run
            .tests
            .push(sample::test("B", 0, &[Status::Failed]));
        let mut failed = run_with(Status::Failed, &[(VIDEO, 1)]);
        failed.options.attachments.when = SendingRule::Failed;

        assert_eq!(names(&planned(&passed).attachments), ["1.png"]);
        assert_eq!(wanted_paths(&passed), ["1.png"]);
        assert_eq!(names(&planned(&failed).attachments), ["1.avi"]);
        assert_eq!(wanted_paths(&failed), [VIDEO]);
    }

    #[test]
    fn a_file_that_is_gone_is_missed_but_for_the_video_of_a_test_that_passed() {
        for (status, path, is_missed) in [
            (Status::Passed, "1.png", true),
            (Status::Passed, VIDEO, false),
            (Status::Failed, VIDEO, true),
            (Status::Failed, "notes.txt", false),
        ] {
            let mut run = run_with(status, &[(path, 1)]);
            run.run.files.clear();

            let skipped = planned(&run).skipped;

            assert_eq!(!skipped.is_empty(), is_missed, "{path} {status}");
        }
    }

    #[test]
    fn late_reports_are_sent_by_the_rules_of_the_run() {
        let report = |size| [sample::file("report.html", FileKind::Html, size)].into_iter();
        let mut run = run_with(Status::Passed, &[]);

        assert_eq!(names(&late(&run, report(1))), ["report.html"]);
        assert!(late(&run, report(101)).is_empty());
        run.options.attachments.when = SendingRule::Failed;
        assert!(late(&run, report(1)).is_empty());
    }

    #[test]
    fn files_of_one_name_at_one_result_are_told_apart_by_their_folders_and_then_by_a_number() {
        let files = [("1.png", 1), ("a/1.png", 1), ("a-1.png", 1), ("b/1.png", 1)];
        let run = run_with(Status::Failed, &files);
        let mut attachments = planned(&run).attachments;
        let unique: HashSet<String> = attachments.iter().map(|file| file.name.clone()).collect();

        for attachment in &mut attachments {
            attachment.name = "same".to_owned();
            attachment.source = Source::Text(String::new());
        }
        make_names_unique(&run, &mut attachments);

        assert_eq!(unique.len(), files.len(), "{unique:?}");
        assert_eq!(names(&attachments), ["same", "2-same", "3-same", "4-same"]);
    }
}
