//! A suite run counts once, whatever is recorded in which order: as a run of its own or as part of
//! its collection.

#[cfg(test)]
use std::collections::BTreeMap;
use std::path::Path;

use proptest::prelude::*;

use super::*;
use crate::file_names::key;
use crate::katalon::run::SuiteRun;
use crate::moment::Moment;
use crate::outbox::new_run::{NewRun, Occasion, RecordOutcome};
use crate::outbox::store::test_runs::{
    AGAIN, ASKED, NOW, aborted, ignored, open, record, snapshot,
};
use crate::plan::join::{Part, join};
use crate::plan::members::MemberState;

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
    let mut parts = Vec::new();
    for (number, takes_part) in takes_part.into_iter().enumerate() {
        parts.push(Part {
            prefix: format!("session/{number}/1"),
            folder: format!("/reports/session/{number}/1"),
            state: if takes_part {
                MemberState::Finished
            } else {
                MemberState::AbortedAndLeftOut
            },
            snapshot: Some(member(number)),
        });
    }

    join("Test Suites/All", "/reports/session/All/1", parts)
}

fn all() -> Snapshot {
    whole([true; MEMBERS]).unwrap()
}

fn is_recorded_and_taken_up(store: &Store, run: &RunIdentity) -> (bool, bool) {
    let root = key(Path::new("/shop"));
    (
        store.is_recorded(run, &root).unwrap(),
        store.is_taken_up(run).unwrap(),
    )
}

#[test]
fn a_member_of_what_is_recorded_is_part_of_it_and_a_member_that_was_recorded_is_not_taken_into_it()
{
    let folder = tempfile::tempdir().unwrap();
    let mut store = open(folder.path());
    assert_eq!(is_recorded_and_taken_up(&store, &run(0)), (false, false));

    let first = record(&mut store, &member(0), &Occasion::Found);
    let Remaining::Part(rest) = store.remaining(&all()).unwrap() else {
        panic!("the first is submitted")
    };
    assert_eq!(rest.run_folders().len(), 2);
    let recorded = record(&mut store, &all(), &Occasion::Found);
    let RecordOutcome::New(ids) = recorded else {
        panic!("{recorded:?}")
    };

    let first_again = record(&mut store, &member(0), &Occasion::Found);
    assert_eq!(
        first_again,
        RecordOutcome::Unchanged(first.submissions().to_vec())
    );
    for (number, occasion) in [(1, ASKED), (2, Occasion::Found)] {
        assert_eq!(is_recorded_and_taken_up(&store, &run(number)), (true, true));
        assert_eq!(
            record(&mut store, &member(number), &occasion),
            RecordOutcome::PartOf(ids.clone())
        );
    }
    let open = store.open_runs().unwrap();
    assert_eq!(open.len(), 3, "copies are kept of all three, once");
    assert!(store.is_open(&run(2)).unwrap());

    for id in ids {
        store.forget(id, Moment::default()).unwrap();
    }
    assert!(!store.is_open(&run(2)).unwrap());
}

#[test]
fn a_uuid_that_differs_makes_another_member() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = open(folder.path());
    record(&mut store, &all(), &Occasion::Found);

    let other = RunIdentity {
        execution_uuid: Some("another session".to_owned()),
        ..run(1)
    };
    let without = RunIdentity {
        execution_uuid: None,
        ..run(1)
    };

    assert_eq!(is_recorded_and_taken_up(&store, &other), (false, false));
    assert!(store.is_taken_up(&without).unwrap());
}

#[test]
fn a_uuid_that_differs_makes_another_run() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = open(folder.path());
    record(&mut store, &snapshot(&[18], Some("u-1")), &Occasion::Found);

    let with = |uuid: &str| snapshot(&[18], Some(uuid)).identity().unwrap();

    assert!(store.is_taken_up(&with("U-1")).unwrap());
    assert!(!store.is_taken_up(&with("u-2")).unwrap());
}

#[test]
fn a_collection_is_known_by_a_member_whatever_it_was_recorded_as() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = open(folder.path());
    let earlier = whole([false, true, false]).unwrap();
    // As if its first member was not known of at that time.
    let identity = RunIdentity {
        started: run(1).started,
        ..earlier.identity().unwrap()
    };
    let earlier = NewRun {
        identity: &identity,
        snapshot: &earlier,
        noticed: NOW,
        occasion: &Occasion::Found,
    };
    let known = store.record(&earlier, NOW).unwrap();

    let asked = record(&mut store, &all(), &ASKED);
    // What is submitted once more has a key beside that of the first.
    let again = record(&mut store, &all(), &AGAIN);

    assert_eq!(
        asked,
        RecordOutcome::Unchanged(known.submissions().to_vec())
    );
    assert!(matches!(again, RecordOutcome::New(_)), "{again:?}");
    assert_eq!(store.summaries(None).unwrap().len(), 2);
}

#[test]
fn a_collection_listed_as_aborted_stands_for_no_member_of_it() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = open(folder.path());

    record(&mut store, &all(), &aborted());

    assert_eq!(is_recorded_and_taken_up(&store, &run(0)), (true, false));
    let member = record(&mut store, &member(0), &Occasion::Found);
    assert!(matches!(member, RecordOutcome::New(_)), "{member:?}");
}

/// What may happen.
#[derive(Clone, Debug)]
enum Operation {
    Member(usize, Occasion),
    Whole([bool; MEMBERS], Occasion),
    Forget(usize),
    Retry(usize, Option<[bool; MEMBERS]>),
}

fn operation() -> impl Strategy<Value = Operation> {
    let occasion = || {
        prop_oneof![
            10 => Just(ASKED),
            9 => Just(Occasion::Found),
            3 => Just(ignored("ran elsewhere")),
            3 => Just(aborted()),
        ]
    };
    let takes_part = || proptest::array::uniform3(any::<bool>());

    prop_oneof![
        (0..MEMBERS, occasion()).prop_map(|(number, occasion)| Operation::Member(number, occasion)),
        (takes_part(), occasion())
            .prop_map(|(takes_part, occasion)| Operation::Whole(takes_part, occasion)),
        (0_usize..8).prop_map(Operation::Forget),
        (0_usize..8, proptest::option::of(takes_part()))
            .prop_map(|(row, fresh)| Operation::Retry(row, fresh)),
    ]
}

fn perform(store: &mut Store, operation: &Operation) {
    let rows = store.summaries(None).unwrap();
    let pick = |place: usize| (!rows.is_empty()).then(|| &rows[place % rows.len()]);

    match operation {
        Operation::Member(number, occasion) => {
            record(store, &member(*number), occasion);
        }
        Operation::Whole(takes_part, occasion) => {
            if let Some(whole) = whole(*takes_part) {
                record(store, &whole, occasion);
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
