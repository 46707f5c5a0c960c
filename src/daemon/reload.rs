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

/// How long a file must have been as it is before it counts.
const SETTLED: Duration = Duration::from_secs(2);

/// The configuration in force, and the file that it follows.
pub(crate) struct FollowedConfig {
    config: watch::Sender<Arc<Config>>,
    file: Option<PathBuf>,
    /// The text that was loaded last, or refused; `None` without a file.
    text: Option<String>,
    last_look: ConfigLook,
    is_settling: bool,
}

/// How a file was at the last look, and since when: somebody may be writing it, and half a file can
/// be a good one.
#[derive(Default)]
struct ConfigLook {
    text: Option<String>,
    since: Option<Moment>,
}

impl FollowedConfig {
    /// Follows a file, if there is one, from how it is now; others hear of changes through
    /// `config`.
    ///
    /// # Errors
    /// When the program is ending.
    pub(crate) async fn new(
        config: watch::Sender<Arc<Config>>,
        file: Option<PathBuf>,
    ) -> Result<Self, Stopped> {
        let text = match file.clone() {
            Some(file) => blocking(move || paths::text_of(&file)).await?,
            None => None,
        };

        Ok(Self {
            config,
            file,
            text,
            last_look: ConfigLook::default(),
            is_settling: false,
        })
    }

    /// The file that is followed.
    pub(crate) fn file(&self) -> Option<PathBuf> {
        self.file.clone()
    }

    /// Whether the file is not what is in force, and has not been as it is for long enough.
    pub(crate) fn is_settling(&self) -> bool {
        self.is_settling
    }

    /// The configuration in force.
    pub(crate) fn current(&self) -> Arc<Config> {
        Arc::clone(&self.config.borrow())
    }

    /// Loads a changed configuration that is settled; tells whether there is a new one. A bad one
    /// is refused, once, and the old one stays.
    ///
    /// # Errors
    /// When the program is ending.
    pub(crate) async fn reload(&mut self) -> Result<bool, Stopped> {
        let Some(file) = self.file.clone() else {
            return Ok(false);
        };
        let path = file.clone();
        let text = blocking(move || paths::text_of(&path)).await?;
        self.is_settling = text != self.text && !self.last_look.see(text.as_deref(), clock::now());
        if text == self.text || self.is_settling {
            return Ok(false);
        }

        let read = blocking(move || paths::read(&file)).await?;

        // Also when it is refused below: otherwise the log would say so every second.
        self.text = text;

        match read {
            // The lock and the outbox of the other folder are in use.
            Ok(new) if new.state_dir != self.current().state_dir => {
                tracing::error!("`state_dir` changed; restart kado to use it");
                Ok(false)
            }

            Ok(new) => {
                tracing::info!("configuration changed and is loaded");
                paths::take_effect(&new);
                self.config.send_replace(Arc::new(new));
                Ok(true)
            }

            Err(error) => {
                tracing::error!(
                    %error,
                    "configuration changed and cannot be used; the old one stays"
                );
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
        tracing::info!(
            watch = watch.join(", "),
            state = %config.state_dir.display(),
            submits = in_words(&config),
            "kado {} watches",
            env!("CARGO_PKG_VERSION")
        );

        for warning in &config.warnings {
            tracing::warn!(warning, "kado.toml");
        }
    }
}

impl ConfigLook {
    /// Takes note of how the file is; tells whether it has been so for long enough. A clock that
    /// was set back puts nothing off.
    fn see(&mut self, text: Option<&str>, now: Moment) -> bool {
        if let Some(since) = self.since
            && self.text.as_deref() == text
        {
            return now.since(since) >= SETTLED || now < since;
        }

        self.text = text.map(str::to_owned);
        self.since = Some(now);
        false
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

    const HALF: Option<&str> = Some("watch = []");
    const WHOLE: Option<&str> = Some("watch = []\n[submit]\n");

    fn at(millis: i64) -> Moment {
        Moment::from_millis(millis)
    }

    #[test]
    fn a_file_counts_when_it_has_been_as_it_is_for_two_seconds() {
        let mut last_look = ConfigLook::default();

        assert!(!last_look.see(HALF, at(10_000)));
        assert!(!last_look.see(WHOLE, at(11_900)), "it is being written");
        assert!(!last_look.see(WHOLE, at(13_800)));
        assert!(last_look.see(WHOLE, at(13_900)));
    }

    #[test]
    fn a_clock_that_was_set_back_puts_nothing_off() {
        let mut last_look = ConfigLook::default();
        last_look.see(WHOLE, at(11_900));

        assert!(last_look.see(WHOLE, at(5_000)));
    }
}
