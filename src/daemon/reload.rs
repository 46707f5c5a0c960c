//! Follows `kado.toml`: a changed file is loaded without a restart, a bad one is refused and the old one stays.

use std::path::PathBuf;
use std::sync::Arc;

use tokio::sync::watch;

use crate::blocking::{Stopped, blocking};
use crate::config::{Config, paths};
use crate::discovery::eligibility::{History, RunsFrom};

/// The configuration in force, and the file that it follows.
pub struct Following {
    config: watch::Sender<Arc<Config>>,
    file: Option<PathBuf>,
    /// How the file was when it was looked at last.
    text: Option<String>,
}

impl Following {
    /// Follows a file, if there is one, from how it is now; others hear of changes through `config`.
    ///
    /// # Errors
    /// When the program is ending.
    pub async fn new(config: watch::Sender<Arc<Config>>, file: Option<PathBuf>) -> Result<Self, Stopped> {
        let read = file.clone();
        let text = blocking(move || read.as_deref().and_then(paths::text_of)).await?;
        Ok(Self { config, file, text })
    }

    /// The configuration in force.
    pub fn current(&self) -> Arc<Config> {
        Arc::clone(&self.config.borrow())
    }

    /// Loads a changed configuration; tells whether there is a new one. A bad one is refused and the old one stays.
    ///
    /// # Errors
    /// When the program is ending.
    pub async fn reload(&mut self) -> Result<bool, Stopped> {
        let Some(file) = self.file.clone() else { return Ok(false) };
        let before = self.text.clone();
        let changed = blocking(move || {
            let text = paths::text_of(&file);
            (text != before).then(|| (text, paths::read(&file)))
        });
        let Some((text, read)) = changed.await? else { return Ok(false) };
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
    pub fn announce(&self) {
        let config = self.current();
        let watch: Vec<_> = config.watch.iter().map(|folder| folder.display().to_string()).collect();
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
