//! When to say that folders are polled: once for each reason, however many folders it concerns, and
//! once when it is over.
//!
//! Which folders it concerns changes with every sweep; `kado status` knows them, the log would be
//! full of them.

use std::collections::BTreeSet;

use crate::watch::hints::polled::Polled;

/// What was said of polling.
#[derive(Debug, Default)]
pub(super) struct Polling {
    told: BTreeSet<String>,
}

/// What there is to be said.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum News {
    /// Folders are polled for a reason that was not told yet.
    Polled,
    /// Everything is watched again.
    WatchedAgain,
}

impl Polling {
    /// What is news in this state of things, if anything.
    pub(super) fn news(&mut self, polled: Option<&Polled>) -> Option<News> {
        let Some(polled) = polled else {
            let over = !std::mem::take(&mut self.told).is_empty();
            return over.then_some(News::WatchedAgain);
        };
        let new: Vec<_> = polled
            .reasons()
            .into_iter()
            .filter(|reason| !self.told.contains(*reason))
            .collect();
        self.told
            .extend(new.iter().map(|&reason| reason.to_owned()));
        (!new.is_empty()).then_some(News::Polled)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::path::PathBuf;

    use super::*;

    fn polled(folders: &[(&str, &str)]) -> Polled {
        let folders = folders
            .iter()
            .map(|(folder, reason)| (PathBuf::from(folder), (*reason).to_owned()));
        Polled::Folders(folders.collect::<BTreeMap<_, _>>())
    }

    #[test]
    fn a_reason_is_told_once_whichever_folders_it_concerns() {
        let mut polling = Polling::default();
        assert_eq!(polling.news(None), None, "nothing was ever polled");
        assert_eq!(
            polling.news(Some(&polled(&[("a", "full")]))),
            Some(News::Polled)
        );
        assert_eq!(
            polling.news(Some(&polled(&[("b", "full"), ("c", "full")]))),
            None
        );
        assert_eq!(
            polling.news(Some(&polled(&[("b", "full"), ("c", "closed")]))),
            Some(News::Polled),
            "another reason"
        );
        assert_eq!(polling.news(Some(&polled(&[("a", "closed")]))), None);
    }

    #[test]
    fn what_is_over_is_told_once_and_what_comes_back_is_told_again() {
        let mut polling = Polling::default();
        polling.news(Some(&Polled::Everything("no instance left".to_owned())));
        assert_eq!(polling.news(None), Some(News::WatchedAgain));
        assert_eq!(polling.news(None), None);
        assert_eq!(
            polling.news(Some(&Polled::Everything("no instance left".to_owned()))),
            Some(News::Polled)
        );
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
