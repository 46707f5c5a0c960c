//! Follows `kado.toml`: a changed file is loaded without a restart, a bad one is refused and the
//! old one stays.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use crate::blocking::{Stopped, blocking};
use crate::clock;
use crate::config::{Config, paths};
use crate::discovery::eligibility::{History, RunsFrom};
use crate::moment::Moment;

/// The configuration in force, and the file that it follows.
pub(crate) struct Following {
    config: watch::Sender<Arc<Config>>,
    file: Option<PathBuf>,
    /// The text that was loaded last, or refused.
    text: Option<String>,
    seen: Seen,
}

/// How a file was at the last look, and since when: somebody may be writing it, and half a file can
/// be a good one.
#[derive(Default)]
struct Seen(Option<(Option<String>, Moment)>);

/// How long a file must have been as it is before it counts.
const SETTLED: Duration = Duration::from_secs(2);

impl Following {
    /// Follows a file, if there is one, from how it is now; others hear of changes through
    /// `config`.
    ///
    /// # Errors
    /// When the program is ending.
    pub(crate) async fn new(
        config: watch::Sender<Arc<Config>>,
        file: Option<PathBuf>,
    ) -> Result<Self, Stopped> {
        let read = file.clone();
        let text = blocking(move || read.as_deref().and_then(paths::text_of)).await?;
        Ok(Self {
            config,
            file,
            text,
            seen: Seen::default(),
        })
    }

    /// The configuration in force.
    pub(crate) fn current(&self) -> Arc<Config> {
        Arc::clone(&self.config.borrow())
    }

    /// Loads a changed configuration that is settled; tells whether there is a new one. A bad one
    /// is refused and the old one stays.
    ///
    /// # Errors
    /// When the program is ending.
    pub(crate) async fn reload(&mut self) -> Result<bool, Stopped> {
        let Some(file) = self.file.clone() else {
            return Ok(false);
        };
        let named = file.clone();
        let text = blocking(move || paths::text_of(&named)).await?;
        if text == self.text || !self.seen.is_settled(&text, clock::now()) {
            return Ok(false);
        }
        let read = blocking(move || paths::read(&file)).await?;
        self.text = text;
        match read {
            Ok(new) if new.state_dir != self.current().state_dir => {
                tracing::error!("`state_dir` changed; restart kado to use it");
                Ok(false)
            }
            Ok(new) => {
                tracing::info!("configuration changed and is loaded");
                self.config.send_replace(Arc::new(new));
                Ok(true)
            }
            Err(error) => {
                tracing::error!(%error, "configuration changed and cannot be used; the old one stays");
                Ok(false)
            }
        }
    }

    /// Says at the start what is watched and how.
    pub(crate) fn announce(&self) {
        let config = self.current();
        let watch: Vec<_> = config
            .watch
            .iter()
            .map(|folder| folder.display().to_string())
            .collect();
        let state = config.state_dir.display();
        tracing::info!(watch = watch.join(", "), %state, submits = in_words(&config), "kado {} watches", env!("CARGO_PKG_VERSION"));
        for warning in &config.warnings {
            tracing::warn!(warning, "kado.toml");
        }
        for key in &config.not_carried_out {
            tracing::warn!(key, "this version does not carry this key out yet");
        }
    }
}

impl Seen {
    /// Whether the file has been as it is for long enough.
    fn is_settled(&mut self, text: &Option<String>, now: Moment) -> bool {
        match &self.0 {
            Some((seen, since)) if seen == text => now.since(*since) >= SETTLED || now < *since,
            _ => {
                self.0 = Some((text.clone(), now));
                false
            }
        }
    }
}

/// Which runs are submitted, in words.
fn in_words(config: &Config) -> String {
    let history = match config.history {
        History::New => "new runs".to_owned(),
        History::All => "all runs".to_owned(),
        History::Since(since) => format!("runs since {since}"),
    };
    let from = match config.runs_from {
        RunsFrom::ThisHost => "of this machine",
        RunsFrom::Any => "of any machine",
    };
    format!("{history} {from}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_counts_when_it_has_been_as_it_is_for_two_seconds() {
        let mut seen = Seen::default();
        let at = Moment::from_millis;
        let (half, whole) = (
            Some("watch = []".to_owned()),
            Some("watch = []\n[submit]\n".to_owned()),
        );
        assert!(!seen.is_settled(&half, at(10_000)));
        assert!(!seen.is_settled(&whole, at(11_900)), "it is being written");
        assert!(!seen.is_settled(&whole, at(13_800)));
        assert!(seen.is_settled(&whole, at(13_900)));
        assert!(
            seen.is_settled(&whole, at(5_000)),
            "a clock that was set back puts nothing off"
        );
    }
}
