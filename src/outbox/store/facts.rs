//! Single facts.

use rusqlite::{OptionalExtension as _, params};
use serde::{Deserialize, Serialize};

use crate::moment::Moment;
use crate::outbox::store::{Store, StoreError};
use crate::watch::ToldWatchProblem;
use crate::worked_tokens::WorkedToken;

/// When kado first saw this machine: what ended before is history.
const FIRST_SEEN: &str = "first_seen_ms";
/// Why the service polls folders.
const POLLED: &str = "polled";
/// What the service does not see of the watched folders, as JSON.
const WATCH_PROBLEMS: &str = "watch_problems";
/// How many projects the last sweep found.
const PROJECTS: &str = "projects";
/// Which tokens worked from when until when, as JSON.
const WORKED_TOKENS: &str = "worked_tokens";
/// The service that was started last.
const SERVICE: &str = "service";
/// Parts of that service that failed while it goes on, as JSON.
const FAILED_PARTS: &str = "failed_parts";

/// What the service says of itself when it starts, as JSON in the database.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(crate) struct ServiceFacts {
    /// Its version, which may be another one than that of who reads this.
    pub version: String,
    /// The machine that it runs on.
    pub host: String,
    /// The account that it runs as.
    pub account: String,
    /// When it started.
    pub started: Moment,
}

impl Store {
    /// When kado first saw this machine; the first call decides.
    ///
    /// # Errors
    /// When the database fails, and when what is stored is no time: any guess would submit old runs
    /// or lose new ones.
    pub(crate) fn first_seen(&mut self, now: Moment) -> Result<Moment, StoreError> {
        // Written first and read back, so that two processes that begin at once agree on one.
        self.connection.execute(
            "INSERT INTO fact (name, value) VALUES (?1, ?2) ON CONFLICT DO NOTHING",
            params![FIRST_SEEN, now.millis().to_string()],
        )?;

        first_seen_in(self.fact(FIRST_SEEN)?.unwrap_or_default())
    }

    /// When kado first saw this machine; `None` when it has not looked yet.
    ///
    /// # Errors
    /// As [`Store::first_seen`].
    pub(crate) fn known_first_seen(&self) -> Result<Option<Moment>, StoreError> {
        self.fact(FIRST_SEEN)?.map(first_seen_in).transpose()
    }

    /// Records that kado first saw this machine at another time than was recorded: the clock was
    /// set back.
    ///
    /// # Errors
    /// When the database fails.
    pub(crate) fn saw_first(&mut self, at: Moment) -> Result<(), StoreError> {
        self.set_fact(FIRST_SEEN, Some(&at.millis().to_string()))
    }

    /// Why the service polls folders instead of watching them; `None` when it watches all.
    ///
    /// # Errors
    /// When the database fails.
    pub(crate) fn polled(&self) -> Result<Option<String>, StoreError> {
        self.fact(POLLED)
    }

    /// Records why the service polls folders.
    ///
    /// # Errors
    /// When the database fails.
    pub(crate) fn note_polled(&mut self, reason: Option<&str>) -> Result<(), StoreError> {
        self.set_fact(POLLED, reason)
    }

    /// The service that was started last; it need not run any more. `None` when none ever was, and
    /// when what it said is not understood, for nothing depends on it.
    ///
    /// # Errors
    /// When the database fails.
    pub(crate) fn service(&self) -> Result<Option<ServiceFacts>, StoreError> {
        let stored = self.fact(SERVICE)?;
        Ok(stored.and_then(|json| serde_json::from_str(&json).ok()))
    }

    /// Records what the service that starts says of itself. Nothing of it has failed yet.
    ///
    /// # Errors
    /// When the database fails.
    pub(crate) fn note_service(&mut self, service: &ServiceFacts) -> Result<(), StoreError> {
        let json = serde_json::to_string(service)?;
        self.set_fact(FAILED_PARTS, None)?;
        self.set_fact(SERVICE, Some(&json))
    }

    /// The parts of the service that failed while it goes on, in words.
    ///
    /// # Errors
    /// When the database fails, or when what is stored cannot be read.
    pub(crate) fn failed_parts(&self) -> Result<Vec<String>, StoreError> {
        match self.fact(FAILED_PARTS)? {
            Some(parts) => Ok(serde_json::from_str(&parts)?),
            None => Ok(Vec::new()),
        }
    }

    /// Records that a part of the service failed while it goes on.
    ///
    /// # Errors
    /// When the database fails.
    pub(crate) fn note_failed_part(&mut self, part: &str) -> Result<(), StoreError> {
        let mut parts = self.failed_parts()?;
        parts.push(part.to_owned());
        self.set_fact(FAILED_PARTS, Some(&serde_json::to_string(&parts)?))
    }

    /// How many Katalon projects the last sweep found; `None` before the first one, and when what
    /// is stored is no number, for nothing depends on it.
    ///
    /// # Errors
    /// When the database fails.
    pub(crate) fn projects(&self) -> Result<Option<usize>, StoreError> {
        let stored = self.fact(PROJECTS)?;
        Ok(stored.and_then(|count| count.parse().ok()))
    }

    /// Records how many Katalon projects a sweep found.
    ///
    /// # Errors
    /// When the database fails.
    pub(crate) fn note_projects(&mut self, count: usize) -> Result<(), StoreError> {
        self.set_fact(PROJECTS, Some(&count.to_string()))
    }

    /// What the last sweep did not see of the watched folders.
    ///
    /// # Errors
    /// When the database fails, or when what is stored cannot be read.
    pub(crate) fn watch_problems(&self) -> Result<Vec<ToldWatchProblem>, StoreError> {
        match self.fact(WATCH_PROBLEMS)? {
            Some(problems) => Ok(serde_json::from_str(&problems)?),
            None => Ok(Vec::new()),
        }
    }

    /// Records what the last sweep did not see of the watched folders.
    ///
    /// # Errors
    /// When the database fails.
    pub(crate) fn note_watch_problems(
        &mut self,
        problems: &[ToldWatchProblem],
    ) -> Result<(), StoreError> {
        let json = serde_json::to_string(problems)?;
        self.set_fact(WATCH_PROBLEMS, (!problems.is_empty()).then_some(&*json))
    }

    /// Which tokens worked from when until when; none when what is stored is not understood, for
    /// nothing but words depends on it.
    ///
    /// # Errors
    /// When the database fails.
    pub(crate) fn worked_tokens(&self) -> Result<Vec<WorkedToken>, StoreError> {
        let stored = self.fact(WORKED_TOKENS)?;
        let tokens = stored.and_then(|json| serde_json::from_str(&json).ok());
        Ok(tokens.unwrap_or_default())
    }

    /// Records which tokens worked from when until when.
    ///
    /// # Errors
    /// When the database fails.
    pub(crate) fn note_worked_tokens(&mut self, tokens: &[WorkedToken]) -> Result<(), StoreError> {
        let json = serde_json::to_string(tokens)?;
        self.set_fact(WORKED_TOKENS, Some(&json))
    }

    fn fact(&self, name: &str) -> Result<Option<String>, StoreError> {
        Ok(self
            .connection
            .query_row("SELECT value FROM fact WHERE name = ?1", [name], |row| {
                row.get("value")
            })
            .optional()?)
    }

    fn set_fact(&self, name: &str, value: Option<&str>) -> Result<(), StoreError> {
        match value {
            Some(value) => self.connection.execute(
                "INSERT INTO fact (name, value) VALUES (?1, ?2)
                 ON CONFLICT (name) DO UPDATE SET value = excluded.value",
                params![name, value],
            )?,
            None => self
                .connection
                .execute("DELETE FROM fact WHERE name = ?1", [name])?,
        };
        Ok(())
    }
}

/// Reads when kado first saw this machine.
fn first_seen_in(text: String) -> Result<Moment, StoreError> {
    match text.parse() {
        Ok(millis) => Ok(Moment::from_millis(millis)),
        Err(_) => Err(StoreError::Fact {
            name: FIRST_SEEN,
            value: text,
        }),
    }
}
