//! From records to results: which test is open, which attempt it is, and when the suite is over.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::io::{self, BufRead};

use super::attachment::{FolderNames, Placement, place};
use super::failure::LONGEST_TEXT;
use super::oddities::{MOST_ATTACHMENTS, MOST_NAMED_FILES, Oddities, SOME_TEXTS};
use super::raw::RawLog;
use super::record::{Level, Method, RawRecord};
use super::scan::Scanner;
use super::tree::{Closed, NodeKind, NodeResult, Tree};
use super::{LogSummary, LogTest, suite_status};
use crate::katalon::damage::{Damage, DamageKind};
use crate::katalon::run::Attempt;
use crate::katalon::run::binding::execution_variables;
use crate::katalon::status::Status;
use crate::katalon::text::short_name;
use crate::moment::Moment;
use crate::plural::counted;

/// Results of a run that are read, each attempt counted.
const MOST_RESULTS: usize = 100_000;
/// Bytes that the values of variables of all tests may take.
const MOST_VALUES: usize = 64 * 1024 * 1024;
/// Damages of parts that are told one by one.
const MOST_DAMAGES: usize = 100;
/// Beyond [`SOME_TEXTS`] texts are cut to this.
const LONG_TEXT: usize = 256 * 1024;
/// Beyond this sum they are cut to [`SHORT_TEXT`].
const MANY_TEXTS: usize = 8 * 1024 * 1024;
/// Still more than the 4000 characters that ADO takes.
const SHORT_TEXT: usize = 8 * 1024;
/// Beyond this sum a text is only a hint.
const TOO_MANY_TEXTS: usize = 24 * 1024 * 1024;
const HINT: usize = 512;

/// Reads the parts of a log in order and folds them into a [`LogSummary`].
#[derive(Clone, Debug, Default)]
pub struct LogReader {
    folder: FolderNames,
    tree: Tree,
    summary: LogSummary,
    current: Option<OpenTest>,
    /// Where in `summary.tests` the latest execution of each test case stands.
    latest: HashMap<String, usize>,
    /// The suite was closed; what follows is not of this run.
    closed: bool,
    /// Bytes of all texts that are kept.
    texts: usize,
    /// Bytes of all values of variables that are kept.
    values: usize,
    /// The part that is read.
    part: String,
    /// Results that are kept.
    results: usize,
    /// Files that are named by them.
    named_files: usize,
    /// The part in which there were too many results, and how many are left out.
    excess: Option<(String, usize)>,
    /// Damages that are not told one by one.
    more_damages: usize,
    oddities: Oddities,
}

/// A result that is open.
#[derive(Clone, Debug)]
struct OpenTest {
    test: LogTest,
    retry: u32,
    attempt: Attempt,
    /// The files that it names, each once.
    files: HashSet<String>,
    /// Variables of the execution as a RUN_DATA record tells them, still as JSON.
    run_data: Option<String>,
}

impl LogReader {
    /// A reader for the logs of a run folder.
    pub fn new(folder: FolderNames) -> Self {
        Self {
            folder,
            ..Self::default()
        }
    }

    /// Reads the next part. Parts come in the order in which Katalon wrote them, the highest number
    /// first; `name` is the part's file.
    ///
    /// # Errors
    /// When the input fails; what was read before counts, and more parts may follow.
    pub fn feed(&mut self, name: &str, part: impl BufRead) -> io::Result<()> {
        name.clone_into(&mut self.part);
        let mut scanner = Scanner::new(RawLog::new(part));
        let mut cut_before_others = 0;
        let result = loop {
            match scanner.next() {
                Ok(Some(record)) => {
                    if !self.closed {
                        cut_before_others = scanner.cut_records;
                    }
                    self.notice_late_begin(name, &record);
                    self.record(&record);
                }
                Ok(None) => break Ok(()),
                Err(error) => break Err(error),
            }
        };

        // Behind the end of the suite Katalon itself leaves half records; they mean nothing. A log
        // that is torn off is no damage either, for that is how a run looks that was aborted.
        if !self.closed {
            self.oddities.cut += scanner.cut_records - cut_before_others;
        }

        // What is known to be damaged may have cut records as well.
        let damage = match scanner.input.damage(name) {
            None if cut_before_others > 0 => {
                let count = cut_before_others;
                Some(Damage::of(name, DamageKind::CutRecords { count }))
            }
            damage => damage,
        };
        if let Some(damage) = damage {
            self.damaged(damage);
        }
        result
    }

    /// Takes note of a part that is not there. What was open before the gap may have ended inside
    /// it, so nothing of it is closed by what comes behind.
    pub(crate) fn skip(&mut self, name: &str) {
        self.damaged(Damage::of(name, DamageKind::Missing));

        if let Some(open) = self.current.take() {
            self.store(open, Status::Incomplete, None);
        }

        // What opened in the gap is unknown, so from here on depth is trusted as little as in a log
        // without a beginning.
        if self.tree.depth() > 0 {
            self.tree.leave_to_suite();
            self.oddities.headless = true;
        }
    }

    /// Takes note of a part that could not be opened, or not be read to its end.
    pub(crate) fn give_up(&mut self, name: &str, error: &io::Error) {
        let error = error.to_string();
        self.damaged(Damage::of(name, DamageKind::Unreadable { error }));
    }

    /// Keeps a damage. That two runs are mixed is always told, because no result counts then.
    fn damaged(&mut self, damage: Damage) {
        let kept = &mut self.summary.damage;
        let is_new_conflict = damage.kind == DamageKind::ConflictMarkers
            && kept.iter().all(|other| other.kind != damage.kind);

        if kept.len() < MOST_DAMAGES || is_new_conflict {
            kept.push(damage);
        } else {
            self.more_damages += 1;
        }
    }

    /// Every log of the corpus begins with the suite's START.
    fn notice_late_begin(&mut self, name: &str, first: &RawRecord) {
        let begins_with_suite = first.level == Level::Start && first.method == Method::Suite;
        if self.summary.last_record.is_none() && !begins_with_suite {
            self.damaged(Damage::of(name, DamageKind::BeginsLate));
        }
    }

    /// What the log says; tests that are still open are INCOMPLETE.
    pub fn finish(mut self) -> LogSummary {
        if let Some(open) = self.current.take() {
            self.store(open, Status::Incomplete, None);
        }

        // Whatever the others were, the run is not what these results say.
        if let Some((part, count)) = self.excess.take() {
            let error = format!(
                "it holds {} than are read ({MOST_RESULTS}, with {MOST_VALUES} bytes of variables)",
                counted(count, "more result")
            );
            let damage = Damage::of(&part, DamageKind::Unreadable { error });
            self.summary.damage.push(damage);
        }
        if self.more_damages > 0 {
            let parts = counted(self.more_damages, "more part");
            let error = format!("{parts} of the log cannot be read either");
            let damage = Damage::of("execution*.log", DamageKind::Unreadable { error });
            self.summary.damage.push(damage);
        }

        if self.summary.last_record.is_some() {
            self.summary.status = Some(suite_status(&self.summary.tests, self.closed));
        }
        self.summary.warnings = self.oddities.warnings();
        self.summary
    }

    fn record(&mut self, record: &RawRecord) {
        // The process of Katalon Studio appends records to a finished log hours later, as when
        // somebody previews data (`behaviour.md` §3.11). They are no part of the run.
        if self.closed {
            if record.level == Level::Start && record.method == Method::Suite {
                self.oddities.second_suites += 1;
            }
            return;
        }

        self.oddities.truncated += usize::from(record.truncated);
        let at = self.time_of(record);

        // A log whose beginning is lost has no better start than that of its first record.
        self.summary.started.get_or_insert(at);
        self.summary.last_record = Some(at);

        match record.level {
            Level::Start => self.start(record, at),
            Level::End => self.end(record, at),
            Level::RunData => self.run_data(record),
            _ => self.tree.message(record),
        }
        self.attach(record);
    }

    /// A record without a time gets that of the one before it.
    fn time_of(&mut self, record: &RawRecord) -> Moment {
        match record.millis {
            Some(millis) => Moment::from_millis(millis),
            None => {
                self.oddities.without_time += 1;
                self.summary.last_record.unwrap_or_default()
            }
        }
    }

    fn start(&mut self, record: &RawRecord, at: Moment) {
        if self.tree.depth() == 0 {
            self.tree.push(NodeKind::Suite);
            if record.method == Method::Suite {
                return self.start_suite(record, at);
            }
            // The beginning of the log is lost, so the suite is opened in its place.
            self.oddities.headless = true;
        }

        match record.method {
            Method::Suite => self.oddities.second_suites += 1,
            Method::Test => self.start_test(record, at),
            Method::Keyword => self.tree.push(NodeKind::Step {
                ignored: record.flag("isIgnoredIfFailed"),
            }),
        }
        if self.tree.is_too_deep() {
            self.oddities.too_deep += 1;
        }
    }

    fn start_suite(&mut self, record: &RawRecord, at: Moment) {
        let suite = record.property("id").or_else(|| record.property("name"));
        self.summary.suite = suite.map(short_name);
        self.summary.started = Some(at);

        // Where only the failed tests run again, the count is theirs and no further run follows.
        if !record.flag("rerunTestFailImmediately") {
            self.summary.reruns_left = record
                .property("retryCount")
                .and_then(|count| count.trim().parse().ok());
        }
    }

    fn start_test(&mut self, record: &RawRecord, at: Moment) {
        let is_below_suite = self.tree.depth() == 1;

        // Without the log's beginning the keyword that called this test may be unknown.
        let is_called =
            self.oddities.headless && record.nested_level.is_some_and(|level| level > 1);

        let id = id_of_test(record);
        self.tree.push_test(record.flag("isOptional"), &id);

        // A test that another one calls (`callTestCase`) is a part of that one, and no result.
        if !is_below_suite || is_called {
            return;
        }

        // Before 8.1 Katalon repeats no test inside a log, so a missing count is a first attempt.
        let retry = non_empty(record, "currentRetryCount");
        self.current = Some(OpenTest {
            test: LogTest {
                id,
                execution_id: non_empty(record, "uuid"),
                iteration: non_empty(record, "iteration"),
                attempts: Vec::new(),
                variables: BTreeMap::new(),
            },
            retry: retry
                .and_then(|count| count.trim().parse().ok())
                .unwrap_or(0),
            files: HashSet::new(),
            attempt: Attempt {
                status: Status::Incomplete,
                started: at,
                ended: None,
                message: None,
                stack_trace: None,
                attachments: Vec::new(),
                foreign_attachments: Vec::new(),
            },
            run_data: None,
        });
    }

    fn end(&mut self, record: &RawRecord, at: Moment) {
        if !self.closes_something(record) {
            // Without the log's beginning such an END closes what was opened there.
            self.oddities.stray_ends += usize::from(!self.oddities.headless);
            return;
        }

        match self.tree.pop() {
            Closed::Inner => {}
            Closed::Suite => {
                self.closed = true;
                self.summary.ended = Some(at);
            }
            Closed::BelowSuite(result) => {
                if let Some(open) = self.current.take() {
                    self.end_test(open, record, at, result);
                }
            }
        }
    }

    /// Whether an END closes an open node; what is open inside of that is let go.
    fn closes_something(&mut self, record: &RawRecord) -> bool {
        match record.method {
            Method::Suite => {
                if let Some(open) = self.current.take() {
                    self.store(open, Status::Incomplete, None);
                }
                self.tree.leave_to_suite();
                self.tree.depth() == 1
            }
            Method::Test => self.tree.leave_to_test(named_by_end(record).as_deref()),
            // In a log with a gap it could else close the test around it.
            Method::Keyword => self.tree.is_in_step(),
        }
    }

    fn end_test(
        &mut self,
        mut open: OpenTest,
        end: &RawRecord,
        at: Moment,
        result: Option<NodeResult>,
    ) {
        // Both records may list the variables; the END knows them as they were at last.
        let lists = [
            open.run_data.take(),
            end.property("executionBindingVariables"),
        ];
        for json in lists.into_iter().flatten() {
            match execution_variables(&json) {
                Ok(variables) => open.test.variables.extend(variables),
                Err(_) => self.oddities.broken_variables += 1,
            }
        }

        for (name, value) in &open.test.variables {
            self.values += name.len() + value.len();
        }

        open.attempt.ended = Some(at);
        let status = match &result {
            Some(result) => result.status,
            None => Status::Passed,
        };
        self.store(open, status, result);
    }

    /// Puts a finished attempt where it belongs: a retry behind the latest execution of the same
    /// test case.
    fn store(&mut self, open: OpenTest, status: Status, result: Option<NodeResult>) {
        if self.results == MOST_RESULTS || self.values > MOST_VALUES {
            let (_, left_out) = self.excess.get_or_insert_with(|| (self.part.clone(), 0));
            *left_out += 1;
            return;
        }
        self.results += 1;

        let OpenTest {
            mut test,
            retry,
            mut attempt,
            ..
        } = open;
        attempt.status = status;
        if let Some(result) = result {
            self.keep_texts(&mut attempt, result);
        }

        // Joined by id and count, because only Katalon 11 has an id for the execution. In all 128
        // runs of the corpus with retries this gives the tests that Katalon's report lists
        // (`files.md` §4).
        let earlier = match self.latest.get(&test.id) {
            Some(place) if retry > 0 => Some(*place),
            _ => None,
        };
        match earlier {
            Some(place) => {
                let earlier = &mut self.summary.tests[place];
                earlier.attempts.push(attempt);
                earlier.variables = test.variables;
                earlier.iteration = test.iteration.or_else(|| earlier.iteration.take());
            }

            None => {
                test.attempts.push(attempt);
                self.latest
                    .insert(test.id.clone(), self.summary.tests.len());
                self.summary.tests.push(test);
            }
        }
    }

    /// Keeps the texts of a result, the shorter the more there are already: a suite with thousands
    /// of failures must fit into memory and into the database.
    fn keep_texts(&mut self, attempt: &mut Attempt, result: NodeResult) {
        let limit = match self.texts {
            0..SOME_TEXTS => LONGEST_TEXT,
            SOME_TEXTS..MANY_TEXTS => LONG_TEXT,
            MANY_TEXTS..TOO_MANY_TEXTS => SHORT_TEXT,
            _ => HINT,
        };
        let mut failure = result.failure;
        let size = failure.size();
        failure.cut(limit);

        self.oddities.texts_cut += usize::from(failure.size() < size);
        self.texts += failure.size();
        attempt.message = failure.message;
        attempt.stack_trace = failure.stack_trace;
    }

    fn run_data(&mut self, record: &RawRecord) {
        for (name, _) in &record.properties {
            let Some(value) = record.property(name) else {
                continue;
            };

            // Katalon 11 logs the variables of a test like data about the run. They may hold
            // passwords, and belong to the test that is open.
            if *name == "executionBindingVariables" {
                if let Some(open) = &mut self.current {
                    open.run_data = Some(value);
                }
            } else if !value.is_empty() {
                // The last value wins, but an empty one says nothing.
                let value = short_name(value);
                self.summary.run_data.insert((*name).to_owned(), value);
            }
        }
    }

    fn attach(&mut self, record: &RawRecord) {
        let value = record
            .property("attachment")
            .or_else(|| record.property("video-attachment"));
        let (Some(open), Some(value)) = (&mut self.current, value) else {
            return;
        };

        let (list, path) = match place(&value, &self.folder) {
            Placement::Inside(path) => (&mut open.attempt.attachments, path),
            Placement::Outside => (&mut open.attempt.foreign_attachments, value),
        };
        let path = short_name(path);
        if path.trim().is_empty() || open.files.contains(&path) {
            return;
        }

        if list.len() < MOST_ATTACHMENTS && self.named_files < MOST_NAMED_FILES {
            self.named_files += 1;
            open.files.insert(path.clone());
            list.push(path);
        } else {
            self.oddities.attachments_left_out += 1;
        }
    }
}

fn non_empty(record: &RawRecord, property: &str) -> Option<String> {
    record
        .property(property)
        .filter(|value| !value.is_empty())
        .map(short_name)
}

/// The id of a test case; old versions name it only in the message, `Start Test Case : <id>`.
fn id_of_test(record: &RawRecord) -> String {
    if let Some(id) = non_empty(record, "id").or_else(|| non_empty(record, "name")) {
        return id;
    }

    let message = record.message();
    let name = match message.split_once(':') {
        Some((_, name)) => name,
        None => &message,
    };
    short_name(name.trim().to_owned())
}

/// The id that the END of a test names, `End Test Case : <id>` in every log of the corpus.
fn named_by_end(record: &RawRecord) -> Option<String> {
    let message = record.message();
    let (_, id) = message.split_once("Test Case :")?;
    let id = id.trim();
    (!id.is_empty()).then(|| short_name(id.to_owned()))
}
