//! The methods that describe a run.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::{Ending, SuiteRunWriter};
use crate::damage::Damage;
use crate::generation::Generation;
use crate::model::Test;

/// Generates builder methods that set one field from a text.
macro_rules! texts {
    ($($(#[$doc:meta])* $name:ident => $field:ident;)*) => {
        $($(#[$doc])* #[must_use] pub fn $name(mut self, value: &str) -> Self {
            value.clone_into(&mut self.$field);
            self
        })*
    };
}

impl SuiteRunWriter {
    /// A run of a suite (`Test Suites/…`) without tests: 11.x, Chrome on Windows 11, UTC, 6 May
    /// 2026.
    pub fn new(suite: &str) -> Self {
        Self {
            suite: suite.to_owned(),
            generation: Generation::V11,
            start: 1_778_055_302_117,
            zone: TimeZone::UTC,
            session: None,
            stamp: None,
            user: "tester".to_owned(),
            host: "AGENT-01".to_owned(),
            os: "Windows 11 64bit".to_owned(),
            configuration: "Chrome".to_owned(),
            browser: "Chrome 148.0.7778.97".to_owned(),
            profile: "default".to_owned(),
            tests: Vec::new(),
            retries: 0,
            pace: 180,
            uuid: None,
            reports: vec!["html", "csv"],
            info: Vec::new(),
            console: false,
            collection: String::new(),
            run_data: Vec::new(),
            project_name: "Shop".to_owned(),
            recorded_dir: None,
            ending: Ending::Normal,
            rotation: Vec::new(),
            damage: Vec::new(),
            stale_lock: false,
        }
    }

    texts! {
        /// Sets the user before the host's name.
        user => user;
        /// Sets the host's name; the log says `<user> - <host>`.
        host => host;
        /// Sets the operating system, for instance `Mac OS X 64bit`.
        os => os;
        /// Sets the run configuration, for instance `Chrome (headless)`, `Firefox`, or nothing for
        /// a web service.
        configuration => configuration;
        /// Sets the browser with its version; empty: no browser is opened.
        browser => browser;
        /// Sets the execution profile.
        profile => profile;
        /// Sets the project's name.
        project_name => project_name;
        /// Names the collection that the run is a member of.
        member_of => collection;
    }

    /// Sets the version of Katalon.
    #[must_use]
    pub fn generation(mut self, generation: Generation) -> Self {
        self.generation = generation;
        self
    }

    /// Sets the instant of the suite's first record.
    #[must_use]
    pub fn start(mut self, start: Timestamp) -> Self {
        self.start = start.as_millisecond();
        self
    }

    /// Sets the time zone of the machine.
    #[must_use]
    pub fn zone(mut self, zone: TimeZone) -> Self {
        self.zone = zone;
        self
    }

    /// Sets the instants that the session's and the run's folder are named after; default: 3 s
    /// before the start.
    #[must_use]
    pub fn stamps(mut self, session: Timestamp, run: Timestamp) -> Self {
        self.session = Some(session.as_millisecond());
        self.stamp = Some(run.as_millisecond());
        self
    }

    /// Adds a test.
    #[must_use]
    pub fn test(mut self, test: Test) -> Self {
        self.tests.push(test);
        self
    }

    /// Adds tests.
    #[must_use]
    pub fn tests(mut self, tests: impl IntoIterator<Item = Test>) -> Self {
        self.tests.extend(tests);
        self
    }

    /// Sets how often the suite repeats a failed test at once; the attempts of the tests are as
    /// given.
    #[must_use]
    pub fn retries(mut self, count: u32) -> Self {
        self.retries = count;
        self
    }

    /// Sets how long a step takes.
    #[must_use]
    pub fn pace(mut self, millis: u32) -> Self {
        self.pace = millis;
        self
    }

    /// Sets `execution.uuid`.
    #[must_use]
    pub fn uuid(mut self, uuid: &str) -> Self {
        self.uuid = Some(uuid.to_owned());
        self
    }

    /// Sets the reports beside JUnit: any of `html`, `csv`, `pdf`.
    #[must_use]
    pub fn reports(mut self, kinds: &[&'static str]) -> Self {
        self.reports = kinds.to_vec();
        self
    }

    /// Adds a `--info -key=value` of the command line; the run becomes one of the console.
    #[must_use]
    pub fn info(mut self, key: &str, value: &str) -> Self {
        self.info.push((key.to_owned(), value.to_owned()));
        self.console = true;
        self
    }

    /// Makes it a run of the console mode.
    #[must_use]
    pub fn console(mut self) -> Self {
        self.console = true;
        self
    }

    /// Adds a datum to the run data when the browser or device is opened, for instance `deviceOS`.
    #[must_use]
    pub fn run_data(mut self, name: &str, value: &str) -> Self {
        self.run_data.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Sets the project's folder as the executing machine saw it; default: where it is written.
    #[must_use]
    pub fn recorded_project_dir(mut self, dir: &str) -> Self {
        self.recorded_dir = Some(dir.to_owned());
        self
    }

    /// Sets how far the run comes when it is written at once.
    #[must_use]
    pub fn ending(mut self, ending: Ending) -> Self {
        self.ending = ending;
        self
    }

    /// Splits the log: a new part begins after so many records. Call it again for more parts.
    #[must_use]
    pub fn rotate_after(mut self, records: usize) -> Self {
        self.rotation.push(records);
        self.rotation.sort_unstable();
        self
    }

    /// Damages the log after it is written at once.
    #[must_use]
    pub fn damage(mut self, damage: Damage) -> Self {
        self.damage.push(damage);
        self
    }

    /// Leaves `execution0.log.lck` behind.
    #[must_use]
    pub fn stale_lock(mut self) -> Self {
        self.stale_lock = true;
        self
    }
}
