//! Values of which only so many are kept: those that were not used for longest are forgotten first,
//! and before them whatever does not matter.

use std::collections::HashMap;
use std::hash::Hash;

/// Values by their keys, with the order in which they were used.
pub(super) struct Recent<K, V> {
    values: HashMap<K, Used<V>>,
    uses: u64,
}

struct Used<V> {
    value: V,
    /// The number of its last use.
    last: u64,
}

impl<K, V> Default for Recent<K, V> {
    fn default() -> Self {
        Self {
            values: HashMap::new(),
            uses: 0,
        }
    }
}

impl<K: Clone + Eq + Hash, V> Recent<K, V> {
    /// A value, which is used now.
    pub(super) fn get(&mut self, key: &K) -> Option<&V> {
        self.uses += 1;
        let used = self.values.get_mut(key)?;
        used.last = self.uses;
        Some(&used.value)
    }

    /// Keeps a value, which is used now, and forgets one when there are more than `most`: of those
    /// that do not matter, or else of all, the one that was not used for longest.
    pub(super) fn insert(&mut self, key: K, value: V, most: usize, matters: impl Fn(&V) -> bool) {
        self.uses += 1;
        let last = self.uses;
        self.values.insert(key, Used { value, last });
        if self.values.len() <= most {
            return;
        }

        let forgotten = self
            .values
            .iter()
            .min_by_key(|(_, used)| (matters(&used.value), used.last))
            .map(|(key, _)| key.clone());
        if let Some(key) = forgotten {
            self.values.remove(&key);
        }
    }

    /// All that are kept, which does not count as a use.
    pub(super) fn values(&self) -> impl Iterator<Item = &V> {
        self.values.values().map(|used| &used.value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOST: usize = 4;

    /// Keeps numbers, of which even ones matter.
    fn keep(kept: &mut Recent<u32, u32>, numbers: impl IntoIterator<Item = u32>) {
        for number in numbers {
            kept.insert(number, number, MOST, |number| number.is_multiple_of(2));
        }
    }

    fn kept(recent: &Recent<u32, u32>) -> Vec<u32> {
        let mut values: Vec<u32> = recent.values().copied().collect();
        values.sort_unstable();
        values
    }

    #[test]
    fn what_matters_outlives_any_number_that_does_not() {
        let mut recent = Recent::default();

        keep(&mut recent, [2, 4]);
        keep(&mut recent, (0..70).map(|number| 2 * number + 1));

        assert_eq!(kept(&recent), [2, 4, 137, 139]);
    }

    #[test]
    fn what_was_not_used_for_longest_is_forgotten_first() {
        let mut recent = Recent::default();
        keep(&mut recent, [1, 3, 5, 7]);

        recent.get(&1);
        keep(&mut recent, [9]);

        assert_eq!(kept(&recent), [1, 5, 7, 9]);
    }

    #[test]
    fn where_all_matter_the_one_that_was_not_used_for_longest_is_forgotten() {
        let mut recent = Recent::default();

        keep(&mut recent, [2, 4, 6, 8, 10]);

        assert_eq!(kept(&recent), [4, 6, 8, 10]);
    }
}
