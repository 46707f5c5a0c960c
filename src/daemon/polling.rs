//! Says that folders are polled: once for each reason, however many folders it concerns, and once
//! when it is over.
//!
//! Which folders it concerns changes with every sweep; `kado status` knows them, the log would be
//! full of them.

use std::collections::BTreeSet;

use crate::daemon::schedule::SWEEP;
use crate::outbox::{Outbox, StoreError};
use crate::watch::hints::polled::Polled;

/// What was said of polling.
#[derive(Debug, Default)]
pub(super) struct Polling {
    /// Why folders are polled, as it is recorded for `kado status`.
    recorded: Option<String>,
    /// The reasons that stand in the log.
    logged: BTreeSet<String>,
}

/// What there is to be said.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum News {
    /// Folders are polled for a reason that was not said yet.
    Polled,
    /// Everything is watched again.
    WatchedAgain,
}

impl Polling {
    /// Nothing was said yet; `recorded` is what stands in the outbox from the last time.
    pub(super) fn new(recorded: Option<String>) -> Self {
        Self {
            recorded,
            logged: BTreeSet::new(),
        }
    }

    /// Says why folders are polled, for `kado status` and in the log, and that they no longer are.
    ///
    /// # Errors
    /// When the outbox fails.
    pub(super) async fn report(
        &mut self,
        outbox: &Outbox,
        polled: Option<Polled>,
    ) -> Result<(), StoreError> {
        let text = polled.as_ref().map(ToString::to_string);

        // First what others read: whoever saw it in the log finds it there.
        if text != self.recorded {
            let noted = text.clone();
            outbox
                .with(move |store| store.note_polled(noted.as_deref()))
                .await?;
            self.recorded.clone_from(&text);
        }

        match self.news(polled.as_ref()) {
            Some(News::Polled) => tracing::warn!(
                reason = text,
                "folders are polled every {} s instead of watched; runs in them are found later",
                SWEEP.as_secs()
            ),
            Some(News::WatchedAgain) => tracing::info!("all folders are watched again"),
            None => {}
        }
        Ok(())
    }

    /// What is news in this state of things, if anything.
    fn news(&mut self, polled: Option<&Polled>) -> Option<News> {
        let Some(polled) = polled else {
            let were_polled = !std::mem::take(&mut self.logged).is_empty();
            return were_polled.then_some(News::WatchedAgain);
        };

        let mut any_new = false;
        for reason in polled.reasons() {
            any_new |= self.logged.insert(reason.to_owned());
        }
        any_new.then_some(News::Polled)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::path::PathBuf;

    use super::*;

    fn polled(folders: &[(&str, &str)]) -> Polled {
        let mut reasons = BTreeMap::new();
        for (folder, reason) in folders {
            reasons.insert(PathBuf::from(folder), (*reason).to_owned());
        }
        Polled::Folders(reasons)
    }

    #[test]
    fn without_polling_there_is_nothing_to_say() {
        let mut polling = Polling::default();

        assert_eq!(polling.news(None), None);
    }

    #[test]
    fn a_reason_is_told_once_whichever_folders_it_concerns() {
        let mut polling = Polling::default();

        let first = polling.news(Some(&polled(&[("a", "full")])));
        let same_reason = polling.news(Some(&polled(&[("b", "full"), ("c", "full")])));
        let another_reason = polling.news(Some(&polled(&[("b", "full"), ("c", "closed")])));
        let one_reason_less = polling.news(Some(&polled(&[("a", "closed")])));

        assert_eq!(first, Some(News::Polled));
        assert_eq!(same_reason, None);
        assert_eq!(another_reason, Some(News::Polled));
        assert_eq!(one_reason_less, None);
    }

    #[test]
    fn what_is_over_is_told_once_and_what_comes_back_is_told_again() {
        let no_instance = Polled::Everything("no instance left".to_owned());
        let mut polling = Polling::default();
        polling.news(Some(&no_instance));

        let over = polling.news(None);
        let still_over = polling.news(None);
        let back = polling.news(Some(&no_instance));

        assert_eq!(over, Some(News::WatchedAgain));
        assert_eq!(still_over, None);
        assert_eq!(back, Some(News::Polled));
    }

    #[test]
    fn folders_are_named_by_their_reason() {
        let three = polled(&[("a", "full"), ("b", "full"), ("c", "closed")]);

        assert_eq!(
            three.to_string(),
            "`c` cannot be watched: closed; `a` and 1 more cannot be watched: full"
        );
    }
}
