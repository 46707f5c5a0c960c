//! The outbox keeps its promises: a run is one run, steps move one way, a lost database is never
//! papered over.

#[cfg(test)]
use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use rusqlite::params;

use crate::discovery::run_identity::RunIdentity;
use crate::discovery::settled::{Ageing, SettledFolder};
use crate::katalon::run::{Environment, RunOptions, SuiteRun};
use crate::katalon::settings::{AzureSettings, PlanReference, ProjectReference};
use crate::katalon::status::Status;
use crate::moment::Moment;
use crate::outbox::new_run::{NewRun, Occasion, RecordOutcome};
use crate::outbox::store::{DATABASE, OpenError, Store, StoreError};
use crate::outbox::submission::SubmissionState;
use crate::plan::ado_facts::AdoFacts;
use crate::plan::overrides::{Overrides, effective};
use crate::plan::plan;
use crate::plan::snapshot::Snapshot;

const NOW: Moment = Moment::from_millis(1_000_000);

pub(super) fn snapshot(plans: &[u32], uuid: Option<&str>) -> Snapshot {
    let settings = AzureSettings {
        enabled: true,
        server_url: Some("https://dev.azure.com/org".to_owned()),
        project: Some(ProjectReference {
            id: None,
            name: "Shop".to_owned(),
        }),
        test_plans: plans
            .iter()
            .map(|id| PlanReference {
                id: *id,
                name: None,
            })
            .collect(),
        ..AzureSettings::default()
    };
    Snapshot {
        run: SuiteRun {
            suite: "Test Suites/Smoke".to_owned(),
            execution_uuid: uuid.map(str::to_owned),
            started: Some(Moment::from_millis(5)),
            ended: Some(Moment::from_millis(9)),
            last_record: Some(Moment::from_millis(9)),
            environment: Environment {
                host: Some("Agent".to_owned()),
                ..Environment::default()
            },
            status: Status::Passed,
            tests: Vec::new(),
            files: Vec::new(),
            options: RunOptions::default(),
            reruns_left: None,
            in_collection: false,
            warnings: Vec::new(),
        },
        folder: "/reports/1".to_owned(),
        project_name: "Shop".to_owned(),
        project_root: "/shop".to_owned(),
        options: effective(&settings, &Overrides::default(), &RunOptions::default()),
        joined: None,
        reruns: None,
        collection: None,
        cases: BTreeMap::new(),
    }
}

/// How a run is recorded.
#[derive(Clone, Copy, Default)]
struct How<'a> {
    ignored: Option<&'a str>,
    by_command: bool,
    again: bool,
}

fn record(store: &mut Store, snapshot: &Snapshot, how: How<'_>) -> RecordOutcome {
    let identity = RunIdentity::of(&snapshot.run).unwrap();
    let How {
        ignored,
        by_command,
        again,
    } = how;
    let occasion = match ignored {
        Some(reason) => Occasion::Ignored {
            reason: reason.to_owned(),
            aborted: reason == "aborted",
        },
        None if by_command => Occasion::Asked { again },
        None => Occasion::Found,
    };
    let run = NewRun {
        identity: &identity,
        snapshot,
        occasion: &occasion,
    };
    store.record(&run, NOW).unwrap()
}

pub(super) fn open(folder: &Path) -> Store {
    Store::open(folder).unwrap()
}

#[test]
fn the_same_run_met_twice_is_recorded_once_also_when_its_uuid_comes_late() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = open(folder.path());
    let first = record(&mut store, &snapshot(&[18], None), How::default());
    let copy = Snapshot {
        folder: "/elsewhere".to_owned(),
        ..snapshot(&[18], Some("u-1"))
    };
    assert_eq!(
        record(&mut store, &copy, How::default()),
        RecordOutcome::Unchanged(first.submissions().to_vec())
    );
    // Now the uuid is known, and another one separates another run.
    assert!(matches!(
        record(&mut store, &snapshot(&[18], Some("u-2")), How::default()),
        RecordOutcome::New(_)
    ));
    let keys: std::collections::BTreeSet<_> = store
        .summaries(None)
        .unwrap()
        .into_iter()
        .map(|row| row.key)
        .collect();
    assert_eq!(keys.len(), 2);
}

#[test]
fn a_run_without_a_plan_is_parked_with_the_way_out() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = open(folder.path());
    record(&mut store, &snapshot(&[], None), How::default());
    let row = store.summaries(None).unwrap().pop().unwrap();
    assert_eq!(row.state, SubmissionState::Parked);
    assert!(row.error.unwrap().contains("submit.test_plans"));
}

/// What is due: id and test plan.
fn due(store: &Store) -> Vec<(i64, Option<u32>)> {
    store
        .due(NOW, None)
        .unwrap()
        .into_iter()
        .map(|due| (due.id, due.goes_to.plan_id))
        .collect()
}

#[test]
fn an_ignored_run_is_submitted_on_a_persons_word_under_its_own_key() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = open(folder.path());
    let run = snapshot(&[18], None);
    let ignored = record(
        &mut store,
        &run,
        How {
            ignored: Some("ran elsewhere"),
            ..How::default()
        },
    );
    assert_eq!(store.due(NOW, None).unwrap(), []);
    let taken = record(
        &mut store,
        &run,
        How {
            by_command: true,
            ..How::default()
        },
    );
    assert_eq!(
        taken,
        RecordOutcome::New(ignored.submissions().to_vec()),
        "the row keeps its id"
    );
    assert_eq!(store.due(NOW, None).unwrap().len(), 1);
    let other = tempfile::tempdir().unwrap();
    let mut elsewhere = open(other.path());
    record(&mut elsewhere, &run, How::default());
    let key = |store: &Store| store.summaries(None).unwrap()[0].key.clone();
    assert_eq!(key(&store), key(&elsewhere), "two ledgers agree on the key");
}

#[test]
fn a_run_listed_as_aborted_that_ends_after_all_is_submitted() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = open(folder.path());
    let run = snapshot(&[18], None);
    let listed = record(
        &mut store,
        &run,
        How {
            ignored: Some("aborted"),
            ..How::default()
        },
    );
    assert_eq!(store.due(NOW, None).unwrap(), []);
    assert_eq!(
        record(&mut store, &run, How::default()),
        RecordOutcome::New(listed.submissions().to_vec())
    );
    assert_eq!(store.due(NOW, None).unwrap().len(), 1);
    let mut forgetful = open(tempfile::tempdir().unwrap().path());
    let id = record(
        &mut forgetful,
        &run,
        How {
            ignored: Some("aborted"),
            ..How::default()
        },
    )
    .submissions()[0];
    forgetful.forget(id, NOW).unwrap();
    assert!(
        matches!(
            record(&mut forgetful, &run, How::default()),
            RecordOutcome::Unchanged(_)
        ),
        "forgotten stays forgotten"
    );
}

#[test]
fn a_snapshot_renewed_for_another_submission_does_not_change_work_in_flight() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = open(folder.path());
    let run = snapshot(&[18], None);
    let id = record(&mut store, &run, How::default()).submissions()[0];
    store
        .store_plan(id, &plan(&run, 18, "k", &AdoFacts::default()), NOW)
        .unwrap();
    let mut elsewhere = run.clone();
    elsewhere.options.server_url = Some("https://dev.azure.com/other".to_owned());
    record(
        &mut store,
        &elsewhere,
        How {
            by_command: true,
            again: true,
            ..How::default()
        },
    );
    assert_eq!(
        store.load(id).unwrap().snapshot.options.server_url,
        run.options.server_url
    );
}

#[test]
fn a_plan_made_anew_still_asks_for_a_run_that_may_have_been_created() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = open(folder.path());
    let run = snapshot(&[18], None);
    let id = record(&mut store, &run, How::default()).submissions()[0];
    store
        .store_plan(id, &plan(&run, 18, "k", &AdoFacts::default()), NOW)
        .unwrap();
    store.intend(id, 0).unwrap();
    store.retry(id, None, NOW).unwrap();
    assert!(store.load(id).unwrap().create_unclear);
}

#[test]
fn a_retry_for_a_plan_that_another_row_has_is_refused_in_words() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = open(folder.path());
    let ids = record(&mut store, &snapshot(&[18, 999], None), How::default())
        .submissions()
        .to_vec();
    let refused = store
        .retry(ids[1], Some(&snapshot(&[18], None)), NOW)
        .unwrap_err();
    assert!(
        refused
            .to_string()
            .contains("no longer goes to test plan 999"),
        "{refused}"
    );
}

#[test]
fn again_makes_a_second_submission_with_another_key() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = open(folder.path());
    let run = snapshot(&[18], None);
    record(&mut store, &run, How::default());
    let plain = record(
        &mut store,
        &run,
        How {
            by_command: true,
            ..How::default()
        },
    );
    assert!(matches!(plain, RecordOutcome::Unchanged(_)));
    let again = record(
        &mut store,
        &run,
        How {
            by_command: true,
            again: true,
            ..How::default()
        },
    );
    assert!(matches!(again, RecordOutcome::New(_)));
    assert_eq!(store.summaries(None).unwrap().len(), 2);
}

#[test]
fn steps_move_one_way_and_survive_being_opened_again() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = open(folder.path());
    let run = snapshot(&[18], None);
    let id = record(&mut store, &run, How::default()).submissions()[0];
    store
        .store_plan(id, &plan(&run, 18, "k", &AdoFacts::default()), NOW)
        .unwrap();
    assert!(
        matches!(
            store.confirm(id, 0, &(), NOW),
            Err(StoreError::IllegalMove { .. })
        ),
        "nothing was intended"
    );
    store.intend(id, 0).unwrap();
    store
        .confirm_run(id, 0, 150, "https://x", "\"created\"", NOW)
        .unwrap();
    assert!(
        matches!(store.intend(id, 0), Err(StoreError::IllegalMove { .. })),
        "a confirmed step is never sent again"
    );
    drop(store);
    let submission = open(folder.path()).load(id).unwrap();
    assert_eq!(submission.ado_run_id, Some(150));
    assert_eq!(
        submission.steps[0].state,
        crate::outbox::step::StepState::Confirmed
    );
}

#[test]
fn a_forgotten_run_stays_listed_and_is_taken_up_only_on_a_persons_word() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = open(folder.path());
    let run = snapshot(&[18], None);
    let id = record(&mut store, &run, How::default()).submissions()[0];
    store.forget(id, NOW).unwrap();
    record(&mut store, &run, How::default());
    assert_eq!(store.due(NOW, None).unwrap(), []);
    assert_eq!(
        store.summaries(None).unwrap()[0].state,
        SubmissionState::Ignored
    );
    store.retry(id, None, NOW).unwrap();
    assert_eq!(due(&store), [(id, Some(18))]);
}

#[test]
fn a_retry_without_an_ado_run_uses_the_settings_of_today() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = open(folder.path());
    let id = record(&mut store, &snapshot(&[], None), How::default()).submissions()[0];
    store.retry(id, Some(&snapshot(&[19], None)), NOW).unwrap();
    assert_eq!(due(&store), [(id, Some(19))]);
}

#[test]
fn a_submitted_run_is_neither_retried_nor_forgotten() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = open(folder.path());
    let id = record(&mut store, &snapshot(&[18], None), How::default()).submissions()[0];
    store.submitted(id, NOW).unwrap();
    assert!(matches!(
        store.retry(id, None, NOW),
        Err(StoreError::NotNow(_))
    ));
    assert!(matches!(store.forget(id, NOW), Err(StoreError::NotNow(_))));
    assert!(matches!(
        store.retry(77, None, NOW),
        Err(StoreError::UnknownSubmission(77))
    ));
}

#[test]
fn a_lost_or_empty_or_foreign_database_is_refused_and_left_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    drop(open(folder.path()));
    let file = folder.path().join(DATABASE);
    std::fs::remove_file(&file).unwrap();
    assert!(matches!(
        Store::open(folder.path()),
        Err(OpenError::Lost {
            found: "missing",
            ..
        })
    ));
    std::fs::write(&file, "").unwrap();
    assert!(matches!(
        Store::open(folder.path()),
        Err(OpenError::Lost { found: "empty", .. })
    ));
    std::fs::remove_file(&file).unwrap();
    rusqlite::Connection::open(&file)
        .unwrap()
        .execute_batch("CREATE TABLE theirs (x)")
        .unwrap();
    assert!(matches!(
        Store::open(folder.path()),
        Err(OpenError::Lost {
            found: "not a database of kado",
            ..
        })
    ));
    std::fs::write(
        &file,
        "this is no database at all, it is a text that is long enough to be none",
    )
    .unwrap();
    let Err(OpenError::Damaged { aside, .. }) = Store::open(folder.path()) else {
        panic!("a text was opened")
    };
    assert!(
        std::fs::read_to_string(aside)
            .unwrap()
            .starts_with("this is no database")
    );
    assert!(
        matches!(
            Store::open(folder.path()),
            Err(OpenError::Lost {
                found: "missing",
                ..
            })
        ),
        "no new start"
    );
}

#[test]
fn a_truncated_database_is_set_aside_and_nothing_starts_anew() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = open(folder.path());
    for number in 0..200 {
        let mut run = snapshot(&[18], None);
        run.run.started = Some(Moment::from_millis(number));
        record(&mut store, &run, How::default());
    }
    drop(store);
    let file = folder.path().join(DATABASE);
    let whole = std::fs::read(&file).unwrap();
    std::fs::write(&file, &whole[..whole.len() / 2]).unwrap();
    let Err(OpenError::Damaged { aside, .. }) = Store::open(folder.path()) else {
        panic!("half a database was opened")
    };
    assert_eq!(
        std::fs::metadata(aside).unwrap().len(),
        whole.len() as u64 / 2
    );
    assert!(Store::open(folder.path()).is_err());
}

#[test]
fn a_newer_schema_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    drop(open(folder.path()));
    let connection = rusqlite::Connection::open(folder.path().join(DATABASE)).unwrap();
    connection.pragma_update(None, "user_version", 99).unwrap();
    drop(connection);
    assert!(matches!(
        Store::open(folder.path()),
        Err(OpenError::Newer { found: 99, .. })
    ));
}

#[test]
fn what_is_left_to_katalon_is_not_hurried_by_others_and_holds_back_nobody_who_is_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = open(folder.path());
    let older = snapshot(&[18], None);
    let mut newer = older.clone();
    (newer.run.started, newer.run.ended) =
        (Some(Moment::from_millis(15)), Some(Moment::from_millis(19)));
    let held = record(&mut store, &older, How::default()).submissions()[0];
    let other = record(&mut store, &newer, How::default()).submissions()[0];
    let until = NOW.plus(Duration::from_secs(600));
    store.hold_for_katalon(&[held], until).unwrap();
    assert_eq!(due(&store), [], "the newer one would make it late");
    assert_eq!(
        store
            .due(NOW, Some(&[held, other]))
            .unwrap()
            .iter()
            .map(|due| due.id)
            .collect::<Vec<_>>(),
        [other]
    );
    store.make_due(&[other]).unwrap();
    store
        .make_all_due(NOW.plus(Duration::from_secs(120)))
        .unwrap();
    assert_eq!(
        store.next_due(NOW).unwrap(),
        Some(NOW.plus(Duration::from_secs(120))),
        "at most so long"
    );
    store.make_all_due(NOW).unwrap();
    assert_eq!(store.due(NOW, None).unwrap().len(), 2);
    store
        .store_plan(held, &plan(&older, 18, "k", &AdoFacts::default()), NOW)
        .unwrap();
    let row = store.summaries(Some(&[held])).unwrap().remove(0);
    assert_eq!(
        (row.error, row.obstacle, row.next_attempt),
        (None, None, None),
        "it is left to nobody any more"
    );
    assert_eq!(store.counts().unwrap()[&SubmissionState::Submitting], 1);
}

#[test]
fn a_garbled_first_look_at_the_machine_is_an_error_and_no_new_one() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = open(folder.path());
    assert_eq!(store.first_seen(NOW).unwrap(), NOW);
    assert_eq!(store.first_seen(Moment::from_millis(7)).unwrap(), NOW);
    store
        .connection
        .execute(
            "UPDATE fact SET value = 'soon' WHERE name = 'first_seen_ms'",
            [],
        )
        .unwrap();
    let error = store.first_seen(NOW).unwrap_err();
    assert!(
        error.to_string().contains("`soon` as `first_seen_ms`"),
        "{error}"
    );
}

#[test]
fn settled_folders_are_forgotten_only_when_they_stayed_away() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = open(folder.path());
    let settled = |key: &str| (key.to_owned(), 1);
    store
        .settle_folders(&["/stays", "/away", "/gone"].map(settled))
        .unwrap();
    let names = |names: &[&str]| {
        names
            .iter()
            .map(|name| (*name).to_owned())
            .collect::<Vec<_>>()
    };
    store
        .age_folders(
            &Ageing {
                gone: names(&["/away", "/gone"]),
                ..Ageing::default()
            },
            NOW,
        )
        .unwrap();
    drop(store);
    let mut store = open(folder.path());
    assert_eq!(
        store.settled_folders().unwrap()["/away"].gone,
        Some(NOW),
        "also after a restart"
    );
    let later = Ageing {
        back: names(&["/away"]),
        forgotten: names(&["/gone"]),
        ..Ageing::default()
    };
    store.age_folders(&later, NOW).unwrap();
    let left: BTreeMap<_, _> = store.settled_folders().unwrap().into_iter().collect();
    let there = SettledFolder {
        fingerprint: 1,
        gone: None,
    };
    assert_eq!(
        left,
        BTreeMap::from([("/away".to_owned(), there), ("/stays".to_owned(), there)])
    );
}

#[test]
fn a_row_that_cannot_be_read_is_listed_with_the_way_out_and_costs_only_itself() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = open(folder.path());
    let run = snapshot(&[18, 19], None);
    let ids = record(&mut store, &run, How::default())
        .submissions()
        .to_vec();
    store
        .store_plan(ids[1], &plan(&run, 19, "k", &AdoFacts::default()), NOW)
        .unwrap();
    for broken in [r#"{"skipped":[{"x":1}]}"#, "no JSON"] {
        store
            .connection
            .execute(
                "UPDATE submission SET plan = ?2 WHERE id = ?1",
                params![ids[0], broken],
            )
            .unwrap();
        let rows = store.summaries(None).unwrap();
        let error = |id: i64| rows.iter().find(|row| row.id == id).unwrap().error.clone();
        assert!(
            error(ids[0])
                .is_some_and(|error| error.contains("`kado submit --again FOLDER` starts anew")),
            "{rows:?}"
        );
        assert_eq!(error(ids[1]), None);
    }
    store
        .connection
        .execute(
            "UPDATE submission SET refused = '{}' WHERE id = ?1",
            [ids[1]],
        )
        .unwrap();
    assert!(store.summaries(Some(&[ids[1]])).unwrap()[0].error.is_some());
}

#[test]
fn many_who_open_a_new_state_folder_at_once_all_succeed() {
    for _ in 0..10 {
        let folder = tempfile::tempdir().unwrap();
        let together = std::sync::Barrier::new(8);
        let failed: Vec<String> = std::thread::scope(|scope| {
            let open = || {
                together.wait();
                Store::open_beside(folder.path())
                    .err()
                    .map(|error| crate::error_chain::chain(&error))
            };
            let all: Vec<_> = (0..8).map(|_| scope.spawn(open)).collect();
            all.into_iter()
                .filter_map(|one| one.join().unwrap())
                .collect()
        });
        assert_eq!(failed, [""; 0]);
    }
}
