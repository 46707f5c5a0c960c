//! Puts a played run into single writes.

use std::collections::VecDeque;
use std::path::Path;

use super::{LiveStep, Phase, Write};
use crate::binding::binding;
use crate::execution::execution_properties;
use crate::junit::junit;
use crate::log::{Entry, Script};
use crate::record::{FOOTER, HEADER};
use crate::reports::{console_line, report};
use crate::run::SuiteRunWriter;

/// The writes of a run, in order.
pub(super) fn plan(run: &SuiteRunWriter, folder: &Path, script: &Script) -> VecDeque<LiveStep> {
    let mut planner = Planner {
        run,
        folder,
        script,
        steps: VecDeque::new(),
    };
    planner.launcher();
    planner.log();
    planner.afterwards();

    planner.steps
}

/// Puts a played script into writes.
struct Planner<'a> {
    run: &'a SuiteRunWriter,
    folder: &'a Path,
    script: &'a Script,
    steps: VecDeque<LiveStep>,
}

impl Planner<'_> {
    fn add(&mut self, phase: Phase, millis: i64, write: Write) {
        self.steps.push_back(LiveStep {
            phase,
            millis,
            note: None,
            write,
        });
    }

    fn note(&mut self, note: impl Into<String>) {
        if let Some(step) = self.steps.back_mut() {
            step.note = Some(note.into());
        }
    }

    fn launcher(&mut self) {
        let early = self.run.start - 900;
        let text = binding(self.run);
        self.add(
            Phase::Queued,
            early,
            Write::File("testCaseBinding".to_owned(), text.into_bytes()),
        );
        let text = execution_properties(self.run, self.folder);
        self.add(
            Phase::Queued,
            early,
            Write::File("execution.properties".to_owned(), text.into_bytes()),
        );
        self.note("the launcher makes the run's folder: testCaseBinding, execution.properties");
    }

    fn log(&mut self) {
        let early = self.run.start - 50;
        if self.run.generation.is_10_2() {
            self.add(
                Phase::Running,
                early,
                Write::File("console0.log".to_owned(), Vec::new()),
            );
        }

        self.add(
            Phase::Running,
            early,
            Write::File("execution0.log.lck".to_owned(), Vec::new()),
        );
        self.add(
            Phase::Running,
            early,
            Write::Append("execution0.log".to_owned(), HEADER.into()),
        );
        self.note("the test process opens execution0.log");
        let script = self.script;

        for (at, entry) in script.entries.iter().enumerate() {
            if self.run.rotation.contains(&at) {
                let parts = self
                    .run
                    .rotation
                    .iter()
                    .filter(|boundary| **boundary <= at)
                    .count();
                self.rotate(parts, entry.record.millis);
            }
            self.entry(entry);
        }
    }

    /// A record, and what comes with it.
    fn entry(&mut self, entry: &Entry) {
        let (run, record) = (self.run, &entry.record);
        if let Some((name, bytes)) = &entry.picture {
            self.add(
                Phase::Running,
                record.millis - 3,
                Write::File(name.clone(), bytes.clone()),
            );
        }

        let last = record.method == "endSuite";
        if last && !run.generation.is_10_2() {
            self.reports(Phase::Ended, record.millis - 5);
        }

        let phase = if last { Phase::Ended } else { Phase::Running };

        if let Some(line) = console_line(run, record.millis, record.method, &record.message)
            && run.generation.is_10_2()
        {
            self.add(
                phase,
                record.millis,
                Write::Append("console0.log".to_owned(), line.into_bytes()),
            );
        }

        let text = record.to_xml(run.generation, &run.zone);
        self.add(
            phase,
            record.millis,
            Write::Append("execution0.log".to_owned(), text.into_bytes()),
        );

        if let Some(note) = &entry.note {
            self.note(note.clone());
        }
    }

    /// Closes the newest part and moves all parts one number up.
    fn rotate(&mut self, parts: usize, millis: i64) {
        self.add(
            Phase::Running,
            millis,
            Write::Append("execution0.log".to_owned(), FOOTER.into()),
        );
        for part in (0..parts).rev() {
            let (from, to) = (
                format!("execution{part}.log"),
                format!("execution{}.log", part + 1),
            );
            self.add(Phase::Running, millis, Write::Rename(from, to));
        }

        self.add(
            Phase::Running,
            millis,
            Write::Append("execution0.log".to_owned(), HEADER.into()),
        );
        self.note("the log is rotated");
    }

    fn reports(&mut self, phase: Phase, millis: i64) {
        for kind in self.run.reports.clone() {
            let name = format!("{}.{kind}", self.run.run_stamp());
            self.add(
                phase,
                millis,
                Write::File(name, report(self.run, self.script, kind)),
            );
        }
        if !self.run.reports.is_empty() {
            self.note(format!("reports: {}", self.run.reports.join(", ")));
        }
    }

    fn afterwards(&mut self) {
        let end = self.script.end;
        self.add(
            Phase::Closed,
            end + 40,
            Write::Append("execution0.log".to_owned(), FOOTER.into()),
        );

        if !self.run.stale_lock {
            self.add(
                Phase::Closed,
                end + 45,
                Write::Remove("execution0.log.lck".to_owned()),
            );
        }

        self.note("the test process closes the log");
        let collection = self.run.collection.clone().into_bytes();
        self.add(
            Phase::Finished,
            end + 400,
            Write::File("tsc_id.txt".to_owned(), collection),
        );
        let uuid = self.run.execution_uuid().into_bytes();
        self.add(
            Phase::Finished,
            end + 450,
            Write::File("execution.uuid".to_owned(), uuid),
        );
        if self.run.generation.is_10_2() {
            self.reports(Phase::Finished, end + 600);
        }

        let text = junit(self.run, self.script, self.folder);
        self.add(
            Phase::Finished,
            end + 800,
            Write::File("JUnit_Report.xml".to_owned(), text.into_bytes()),
        );
        self.note("the launcher writes JUnit_Report.xml: the run is complete");
    }
}
