//! Which runs `kado runs` lists.

use std::str::FromStr;

use clap::{Args, ValueEnum};
use jiff::Span;
use jiff::civil::Date;

use crate::cli::error::UsageError;
use crate::cli::terminal::Times;
use crate::clock;
use crate::moment::Moment;
use crate::outbox::submission::{SubmissionState, SubmissionSummary};

/// Options that narrow the list.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "Which runs are listed")]
#[group(id = "filter")]
pub(super) struct Filter {
    /// Those in this state; may be repeated
    #[arg(long, value_name = "STATE", value_delimiter = ',')]
    state: Vec<StateName>,
    /// Those of projects whose name contains this, in any case of letters
    #[arg(long, value_name = "NAME")]
    project: Option<String>,
    /// Those of suites whose id contains this, in any case of letters
    #[arg(long, value_name = "NAME")]
    suite: Option<String>,
    /// Those that ended since then: an instant, a day such as 2026-01-31, or a span such as 3d
    #[arg(long, value_name = "WHEN")]
    since: Option<Since>,
    /// The newest ones, no more than this
    #[arg(long, value_name = "NUMBER")]
    limit: Option<usize>,
}

/// A state as it is written on the command line.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
enum StateName {
    /// Waits for its turn
    Pending,
    /// Is being sent
    Submitting,
    /// Everything is in Azure DevOps
    Submitted,
    /// Needs a person
    Parked,
    /// Is not submitted
    Ignored,
}

impl StateName {
    const fn state(self) -> SubmissionState {
        match self {
            Self::Pending => SubmissionState::Pending,
            Self::Submitting => SubmissionState::Submitting,
            Self::Submitted => SubmissionState::Submitted,
            Self::Parked => SubmissionState::Parked,
            Self::Ignored => SubmissionState::Ignored,
        }
    }
}

/// A beginning in time, as it was written.
#[derive(Clone, Debug)]
pub(super) enum Since {
    Instant(Moment),
    Day(Date),
    /// So long before now.
    Span(Span),
}

/// A text is no beginning in time.
#[derive(Debug, thiserror::Error)]
#[error(
    "it must be an instant such as 2026-01-31T08:00:00Z, a day such as 2026-01-31, or a span such \
     as 3d or 12h"
)]
pub(super) struct NoTime;

impl FromStr for Since {
    type Err = NoTime;

    fn from_str(text: &str) -> Result<Self, NoTime> {
        if let Ok(moment) = Moment::parse(text) {
            return Ok(Self::Instant(moment));
        }
        // A day alone, and no time without an offset: nobody would know which time is meant.
        if let Ok(day) = Date::strptime("%Y-%m-%d", text) {
            return Ok(Self::Day(day));
        }

        match text.parse::<Span>() {
            Ok(span) if !span.is_negative() && !span.is_zero() => Ok(Self::Span(span)),
            _ => Err(NoTime),
        }
    }
}

impl Since {
    /// Leaves the rows whose runs ended since then; their order stays.
    ///
    /// # Errors
    /// When a span leads out of the calendar.
    pub(super) fn retain(
        &self,
        rows: &mut Vec<SubmissionSummary>,
        times: &Times,
    ) -> Result<(), UsageError> {
        let since = begin(self, times, clock::now())?;
        rows.retain(|row| is_late_enough(row, Some(since)));
        Ok(())
    }
}

impl Filter {
    /// Leaves those rows that are wanted; their order stays.
    ///
    /// # Errors
    /// When a span leads out of the calendar.
    pub(super) fn apply(
        &self,
        rows: &mut Vec<SubmissionSummary>,
        times: &Times,
    ) -> Result<(), UsageError> {
        let since = match &self.since {
            Some(since) => Some(begin(since, times, clock::now())?),
            None => None,
        };

        rows.retain(|row| self.lets_through(row, since));
        rows.truncate(self.limit.unwrap_or(usize::MAX));
        Ok(())
    }

    fn lets_through(&self, row: &SubmissionSummary, since: Option<Moment>) -> bool {
        let is_in_state =
            self.state.is_empty() || self.state.iter().any(|name| name.state() == row.state);

        is_in_state
            && is_late_enough(row, since)
            && contains(&row.project, self.project.as_deref())
            && contains(&row.suite, self.suite.as_deref())
    }

    /// What stands in the place of a list without rows.
    pub(super) fn nothing(&self) -> &'static str {
        match self.given() {
            Some(_) => "No run is like that; `kado runs` lists all.",
            None => "No run is known yet.",
        }
    }

    /// The first of these options that was given.
    pub(super) fn given(&self) -> Option<&'static str> {
        let options = [
            ("--state", !self.state.is_empty()),
            ("--project", self.project.is_some()),
            ("--suite", self.suite.is_some()),
            ("--since", self.since.is_some()),
            ("--limit", self.limit.is_some()),
        ];
        let given = options.into_iter().find(|(_, is_given)| *is_given);
        given.map(|(name, _)| name)
    }
}

/// Refuses an option of the list beside a command that lists nothing.
///
/// # Errors
/// With the name of the option.
pub(super) fn refuse_beside_action(option: Option<&str>) -> Result<(), UsageError> {
    match option {
        Some(name) => Err(UsageError(format!(
            "`{name}` goes with the list of runs alone, as in `kado runs {name}`"
        ))),
        None => Ok(()),
    }
}

/// A run of which no time is known is not hidden by one.
fn is_late_enough(row: &SubmissionSummary, since: Option<Moment>) -> bool {
    match (since, row.ended.or(row.started)) {
        (Some(since), Some(ended)) => ended >= since,
        _ => true,
    }
}

/// Whether a name contains what is looked for, if anything is.
fn contains(name: &str, wanted: Option<&str>) -> bool {
    wanted.is_none_or(|wanted| name.to_lowercase().contains(&wanted.to_lowercase()))
}

fn begin(since: &Since, times: &Times, now: Moment) -> Result<Moment, UsageError> {
    let begin = match since {
        Since::Instant(moment) => Some(*moment),
        Since::Day(day) => times.begin_of(*day),
        Since::Span(span) => times.before(now, *span),
    };
    begin.ok_or_else(|| UsageError("`--since` lies outside the calendar".to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_beginning_is_an_instant_a_day_or_a_span() {
        let now = Moment::parse("2026-05-25T12:00:00Z").unwrap();
        let begin_of = |text: &str| {
            let since = text.parse().ok()?;
            Some(begin(&since, &Times::utc(), now).ok()?.to_string())
        };

        assert_eq!(
            begin_of("2026-05-24 10:00:00+02:00").as_deref(),
            Some("2026-05-24T08:00:00.000Z")
        );
        assert_eq!(
            begin_of("2026-05-24").as_deref(),
            Some("2026-05-24T00:00:00.000Z")
        );
        assert_eq!(begin_of("3d").as_deref(), Some("2026-05-22T12:00:00.000Z"));
        assert_eq!(
            begin_of("1h 30m").as_deref(),
            Some("2026-05-25T10:30:00.000Z")
        );
        for wrong in ["", "soon", "-3d", "0s", "2026-05-24T10:00:00", "3"] {
            assert_eq!(begin_of(wrong), None, "{wrong}");
        }
    }
}
