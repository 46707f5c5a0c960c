//! How far sending is, on standard error, while somebody waits for it.
//!
//! At a terminal it is one line that is drawn anew and goes when all is sent; elsewhere a line
//! every while, so that the log of a pipeline shows that something goes on. The sender knows
//! nothing of it: whoever looks reads the outbox through a connection of its own.

use std::convert::Infallible;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use indicatif::{BinaryBytes, ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::blocking::blocking;
use crate::cli::plain::plain;
use crate::cli::tell::tell;
use crate::cli::terminal::Terminal;
use crate::clock::Stopwatch;
use crate::measures::{Measures, UploadMeasures};
use crate::outbox::Store;
use crate::outbox::submission::FilesSent;
use crate::telemetry::Passage;

/// How often it is looked at a terminal; what takes less is over before it is shown.
const BETWEEN_LOOKS: Duration = Duration::from_millis(400);
/// How often a line is written elsewhere.
const BETWEEN_LINES: Duration = Duration::from_secs(15);

/// A line that says how far sending is.
pub(super) struct Progress {
    /// At a terminal.
    bar: Option<ProgressBar>,
    state_dir: PathBuf,
    /// Of this process, which does not send where a service does.
    measures: Arc<Measures>,
    /// The files that were under way at the last look.
    uploads: Vec<Arc<UploadMeasures>>,
    /// Bytes of the files that came to their end.
    ended: u64,
    since_line: Stopwatch,
}

impl Progress {
    /// For work on the outbox in a state folder, on what standard error is.
    pub(super) fn new(terminal: &Terminal, state_dir: PathBuf) -> Self {
        Self {
            bar: terminal.is_capable().then(bar),
            state_dir,
            measures: Arc::default(),
            uploads: Vec::new(),
            ended: 0,
            since_line: Stopwatch::start(),
        }
    }

    /// Where the bytes have to be counted that it is to show.
    pub(super) fn measures(&self) -> Arc<Measures> {
        Arc::clone(&self.measures)
    }

    /// What lets lines of the log through without a torn line.
    pub(super) fn passage(&self) -> Option<Passage> {
        let bar = self.bar.clone()?;
        Some(Arc::new(move |write| bar.suspend(write)))
    }

    /// Shows how far it is while something is done: of these submissions, or of all.
    pub(super) async fn during<T>(
        &mut self,
        ids: Option<&[i64]>,
        work: impl Future<Output = T>,
    ) -> T {
        let done = tokio::select! {
            biased;
            done = work => done,
            never = self.go_on(ids) => match never {},
        };
        self.clear();
        done
    }

    /// Shows how far it is now.
    pub(super) async fn look(&mut self, ids: Option<&[i64]>) {
        let state_dir = self.state_dir.clone();
        let ids = ids.map(<[i64]>::to_vec);
        let looked = blocking(move || {
            let store = Store::open_to_read(&state_dir).ok().flatten()?;
            store.files_sent(ids.as_deref()).ok()
        });

        // What cannot be read is not shown; sending is not this one's business.
        if let Ok(Some(files)) = looked.await {
            self.show(files);
        }
    }

    /// Takes the line away.
    pub(super) fn clear(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }

    async fn go_on(&mut self, ids: Option<&[i64]>) -> Infallible {
        loop {
            tokio::time::sleep(BETWEEN_LOOKS).await;
            self.look(ids).await;
        }
    }

    fn show(&mut self, files: FilesSent) {
        if files.all == 0 {
            return;
        }

        let sent = self.note_uploads();
        let mut text = format!(
            "{} of {} files sent ({} of {})",
            files.sent,
            files.all,
            BinaryBytes(files.sent_bytes),
            BinaryBytes(files.all_bytes)
        );
        text.push_str(&self.largest_in_words());
        match &self.bar {
            Some(bar) => {
                bar.set_position(sent);
                if !self.uploads.is_empty() {
                    text.push_str(&format!(", {}/s", BinaryBytes(rate(bar))));
                }
                bar.set_message(text);
                bar.tick();
            }
            None if self.since_line.elapsed() >= BETWEEN_LINES => {
                self.since_line = Stopwatch::start();
                tell(&text);
            }
            None => {}
        }
    }

    /// Looks which files are under way; gives how many bytes were sent until now.
    fn note_uploads(&mut self) -> u64 {
        let now = self.measures.uploads();
        for before in &self.uploads {
            if !now.iter().any(|upload| Arc::ptr_eq(upload, before)) {
                self.ended += before.sent();
            }
        }

        self.uploads = now;
        let under_way: u64 = self.uploads.iter().map(|upload| upload.sent()).sum();
        self.ended + under_way
    }

    /// The largest file that is under way, as what goes on the longest; nothing where none is.
    fn largest_in_words(&self) -> String {
        let Some(upload) = self.uploads.iter().max_by_key(|upload| upload.size) else {
            return String::new();
        };

        format!(
            "; {}: {} of {}",
            plain(&upload.name),
            BinaryBytes(upload.sent()),
            BinaryBytes(upload.size)
        )
    }
}

/// Bytes in a second, as of late.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "people read it in MiB"
)]
fn rate(bar: &ProgressBar) -> u64 {
    bar.per_sec() as u64
}

fn bar() -> ProgressBar {
    let style = ProgressStyle::with_template("{spinner} {wide_msg}")
        .expect("the template is a constant, and a test draws it")
        // A sign for each look, the last one for the end.
        .tick_chars("|/-\\ ");
    ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr()).with_style(style)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_can_be_drawn() {
        bar().tick();
    }
}
