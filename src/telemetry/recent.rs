//! The last warnings and errors of this process, for whoever looks at the service: a ring, so that
//! neither their number nor the length of one makes it grow.

use std::collections::VecDeque;
use std::fmt::{self, Write as _};
use std::sync::{Arc, Mutex};

use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;

use crate::clock;
use crate::foreign;
use crate::locked::locked;
use crate::moment::Moment;

/// Warnings that are kept.
const MOST: usize = 50;
/// Characters of one that are kept.
const LONGEST: usize = 2000;

/// The last warnings and errors, the newest last; clones share them.
#[derive(Clone, Default)]
pub(crate) struct RecentWarnings(Arc<Mutex<VecDeque<RecentWarning>>>);

/// One of them.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct RecentWarning {
    pub at: Moment,
    /// `warning` or `error`.
    pub level: &'static str,
    /// The sentence with its fields, in one line without controls.
    pub text: String,
}

impl RecentWarnings {
    /// What is kept just now.
    pub(crate) fn all(&self) -> Vec<RecentWarning> {
        locked(&self.0).iter().cloned().collect()
    }

    /// Keeps what is logged from now on.
    pub(super) fn layer<S: Subscriber>(&self) -> Box<dyn Layer<S> + Send + Sync> {
        self.clone().boxed()
    }

    fn keep(&self, warning: RecentWarning) {
        let mut kept = locked(&self.0);
        if kept.len() == MOST {
            kept.pop_front();
        }
        kept.push_back(warning);
    }
}

impl<S: Subscriber> Layer<S> for RecentWarnings {
    fn on_event(&self, event: &Event<'_>, _context: Context<'_, S>) {
        let level = match *event.metadata().level() {
            Level::ERROR => "error",
            Level::WARN => "warning",
            _ => return,
        };

        let mut line = RecentLine::default();
        event.record(&mut line);
        let text = format!("{}{}", line.sentence, line.fields);
        self.keep(RecentWarning {
            at: clock::now(),
            level,
            text: text.chars().take(LONGEST).collect(),
        });
    }
}

/// The sentence of an event, and its fields behind it.
#[derive(Default)]
struct RecentLine {
    sentence: String,
    fields: String,
}

impl Visit for RecentLine {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let value = format!("{value:?}");
        let value = foreign::one_line(&value);

        // Writing to a text does not fail.
        let _ = match field.name() {
            "message" => write!(self.sentence, "{value}"),
            name => write!(self.fields, " · {name}: {value}"),
        };
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.record_debug(field, &format_args!("{value}"));
    }
}

#[cfg(test)]
mod tests {
    use tracing_subscriber::layer::SubscriberExt as _;

    use super::*;

    /// What is kept of these events.
    fn kept(events: impl FnOnce()) -> Vec<RecentWarning> {
        let recent = RecentWarnings::default();
        let subscriber = tracing_subscriber::registry().with(recent.layer());
        tracing::subscriber::with_default(subscriber, events);
        recent.all()
    }

    #[test]
    fn warnings_and_errors_are_kept_in_a_line_each_and_nothing_else() {
        let kept = kept(|| {
            tracing::info!("all is well");
            tracing::warn!(folder = %"/w\nforged", files = 2, "the spool is full");
            tracing::error!("nothing can be recorded");
        });

        let lines: Vec<_> = kept
            .iter()
            .map(|warning| format!("{}: {}", warning.level, warning.text))
            .collect();
        insta::assert_snapshot!(lines.join("\n"), @r"
        warning: the spool is full · folder: /w\nforged · files: 2
        error: nothing can be recorded
        ");
    }

    #[test]
    fn however_many_there_are_the_last_ones_are_kept_and_none_is_long() {
        let kept = kept(|| {
            for number in 0..100 {
                tracing::warn!(number, text = "x".repeat(10_000), "again");
            }
        });

        assert_eq!(kept.len(), MOST);
        assert!(kept[MOST - 1].text.contains("number: 99"), "{:?}", kept[0]);
        for warning in &kept {
            assert!(warning.text.chars().count() <= LONGEST);
        }
    }
}
