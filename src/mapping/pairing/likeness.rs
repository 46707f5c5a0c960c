//! How alike two titles are, and which of many are nearest to one.
//!
//! Comparing each title with each is quadratic, and each comparison is quadratic in their length.
//! So an index says which titles share trigrams with the one at hand: the rarest ones are looked up
//! first, no more than a number of entries for each title, and only those that share most are
//! compared letter by letter.

use std::cmp::Reverse;
use std::collections::{BTreeSet, HashMap};

/// Letters of a title that are compared.
const LONGEST: usize = 128;
/// Entries of the index that are looked at for one title.
const MOST_ENTRIES: usize = 10_000;
/// Titles that are compared letter by letter with one.
const MOST_COMPARED: usize = 8;
/// What one title says and the other one does not makes it another test.
const NEGATIONS: [&str; 8] = [
    "not", "no", "non", "without", "never", "cannot", "fails", "negative",
];
/// Beginnings that turn a word into its opposite.
const OPPOSITES: [&str; 6] = ["in", "un", "im", "ir", "dis", "non"];

/// A title as it is compared.
#[derive(Clone, Debug)]
pub(super) struct Title {
    /// Its words without punctuation and case.
    words: Vec<String>,
}

impl Title {
    pub(super) fn new(title: &str) -> Self {
        let mut words = Vec::new();
        let mut word = String::new();
        let mut before = ' ';
        for letter in title.chars().take(LONGEST) {
            // `CheckPolicySlip` are three words, and so is `login2FA` with its number.
            let begins = letter.is_uppercase() && before.is_lowercase()
                || letter.is_numeric() != before.is_numeric();
            if !letter.is_alphanumeric() || begins {
                words.extend((!word.is_empty()).then(|| std::mem::take(&mut word)));
            }
            if letter.is_alphanumeric() {
                word.extend(letter.to_lowercase());
            }
            before = letter;
        }

        words.extend((!word.is_empty()).then_some(word));
        Self { words }
    }

    /// All its letters and digits.
    pub(super) fn plain(&self) -> String {
        self.words.concat()
    }

    fn spaced(&self) -> String {
        self.words.join(" ")
    }

    fn sorted(&self) -> String {
        let mut words = self.words.clone();
        words.sort();
        words.join(" ")
    }

    fn trigrams(&self) -> BTreeSet<[char; 3]> {
        let letters: Vec<char> = format!("  {} ", self.spaced()).chars().collect();
        letters
            .windows(3)
            .map(|window| [window[0], window[1], window[2]])
            .collect()
    }
}

/// A title that is near.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Alike {
    /// Its place among all.
    pub at: usize,
    /// From 0 to 1.
    pub score: f64,
    /// Why it is another one all the same.
    pub objection: Option<&'static str>,
}

/// Titles that can be searched for near ones.
pub(super) struct NearTitles {
    titles: Vec<Title>,
    /// In which titles a trigram stands.
    entries: HashMap<[char; 3], Vec<usize>>,
}

impl NearTitles {
    pub(super) fn new(titles: Vec<Title>) -> Self {
        let mut entries: HashMap<[char; 3], Vec<usize>> = HashMap::new();
        for (at, title) in titles.iter().enumerate() {
            for trigram in title.trigrams() {
                entries.entry(trigram).or_default().push(at);
            }
        }
        Self { titles, entries }
    }

    /// The nearest titles, nearest first.
    pub(super) fn nearest(&self, title: &Title) -> Vec<Alike> {
        let mut nearest: Vec<Alike> = self
            .sharing_most(title)
            .into_iter()
            .map(|at| Alike {
                at,
                score: score(title, &self.titles[at]),
                objection: objection(title, &self.titles[at]),
            })
            .collect();

        nearest.sort_by(|one, other| {
            other
                .score
                .total_cmp(&one.score)
                .then(one.at.cmp(&other.at))
        });
        nearest
    }

    /// The titles that share most trigrams with one.
    fn sharing_most(&self, title: &Title) -> Vec<usize> {
        let mut lists: Vec<&Vec<usize>> = title
            .trigrams()
            .iter()
            .filter_map(|trigram| self.entries.get(trigram))
            .collect();
        // What stands in every title tells nothing, and costs most.
        lists.sort_by_key(|list| list.len());

        let mut counts = vec![0_u16; self.titles.len()];
        let mut shared = Vec::new();
        let mut entries = 0;
        for list in lists {
            entries += list.len();
            if entries > MOST_ENTRIES && !shared.is_empty() {
                break;
            }
            for at in list {
                if counts[*at] == 0 {
                    shared.push(*at);
                }
                counts[*at] += 1;
            }
        }

        shared.sort_by_key(|at| (Reverse(counts[*at]), *at));
        shared.truncate(MOST_COMPARED);
        shared
    }
}

/// How alike two titles are; the order of their words may differ.
fn score(one: &Title, other: &Title) -> f64 {
    let as_written = strsim::normalized_levenshtein(&one.spaced(), &other.spaced());
    if one.words.first() == other.words.first() && one.words.last() == other.words.last() {
        return as_written;
    }

    let sorted = strsim::normalized_levenshtein(&one.sorted(), &other.sorted());
    as_written.max(sorted)
}

/// Why two titles that are alike name two tests.
fn objection(one: &Title, other: &Title) -> Option<&'static str> {
    let ours: BTreeSet<&str> = one.words.iter().map(String::as_str).collect();
    let theirs: BTreeSet<&str> = other.words.iter().map(String::as_str).collect();
    let only_ours: Vec<&str> = ours.difference(&theirs).copied().collect();
    let only_theirs: Vec<&str> = theirs.difference(&ours).copied().collect();

    let mut only = only_ours.iter().chain(&only_theirs);
    if only.clone().any(|word| word.starts_with(char::is_numeric)) {
        return Some("their numbers differ");
    }
    if only.any(|word| NEGATIONS.contains(word)) || has_opposites(&only_ours, &only_theirs) {
        return Some("one may say the opposite of the other");
    }
    None
}

/// Whether a word of one is the opposite of one of the other, as `invalid` of `valid`.
fn has_opposites(ours: &[&str], theirs: &[&str]) -> bool {
    let turns = |word: &str, other: &str| {
        OPPOSITES
            .iter()
            .any(|beginning| word.strip_prefix(beginning) == Some(other))
    };
    ours.iter().any(|one| {
        theirs
            .iter()
            .any(|other| turns(one, other) || turns(other, one))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_told_apart_without_punctuation_and_case() {
        for title in [
            "Check policySlip: 12!",
            "check_policy-slip12",
            "CHECK policy (slip) 12",
        ] {
            assert_eq!(Title::new(title).words, ["check", "policy", "slip", "12"]);
        }
    }

    #[test]
    fn of_thousands_that_are_alike_a_few_are_compared() {
        let titles = (0..5000)
            .map(|number| Title::new(&format!("The customer of the shop orders article {number}")));
        let likeness = NearTitles::new(titles.collect());

        let nearest = likeness.nearest(&Title::new("The customer of a shop orders article 4711"));

        assert_eq!(nearest.len(), MOST_COMPARED);
        assert_eq!(nearest[0].at, 4711);
    }

    #[test]
    fn the_order_of_words_does_not_matter() {
        let one = Title::new("login with password");
        let other = Title::new("with password login");

        assert!(score(&one, &other) > 0.99);
    }
}
