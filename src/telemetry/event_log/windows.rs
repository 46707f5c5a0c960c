//! Warnings and errors become entries of the Event Log.

use std::fmt::{self, Write as _};

use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;

use crate::foreign;
use crate::win32::event_log::{EventKind, write};

/// Passes warnings and errors on.
pub(super) fn layer<S: Subscriber>() -> Box<dyn Layer<S> + Send + Sync> {
    EventLog.boxed()
}

struct EventLog;

impl<S: Subscriber> Layer<S> for EventLog {
    fn on_event(&self, event: &Event<'_>, _context: Context<'_, S>) {
        let entry = match *event.metadata().level() {
            Level::ERROR => EventKind::Error,
            Level::WARN => EventKind::Warning,
            // The rest is in the log files; here it would hide what an administrator looks for.
            _ => return,
        };
        write(entry, &text(event));
    }
}

/// The sentence of an event, then each field on a line of its own.
fn text(event: &Event<'_>) -> String {
    let mut text = Text::default();
    event.record(&mut text);
    format!("{}{}", text.sentence, text.fields)
}

#[derive(Default)]
struct Text {
    sentence: String,
    fields: String,
}

impl Visit for Text {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let value = format!("{value:?}");
        let value = foreign::one_line(&value);

        // Writing to a text does not fail.
        let _ = match field.name() {
            "message" => write!(self.sentence, "{value}"),
            name => write!(self.fields, "\r\n{name}: {value}"),
        };
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.record_debug(field, &format_args!("{value}"));
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use tracing_subscriber::layer::SubscriberExt as _;

    use super::*;

    struct Collect(Arc<Mutex<Vec<String>>>);

    impl<S: Subscriber> Layer<S> for Collect {
        fn on_event(&self, event: &Event<'_>, _context: Context<'_, S>) {
            self.0.lock().unwrap().push(text(event));
        }
    }

    #[test]
    fn an_entry_is_the_sentence_and_a_line_for_each_field() {
        let entries = Arc::new(Mutex::new(Vec::new()));
        let subscriber = tracing_subscriber::registry().with(Collect(Arc::clone(&entries)));
        tracing::subscriber::with_default(subscriber, || {
            tracing::warn!(folder = %"C:\\work", files = 2, reason = "full", "the spool is full");
        });
        assert_eq!(
            *entries.lock().unwrap(),
            ["the spool is full\r\nfolder: C:\\work\r\nfiles: 2\r\nreason: full"]
        );
    }
}
