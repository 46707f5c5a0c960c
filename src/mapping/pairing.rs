//! Which test case of ADO belongs to one of Katalon: by the automated test that is entered in ADO,
//! the same title, the same title but for punctuation and case, and last a title that is alike.
//! Each proposal has its reason and score, and what else was near is named.
//!
//! What kado chooses is to be right without a look, so it chooses nothing that a person could see
//! otherwise: not one of two that fit equally, not one that two test cases of Katalon want, not one
//! that another is mapped to already, and by likeness alone none whose title has other numbers or
//! says the opposite. All of these are listed.
//!
//! Pure, and about as fast for 5,000 titles on each side as the titles are long: the first three
//! ways are look-ups, and for the fourth an index of trigrams leaves a few titles to compare
//! (`likeness`).

mod likeness;

use std::collections::{BTreeMap, HashMap, HashSet};

use likeness::{NearTitles, Title};

/// Candidates of one test case that are listed.
const MOST_LISTED: usize = 5;
/// Titles less alike than this are not worth a line.
const LEAST: f64 = 0.6;
/// Of two titles that are alike, the better one counts only if it is better by this.
const MARGIN: f64 = 0.05;

const BY_AUTOMATED_TEST: f64 = 1.0;
const BY_TITLE: f64 = 0.99;
const BY_PLAIN_TITLE: f64 = 0.97;
/// Below the ways that are certain.
const BEST_LIKENESS: f64 = 0.96;

/// A test case of Katalon that is to be paired.
#[derive(Clone, Copy, Debug)]
pub(crate) struct KatalonName<'a> {
    /// `Test Cases/Login`.
    pub id: &'a str,
    /// `Login`.
    pub name: &'a str,
}

/// A test case of ADO that may be paired.
#[derive(Clone, Debug)]
pub(crate) struct AdoTitle<'a> {
    pub id: u32,
    pub title: &'a str,
    /// The name of the automated test that is entered in it.
    pub automated_name: Option<&'a str>,
    /// Where that test is; kado enters the whole id of Katalon's.
    pub automated_storage: Option<&'a str>,
    /// A test case of Katalon that is mapped to it.
    pub mapped_by: Option<&'a str>,
}

/// Why two test cases may belong together.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum PairedBy {
    Alike,
    PlainTitle,
    Title,
    AutomatedTest,
}

/// A test case of ADO that may be meant.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Candidate {
    pub id: u32,
    pub title: String,
    /// From 0 to 1.
    pub score: f64,
    pub way: PairedBy,
    /// What speaks against it although the titles are alike.
    pub objection: Option<&'static str>,
}

impl Candidate {
    /// Why it may be meant, for people.
    pub(crate) fn reason(&self) -> String {
        let reason = match self.way {
            PairedBy::AutomatedTest => "its automated test in ADO",
            PairedBy::Title => "the same title",
            PairedBy::PlainTitle => "the same title but for punctuation and case",
            PairedBy::Alike => "the titles are alike",
        };
        match self.objection {
            Some(objection) => format!("{reason}, but {objection}"),
            None => reason.to_owned(),
        }
    }
}

/// What was decided for a test case.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum PairingDecision {
    /// It is to have this id.
    Chosen(u32),
    /// Several fit equally.
    Ambiguous(Vec<u32>),
    /// Others want the same one.
    Contested { id: u32, others: Vec<String> },
    /// Another test case is mapped to it.
    Taken { id: u32, by: String },
    /// Nothing is sure enough.
    Unsure,
    /// Nothing is near.
    Nothing,
}

/// A test case of Katalon with those of ADO that may be meant, best first.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Pairing {
    pub test_case: String,
    pub candidates: Vec<Candidate>,
    pub decision: PairingDecision,
}

/// Pairs test cases; what is chosen has at least the score `min`.
pub(crate) fn pairings(
    names: &[KatalonName<'_>],
    titles: &[AdoTitle<'_>],
    min: f64,
) -> Vec<Pairing> {
    let index = Index::new(titles);
    let mut pairings = Vec::with_capacity(names.len());
    for name in names {
        let candidates = index.candidates(*name);
        pairings.push(Pairing {
            test_case: name.id.to_owned(),
            decision: index.decision(&candidates, min),
            candidates,
        });
    }

    settle_contests(&mut pairings);
    pairings
}

/// The titles of ADO by what is looked for.
struct Index<'a> {
    titles: &'a [AdoTitle<'a>],
    by_id: HashMap<u32, usize>,
    by_storage: HashMap<String, Vec<usize>>,
    by_automated_name: HashMap<String, Vec<usize>>,
    by_title: HashMap<&'a str, Vec<usize>>,
    by_plain_title: HashMap<String, Vec<usize>>,
    likeness: NearTitles,
}

impl<'a> Index<'a> {
    fn new(titles: &'a [AdoTitle<'a>]) -> Self {
        let mut index = Self {
            titles,
            by_id: HashMap::new(),
            by_storage: HashMap::new(),
            by_automated_name: HashMap::new(),
            by_title: HashMap::new(),
            by_plain_title: HashMap::new(),
            likeness: NearTitles::new(titles.iter().map(|title| Title::new(title.title)).collect()),
        };

        for (at, title) in titles.iter().enumerate() {
            index.by_id.insert(title.id, at);
            index
                .by_title
                .entry(title.title.trim())
                .or_default()
                .push(at);
            let plain = Title::new(title.title).plain();
            if !plain.is_empty() {
                index.by_plain_title.entry(plain).or_default().push(at);
            }

            // A name alone may be that of another test in another place.
            match (title.automated_storage, title.automated_name) {
                (Some(storage), _) => index
                    .by_storage
                    .entry(storage.to_lowercase())
                    .or_default()
                    .push(at),
                (None, Some(name)) => index
                    .by_automated_name
                    .entry(name.to_lowercase())
                    .or_default()
                    .push(at),
                (None, None) => {}
            }
        }
        index
    }

    /// Those that may be meant, best first.
    fn candidates(&self, name: KatalonName<'_>) -> Vec<Candidate> {
        let mut found = Found {
            index: self,
            seen: HashSet::new(),
            candidates: Vec::new(),
        };

        let id = name.id.to_lowercase();
        let last = id.rsplit('/').next().unwrap_or(&id).to_owned();
        found.add(self.by_storage.get(&id), PairedBy::AutomatedTest);
        for wanted in [&id, &last] {
            found.add(self.by_automated_name.get(wanted), PairedBy::AutomatedTest);
        }

        // The file may have another name than the test case in it.
        let file_name = name.id.rsplit('/').next().unwrap_or(name.id);
        let mut names = vec![name.name.trim(), file_name.trim()];
        names.dedup();
        for name in &names {
            found.add(self.by_title.get(name), PairedBy::Title);
        }
        for name in &names {
            let plain = Title::new(name).plain();
            found.add(self.by_plain_title.get(&plain), PairedBy::PlainTitle);
        }

        found.add_alike(&Title::new(name.name));
        let mut candidates = found.candidates;
        candidates.truncate(MOST_LISTED);
        candidates
    }

    fn decision(&self, candidates: &[Candidate], min: f64) -> PairingDecision {
        let Some(best) = candidates.first() else {
            return PairingDecision::Nothing;
        };
        if best.score < min || best.objection.is_some() {
            return PairingDecision::Unsure;
        }

        let equals: Vec<u32> = candidates
            .iter()
            .filter(|other| {
                other.way == best.way
                    && (best.way != PairedBy::Alike || best.score - other.score < MARGIN)
            })
            .map(|other| other.id)
            .collect();
        if equals.len() > 1 {
            return PairingDecision::Ambiguous(equals);
        }

        let title = self.by_id.get(&best.id).map(|at| &self.titles[*at]);
        match title.and_then(|title| title.mapped_by) {
            Some(by) => PairingDecision::Taken {
                id: best.id,
                by: by.to_owned(),
            },
            None => PairingDecision::Chosen(best.id),
        }
    }
}

/// Candidates that were found so far, best first.
struct Found<'a> {
    index: &'a Index<'a>,
    seen: HashSet<u32>,
    candidates: Vec<Candidate>,
}

impl Found<'_> {
    fn add(&mut self, places: Option<&Vec<usize>>, way: PairedBy) {
        let score = match way {
            PairedBy::AutomatedTest => BY_AUTOMATED_TEST,
            PairedBy::Title => BY_TITLE,
            PairedBy::PlainTitle => BY_PLAIN_TITLE,
            PairedBy::Alike => BEST_LIKENESS,
        };
        for at in places.into_iter().flatten() {
            self.push(*at, score, way, None);
        }
    }

    fn add_alike(&mut self, title: &Title) {
        for alike in self.index.likeness.nearest(title) {
            // Two digits are what people see, and what is compared is what they see.
            let score = (alike.score.min(BEST_LIKENESS) * 100.0).round() / 100.0;
            if score >= LEAST {
                self.push(alike.at, score, PairedBy::Alike, alike.objection);
            }
        }
    }

    fn push(&mut self, at: usize, score: f64, way: PairedBy, objection: Option<&'static str>) {
        let title = &self.index.titles[at];
        if self.seen.insert(title.id) {
            self.candidates.push(Candidate {
                id: title.id,
                title: title.title.to_owned(),
                score,
                way,
                objection,
            });
        }
    }
}

/// Lets nobody have what several want in the same way; of different ways the surer one counts.
fn settle_contests(pairings: &mut [Pairing]) {
    let mut wanted: BTreeMap<u32, Vec<(usize, PairedBy)>> = BTreeMap::new();
    for (at, pairing) in pairings.iter().enumerate() {
        if let PairingDecision::Chosen(id) = pairing.decision
            && let Some(best) = pairing.candidates.first()
        {
            wanted.entry(id).or_default().push((at, best.way));
        }
    }

    for (id, wishes) in wanted {
        let Some(surest) = wishes.iter().map(|(_, way)| *way).max() else {
            continue;
        };
        let is_sole = wishes.iter().filter(|(_, way)| *way == surest).count() == 1;
        for (at, way) in &wishes {
            if is_sole && *way == surest {
                continue;
            }

            let others = wishes
                .iter()
                .filter(|(other, _)| other != at)
                .map(|(other, _)| pairings[*other].test_case.clone())
                .take(MOST_LISTED)
                .collect();
            pairings[*at].decision = PairingDecision::Contested { id, others };
        }
    }
}

#[cfg(test)]
mod tests;
