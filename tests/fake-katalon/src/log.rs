//! Plays a described run through: the records of its log in order, with the times the reports need.

mod steps;
mod test;
mod words;

use crate::model::Status;
use crate::png::png;
use crate::record::Record;
use crate::run::SuiteRunWriter;

/// A run, played through.
pub(crate) struct Script {
    pub entries: Vec<Entry>,
    pub executed: Vec<Executed>,
    /// Run data of the suite, last value wins.
    pub run_data: Vec<(String, String)>,
    pub end: i64,
    /// Whether the suite came to its end record.
    pub ended: bool,
}

/// A record with what happens just before it is written.
pub(crate) struct Entry {
    pub record: Record,
    /// A picture that the record refers to.
    pub picture: Option<(String, Vec<u8>)>,
    /// What a bystander would say.
    pub note: Option<String>,
}

/// An attempt with its times.
pub(crate) struct Executed {
    /// Position of the test among the planned ones.
    pub test: usize,
    pub last: bool,
    pub status: Status,
    /// Text of the deciding record; `None` while open.
    pub text: Option<String>,
    pub start: i64,
    pub end: i64,
    pub steps: Vec<ExecutedStep>,
}

/// A step of the test itself with its times.
pub(crate) struct ExecutedStep {
    pub action: String,
    pub status: Status,
    pub message: String,
    pub start: i64,
    pub end: i64,
}

/// Plays the run.
pub(crate) fn play(run: &SuiteRunWriter, project: &str) -> Script {
    let mut player = Player::new(run, project);
    player.start_suite();

    for (at, test) in run.tests.iter().enumerate() {
        player.test(at, test);
        if !player.script.ended {
            break;
        }
    }

    if player.script.ended {
        player.wait(9);
        player.push(
            "END",
            "endSuite",
            &format!("End Test Suite : {}", run.suite),
            &[],
        );
        player.note(format!("the suite {} ends", run.suite_name()));
    }

    player.script.end = player.now;

    player.script
}

/// The player's place in the run.
pub(crate) struct Player<'a> {
    run: &'a SuiteRunWriter,
    /// The project's folder as the executing machine saw it.
    project: &'a str,
    script: Script,
    now: i64,
    sequence: u64,
    nested: u32,
}

impl<'a> Player<'a> {
    fn new(run: &'a SuiteRunWriter, project: &'a str) -> Self {
        let script = Script {
            entries: Vec::new(),
            executed: Vec::new(),
            run_data: Vec::new(),
            end: 0,
            ended: true,
        };
        Self {
            run,
            project,
            script,
            now: run.start,
            sequence: 0,
            nested: 0,
        }
    }

    fn wait(&mut self, millis: i64) {
        self.now += millis;
    }

    /// Adds a record; properties in the order given.
    fn push(
        &mut self,
        level: &'static str,
        method: &'static str,
        message: &str,
        properties: &[(&str, &str)],
    ) {
        let properties = properties
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        let record = Record {
            millis: self.now,
            sequence: self.sequence,
            level,
            method,
            message: message.to_owned(),
            exception: None,
            nested: self.nested,
            properties,
        };

        self.script.entries.push(Entry {
            record,
            picture: None,
            note: None,
        });

        // Other loggers take numbers too: the log's own ones have gaps.
        self.sequence += if matches!(method, "startTest" | "startKeyword") {
            2
        } else {
            1
        };
    }

    /// Says what the last record means.
    fn note(&mut self, note: String) {
        if let Some(entry) = self.script.entries.last_mut() {
            entry.note = Some(note);
        }
    }

    fn run_data(&mut self, name: &str, value: &str) {
        self.wait(1);
        self.push(
            "RUN_DATA",
            "logMessage",
            &format!("{name} = {value}"),
            &[(name, value)],
        );

        match self
            .script
            .run_data
            .iter_mut()
            .find(|(known, _)| known == name)
        {
            Some((_, old)) => value.clone_into(old),
            None => self
                .script
                .run_data
                .push((name.to_owned(), value.to_owned())),
        }
    }

    fn start_suite(&mut self) {
        let run = self.run;
        let retries = run.retries.to_string();
        let properties = [
            (
                "rerunTestFailImmediately",
                if run.retries > 0 { "true" } else { "false" },
            ),
            ("retryCount", retries.as_str()),
            ("name", run.suite_name()),
            ("description", ""),
            ("id", run.suite.as_str()),
        ];

        self.push(
            "START",
            "startSuite",
            &format!("Start Test Suite : {}", run.suite),
            &properties,
        );
        self.note(format!("the suite {} starts", run.suite_name()));

        if run.generation.is_10_2() {
            self.run_data("userFullName", &run.user);
            self.run_data("projectName", &run.project_name);
        }

        self.run_data("hostName", &run.host_name());
        self.run_data("os", &run.os);
        self.run_data("hostAddress", "127.0.0.1");
        self.run_data("katalonVersion", &run.generation.full_version());
    }

    /// Takes a picture just before the next record is written.
    fn picture(&mut self) -> (String, Vec<u8>) {
        self.wait(4);
        let name = format!("{}.png", self.now);
        self.wait(3);

        (name, png(self.now as u64))
    }
}
