//! kado's keys of runs whose comment a list did not give, so that each run is asked for once in the
//! life of a client.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard};

use crate::locked::locked;

/// Most runs that are remembered; then it is begun anew, which costs only requests.
const MOST: usize = 100_000;

/// What is known of the key of a run, for ever: it stands in the run's comment from its creation
/// on. Only a run that somebody else began, and that is not over, may get keys later (`--into`); of
/// that nothing is remembered.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum KnownKey {
    /// Nobody asked for the run yet.
    Unknown,
    /// Its comment holds no key, and the run is over: kado neither made nor fills it.
    None,
    /// Its comment begins with this key.
    Key(String),
}

/// Keys by ADO project and run id.
#[derive(Debug, Default)]
pub(super) struct KnownKeys(Mutex<HashMap<(String, u32), Option<String>>>);

impl KnownKeys {
    pub(super) fn get(&self, project: &str, run: u32) -> KnownKey {
        match self.keys().get(&key(project, run)) {
            None => KnownKey::Unknown,
            Some(None) => KnownKey::None,
            Some(Some(key)) => KnownKey::Key(key.clone()),
        }
    }

    /// Remembers the key of a run that gets no other, or that it will never have one.
    pub(super) fn insert(&self, project: &str, run: u32, kado_key: Option<&str>) {
        let mut keys = self.keys();
        if keys.len() >= MOST {
            keys.clear();
        }

        keys.insert(key(project, run), kado_key.map(str::to_owned));
    }

    fn keys(&self) -> MutexGuard<'_, HashMap<(String, u32), Option<String>>> {
        // Each entry is written at once, so what a panic elsewhere left here is whole.
        locked(&self.0)
    }
}

/// What something of a project is remembered by: names of projects have no case.
pub(super) fn key(project: &str, id: u32) -> (String, u32) {
    (project.to_lowercase(), id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_known_however_the_name_of_its_project_is_written() {
        let keys = KnownKeys::default();

        keys.insert("Shop", 150, Some("kado:1"));

        let known = keys.get("SHOP", 150);
        assert_eq!(known, KnownKey::Key("kado:1".to_owned()));
    }
}
