//! A suite run counts once, whatever is recorded in which order: as a run of its own or as part of
//! its collection.

#[cfg(test)]
use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::katalon::run::SuiteRun;
use crate::moment::Moment;
use crate::outbox::new_run::{NewRun, Occasion, RecordOutcome};
use crate::outbox::store::tests::{open, snapshot};
use crate::plan::join::{Part, join};
use crate::plan::members::MemberState;

const NOW: Moment = Moment::from_millis(1_000_000);
const MEMBERS: usize = 3;

/// A member's own run. All members have the session's uuid.
fn member(number: usize) -> Snapshot {
    let snapshot = snapshot(&[18], Some("session"));
    let started = Some(Moment::from_millis(10 + number as i64));
    Snapshot {
        run: SuiteRun {
            suite: format!("Test Suites/{number}"),
            started,
            ..snapshot.run
        },
        ..snapshot
    }
}

fn run(number: usize) -> RunIdentity {
    RunIdentity::of(&member(number).run).unwrap()
}

/// The collection of which these members take part; the others were aborted.
fn whole(takes_part: [bool; MEMBERS]) -> Option<Snapshot> {
    let part = |(number, takes_part): (usize, bool)| Part {
        prefix: format!("session/{number}/1"),
        folder: format!("/reports/session/{number}/1"),
        state: if takes_part {
            MemberState::Finished
        } else {
            MemberState::AbortedAndLeftOut
        },
        snapshot: Some(member(number)),
    };
    join(
        "Test Suites/All",
        "/reports/session/All/1",
        takes_part.into_iter().enumerate().map(part).collect(),
    )
}

fn all() -> Snapshot {
    whole([true; MEMBERS]).unwrap()
}

fn record(
    store: &mut Store,
    snapshot: &Snapshot,
    by_command: bool,
    ignored: Option<&str>,
) -> RecordOutcome {
    let identity = snapshot.identity().unwrap();
    let occasion = match ignored {
        Some(reason) => Occasion::Ignored {
            reason: reason.to_owned(),
            aborted: reason == "aborted",
        },
        None if by_command => Occasion::Asked { again: false },
        None => Occasion::Found,
    };
    let run = NewRun {
        identity: &identity,
        snapshot,
        occasion: &occasion,
    };
    store.record(&run, NOW).unwrap()
}

#[test]
fn a_member_of_what_is_recorded_is_part_of_it_and_a_member_that_was_recorded_is_not_taken_into_it()
{
    let folder = tempfile::tempdir().unwrap();
    let mut store = open(folder.path());
    assert!(!store.is_recorded(&run(0)).unwrap() && !store.is_taken_up(&run(0)).unwrap());
    let first = record(&mut store, &member(0), false, None);
    let Remaining::Part(rest) = store.remaining(&all()).unwrap() else {
        panic!("the first is submitted")
    };
    assert_eq!(rest.run_folders().len(), 2);
    let recorded = record(&mut store, &all(), false, None);
    let RecordOutcome::New(ids) = recorded else {
        panic!("{recorded:?}")
    };
    assert_eq!(
        record(&mut store, &member(0), false, None),
        RecordOutcome::Unchanged(first.submissions().to_vec())
    );
    for (number, by_command) in [(1, true), (2, false)] {
        assert!(
            store.is_recorded(&run(number)).unwrap() && store.is_taken_up(&run(number)).unwrap()
        );
        assert_eq!(
            record(&mut store, &member(number), by_command, None),
            RecordOutcome::PartOf(ids.clone())
        );
    }
    assert_eq!(
        store.open_runs().unwrap().len(),
        3,
        "copies are kept of all three, once"
    );
}

#[test]
fn a_uuid_that_differs_makes_another_member() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = open(folder.path());
    record(&mut store, &all(), false, None);
    let other = RunIdentity {
        execution_uuid: Some("another session".to_owned()),
        ..run(1)
    };
    assert!(!store.is_recorded(&other).unwrap() && !store.is_taken_up(&other).unwrap());
    assert!(
        store
            .is_taken_up(&RunIdentity {
                execution_uuid: None,
                ..run(1)
            })
            .unwrap()
    );
    // As an own run, too.
    record(&mut store, &snapshot(&[18], Some("u-1")), false, None);
    let of = |uuid: &str| RunIdentity::of(&snapshot(&[18], Some(uuid)).run).unwrap();
    assert!(store.is_taken_up(&of("U-1")).unwrap() && !store.is_taken_up(&of("u-2")).unwrap());
}

#[test]
fn a_collection_is_known_by_a_member_whatever_it_was_recorded_as() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = open(folder.path());
    let earlier = whole([false, true, false]).unwrap();
    // Earlier versions took its identity from the members that take part.
    let identity = RunIdentity {
        started: run(1).started,
        ..earlier.identity().unwrap()
    };
    let old = NewRun {
        identity: &identity,
        snapshot: &earlier,
        occasion: &Occasion::Found,
    };
    let known = store.record(&old, NOW).unwrap().submissions().to_vec();
    assert_eq!(
        record(&mut store, &all(), true, None),
        RecordOutcome::Unchanged(known)
    );
    // What is submitted once more has a key beside that of the first.
    let more = NewRun {
        identity: &all().identity().unwrap(),
        snapshot: &all(),
        occasion: &Occasion::Asked { again: true },
    };
    assert!(matches!(
        store.record(&more, NOW).unwrap(),
        RecordOutcome::New(_)
    ));
    assert_eq!(store.summaries(None).unwrap().len(), 2);
}

#[test]
fn a_collection_listed_as_aborted_stands_for_no_member_of_it() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = open(folder.path());
    record(&mut store, &all(), false, Some("aborted"));
    assert!(!store.is_taken_up(&run(0)).unwrap() && store.is_recorded(&run(0)).unwrap());
    assert!(matches!(
        record(&mut store, &member(0), false, None),
        RecordOutcome::New(_)
    ));
}

/// What may happen.
#[derive(Clone, Debug)]
enum Operation {
    Member {
        number: usize,
        by_command: bool,
        ignored: Option<&'static str>,
    },
    Whole {
        takes_part: [bool; MEMBERS],
        by_command: bool,
        ignored: Option<&'static str>,
    },
    Forget(usize),
    Retry(usize, Option<[bool; MEMBERS]>),
}

fn operation() -> impl Strategy<Value = Operation> {
    let ignored = || prop_oneof![3 => Just(None), 1 => Just(Some("ran elsewhere")), 1 => Just(Some("aborted"))];
    let how = || prop_oneof![2 => Just(None).prop_map(|none| (true, none)), 3 => ignored().prop_map(|why| (false, why))];
    let takes_part = || proptest::array::uniform3(any::<bool>());
    prop_oneof![
        (0..MEMBERS, how()).prop_map(|(number, (by_command, ignored))| Operation::Member {
            number,
            by_command,
            ignored
        }),
        (takes_part(), how()).prop_map(|(takes_part, (by_command, ignored))| Operation::Whole {
            takes_part,
            by_command,
            ignored
        }),
        (0_usize..8).prop_map(Operation::Forget),
        (0_usize..8, proptest::option::of(takes_part()))
            .prop_map(|(row, fresh)| Operation::Retry(row, fresh)),
    ]
}

fn perform(store: &mut Store, operation: &Operation) {
    let rows = store.summaries(None).unwrap();
    let pick = |place: usize| (!rows.is_empty()).then(|| &rows[place % rows.len()]);
    match operation {
        Operation::Member {
            number,
            by_command,
            ignored,
        } => {
            record(store, &member(*number), *by_command, *ignored);
        }
        Operation::Whole {
            takes_part,
            by_command,
            ignored,
        } => {
            if let Some(whole) = whole(*takes_part) {
                record(store, &whole, *by_command, *ignored);
            }
        }
        Operation::Forget(row) => {
            if let Some(row) = pick(*row) {
                store.forget(row.id, NOW).unwrap();
            }
        }
        Operation::Retry(row, fresh) => {
            let Some(row) = pick(*row) else { return };
            let fresh = fresh
                .and_then(whole)
                .filter(|_| row.suite == "Test Suites/All");
            // It may be refused, which is right.
            let _ = store.retry(row.id, fresh.as_ref(), NOW);
        }
    }
}

/// How often each member is, or is to be, submitted.
fn counted(store: &Store) -> BTreeMap<String, usize> {
    let mut counted = BTreeMap::new();
    for row in store.summaries(None).unwrap() {
        if row.state != SubmissionState::Ignored {
            for place in store.load(row.id).unwrap().snapshot.run_folders() {
                *counted.entry(place.run.unwrap().suite).or_default() += 1;
            }
        }
    }
    counted
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, ..ProptestConfig::default() })]

    #[test]
    fn no_member_counts_twice_and_none_is_forgotten_by_the_index(
        operations in proptest::collection::vec(operation(), 1..25)
    ) {
        let folder = tempfile::tempdir().unwrap();
        let mut store = open(folder.path());
        store.connection.pragma_update(None, "synchronous", false).unwrap();
        for operation in &operations {
            perform(&mut store, operation);
            let counted = counted(&store);
            for number in 0..MEMBERS {
                let times = counted.get(&run(number).suite).copied().unwrap_or_default();
                prop_assert!(times <= 1, "{number} counts {times} times after {operation:?}");
                prop_assert_eq!(store.is_taken_up(&run(number)).unwrap(), times == 1);
            }
        }
    }
}
