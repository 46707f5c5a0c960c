//! The outbox keeps its promises: a run is one run, steps move one way, a lost database is never
//! papered over.

#[cfg(test)]
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::path::Path;
use std::time::Duration;

use rusqlite::params;

use crate::discovery::eligibility::History;
use crate::discovery::folder_answer::{AnsweredFolder, FolderAnswer};
use crate::discovery::run_identity::RunIdentity;
use crate::discovery::settled::{Ageing, FolderDigest, Settled, SettledFolder};
use crate::file_names;
use crate::moment::Moment;
use crate::outbox::new_run::{Occasion, RecordOutcome};
use crate::outbox::step::StepState;
use crate::outbox::store::test_runs::{
    AGAIN, ASKED, NOW, aborted, at, found, ignored, open, record, snapshot,
};
use crate::outbox::store::{DATABASE, OpenError, Store, StoreError, set_aside};
use crate::outbox::submission::{HowMade, SubmissionState, SubmissionSummary};
use crate::plan::ado_facts::AdoFacts;
use crate::plan::history::TestMemory;
use crate::plan::left_out::LeftOut;
use crate::plan::plan;
use crate::plan::snapshot::Snapshot;

/// Stores the plan of a submission.
fn store_plan(store: &mut Store, id: i64, run: &Snapshot) {
    let plan = plan(run, 18, "k", &AdoFacts::default(), &TestMemory::default());
    store.store_plan(id, &plan, NOW).unwrap();
}

fn only_row(store: &Store) -> SubmissionSummary {
    let mut rows = store.summaries(None).unwrap();
    assert_eq!(rows.len(), 1);
    rows.remove(0)
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
fn the_same_run_met_twice_is_recorded_once_also_when_its_uuid_comes_late() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = open(folder.path());
    let first = found(&mut store, &snapshot(&[18], None));

    let copy = Snapshot {
        folder: "/elsewhere".to_owned(),
        ..snapshot(&[18], Some("u-1"))
    };
    let copied = record(&mut store, &copy, &Occasion::Found);
    // Now the uuid is known, and another one separates another run.
    let other = record(&mut store, &snapshot(&[18], Some("u-2")), &Occasion::Found);

    assert_eq!(copied, RecordOutcome::Unchanged(vec![first]));
    assert!(matches!(other, RecordOutcome::New(_)), "{other:?}");
    let rows = store.summaries(None).unwrap();
    let keys: BTreeSet<_> = rows.into_iter().map(|row| row.key).collect();
    assert_eq!(keys.len(), 2);
}

#[test]
fn a_run_without_a_plan_is_parked_with_the_way_out() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = open(folder.path());

    found(&mut store, &snapshot(&[], None));

    let row = only_row(&store);
    assert_eq!(row.state, SubmissionState::Parked);
    assert!(row.error.unwrap().contains("submit.test_plans"));
}

#[test]
fn a_reason_that_quotes_others_is_kept_short_and_without_the_secrets_of_urls() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = open(folder.path());
    let id = found(&mut store, &snapshot(&[18], None));
    let answer = format!(
        "https://hub.example/a?sig=secret said {}",
        "no ".repeat(400)
    );

    store.park(id, &answer, None, NOW).unwrap();

    let reason = only_row(&store).error.unwrap();
    assert_eq!(reason.chars().count(), 300);
    assert!(!reason.contains("secret"), "{reason}");
}

#[test]
fn an_ignored_run_is_submitted_on_a_persons_word_under_its_own_key() {
    let run = snapshot(&[18], None);
    let other = tempfile::tempdir().unwrap();
    let mut elsewhere = open(other.path());
    found(&mut elsewhere, &run);
    let folder = tempfile::tempdir().unwrap();
    let mut store = open(folder.path());
    let listed = record(&mut store, &run, &ignored("ran elsewhere"));
    assert_eq!(store.due(NOW, None).unwrap(), []);

    let asked = record(&mut store, &run, &ASKED);

    let same_id = RecordOutcome::New(listed.submissions().to_vec());
    assert_eq!(asked, same_id, "the row keeps its id");
    assert_eq!(store.due(NOW, None).unwrap().len(), 1);
    assert_eq!(
        only_row(&store).key,
        only_row(&elsewhere).key,
        "two ledgers agree on the key"
    );
}

#[test]
fn a_run_listed_as_aborted_that_ends_after_all_is_submitted() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = open(folder.path());
    let run = snapshot(&[18], None);
    let listed = record(&mut store, &run, &aborted());
    assert_eq!(store.due(NOW, None).unwrap(), []);

    let ended = record(&mut store, &run, &Occasion::Found);

    assert_eq!(ended, RecordOutcome::New(listed.submissions().to_vec()));
    assert_eq!(store.due(NOW, None).unwrap().len(), 1);
}

#[test]
fn a_run_listed_as_aborted_that_was_forgotten_stays_forgotten() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = open(folder.path());
    let run = snapshot(&[18], None);
    let listed = record(&mut store, &run, &aborted());
    store.forget(listed.submissions()[0], NOW).unwrap();

    let ended = record(&mut store, &run, &Occasion::Found);

    assert!(matches!(ended, RecordOutcome::Unchanged(_)), "{ended:?}");
}

#[test]
fn a_snapshot_renewed_for_another_submission_does_not_change_work_in_flight() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = open(folder.path());
    let run = snapshot(&[18], None);
    let id = found(&mut store, &run);
    store_plan(&mut store, id, &run);

    let mut elsewhere = run.clone();
    elsewhere.options.server_url = Some("https://dev.azure.com/other".to_owned());
    record(&mut store, &elsewhere, &AGAIN);

    let in_flight = store.load(id).unwrap().snapshot;
    assert_eq!(in_flight.options.server_url, run.options.server_url);
}

#[test]
fn a_plan_made_anew_still_asks_for_a_run_that_may_have_been_created() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = open(folder.path());
    let run = snapshot(&[18], None);
    let id = found(&mut store, &run);
    store_plan(&mut store, id, &run);
    store.intend(id, 0).unwrap();

    store.retry(id, None, NOW).unwrap();

    assert!(store.load(id).unwrap().create_unclear);
}

#[test]
fn a_retry_for_a_plan_that_another_row_has_is_refused_in_words() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = open(folder.path());
    let recorded = record(&mut store, &snapshot(&[18, 999], None), &Occasion::Found);
    let second = recorded.submissions()[1];

    let refused = store
        .retry(second, Some(&snapshot(&[18], None)), NOW)
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
    found(&mut store, &run);

    let asked = record(&mut store, &run, &ASKED);
    let again = record(&mut store, &run, &AGAIN);

    assert!(matches!(asked, RecordOutcome::Unchanged(_)), "{asked:?}");
    assert!(matches!(again, RecordOutcome::New(_)), "{again:?}");
    assert_eq!(store.summaries(None).unwrap().len(), 2);
}

#[test]
fn steps_move_one_way_and_survive_being_opened_again() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = open(folder.path());
    let run = snapshot(&[18], None);
    let id = found(&mut store, &run);
    store_plan(&mut store, id, &run);

    let unasked = store.confirm(id, 0, &(), NOW);
    store.intend(id, 0).unwrap();
    store
        .confirm_run(id, 0, 150, "https://x", HowMade::Created, NOW)
        .unwrap();
    let twice = store.intend(id, 0);

    assert!(
        matches!(unasked, Err(StoreError::IllegalMove { .. })),
        "nothing was intended"
    );
    assert!(
        matches!(twice, Err(StoreError::IllegalMove { .. })),
        "a confirmed step is never sent again"
    );
    drop(store);
    let submission = open(folder.path()).load(id).unwrap();
    assert_eq!(submission.ado_run_id, Some(150));
    assert_eq!(submission.steps[0].state, StepState::Confirmed);
}

#[test]
fn a_submission_that_takes_over_the_progress_of_its_steps_is_as_if_read_anew() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = open(folder.path());
    let run = snapshot(&[18], None);
    let id = found(&mut store, &run);
    store_plan(&mut store, id, &run);
    let mut submission = store.load(id).unwrap();
    store.intend(id, 0).unwrap();
    store
        .confirm_run(id, 0, 150, "https://x", HowMade::Created, NOW)
        .unwrap();

    submission.apply(store.progress(id).unwrap());

    let anew = store.load(id).unwrap();
    assert_eq!(submission.ado_run_id, anew.ado_run_id);
    assert_eq!(submission.attempts, anew.attempts);
    assert_eq!(submission.refused, anew.refused);
}

#[test]
fn a_confirmation_does_not_write_the_plan_and_the_snapshot_again() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = open(folder.path());
    let run = snapshot(&[18], None);
    let id = found(&mut store, &run);
    store_plan(&mut store, id, &run);
    store.intend(id, 0).unwrap();
    store
        .confirm_run(id, 0, 150, "https://x", HowMade::Created, NOW)
        .unwrap();
    store.intend(id, 1).unwrap();
    let before = store.rows_written();

    store.confirm(id, 1, &(), NOW).unwrap();

    // The step and its line of the ledger; the row of the submission holds megabytes.
    assert_eq!(store.rows_written() - before, 2);
}

#[test]
fn what_is_refused_is_a_row_each_in_its_order_and_once() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = open(folder.path());
    let run = snapshot(&[18], None);
    let id = found(&mut store, &run);
    let refused: Vec<LeftOut> = (0..20)
        .map(|number| LeftOut::file(None, format!("file {number}")))
        .collect();

    let mut changes = Vec::new();
    for one in &refused {
        let before = store.rows_written();
        store.leave_out(id, std::slice::from_ref(one)).unwrap();
        changes.push(store.rows_written() - before);
    }
    store.leave_out(id, &refused[..5]).unwrap();

    assert_eq!(changes, [1; 20]);
    assert_eq!(store.load(id).unwrap().refused, refused);
}

#[test]
fn a_word_that_no_state_has_is_an_error_wherever_it_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = open(folder.path());
    let run = snapshot(&[18], None);
    let id = found(&mut store, &run);
    store_plan(&mut store, id, &run);
    // As a later version, whose schema allows more words, could have left it.
    store
        .connection
        .execute_batch(
            "PRAGMA ignore_check_constraints = true;
             UPDATE step SET state = 'postponed';
             UPDATE submission SET state = 'postponed'",
        )
        .unwrap();

    assert!(store.load(id).is_err());
    assert!(store.summaries(None).is_err());
    assert!(store.counts().is_err());
    assert!(store.intend(id, 0).is_err());
    assert!(store.park(id, "needs a person", None, NOW).is_err());
    assert!(store.retry(id, None, NOW).is_err());
    assert!(store.forget(id, NOW).is_err());
}

#[test]
fn a_forgotten_run_stays_listed_and_is_taken_up_only_on_a_persons_word() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = open(folder.path());
    let run = snapshot(&[18], None);
    let id = found(&mut store, &run);

    store.forget(id, NOW).unwrap();
    record(&mut store, &run, &Occasion::Found);
    assert_eq!(store.due(NOW, None).unwrap(), []);
    assert_eq!(only_row(&store).state, SubmissionState::Ignored);

    store.retry(id, None, NOW).unwrap();
    assert_eq!(due(&store), [(id, Some(18))]);
}

#[test]
fn a_retry_without_an_ado_run_uses_the_settings_of_today() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = open(folder.path());
    let id = found(&mut store, &snapshot(&[], None));

    store.retry(id, Some(&snapshot(&[19], None)), NOW).unwrap();

    assert_eq!(due(&store), [(id, Some(19))]);
}

#[test]
fn a_retry_uses_the_newest_that_is_known_and_not_what_the_submission_was_planned_from() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = open(folder.path());
    let both = snapshot(&[18, 19], None);
    let recorded = record(&mut store, &both, &Occasion::Found);
    let [first, second] = *recorded.submissions() else {
        panic!("{recorded:?}")
    };
    store_plan(&mut store, second, &both);

    store.retry(first, Some(&snapshot(&[], None)), NOW).unwrap();
    let retried = store.retry(second, None, NOW);

    // The settings name no plan any more, and the first is the submission of such a run.
    assert!(matches!(retried, Err(StoreError::NotNow(_))), "{retried:?}");
}

#[test]
fn a_refused_retry_of_a_run_without_a_test_plan_names_none() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = open(folder.path());
    let recorded = record(&mut store, &snapshot(&[18, 19], None), &Occasion::Found);
    let [first, second] = *recorded.submissions() else {
        panic!("{recorded:?}")
    };
    store.retry(first, Some(&snapshot(&[], None)), NOW).unwrap();

    let refused = store.retry(first, Some(&snapshot(&[19], None)), NOW);

    let words = refused.unwrap_err().to_string();
    let expected = format!("this run no longer goes to its test plan; run {second} is");
    assert!(words.starts_with(&expected), "{words}");
}

#[test]
fn a_submitted_run_is_neither_retried_nor_forgotten() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = open(folder.path());
    let id = found(&mut store, &snapshot(&[18], None));
    store.submitted(id, NOW).unwrap();

    let retried = store.retry(id, None, NOW);
    let forgotten = store.forget(id, NOW);
    let unknown = store.retry(77, None, NOW);

    assert!(matches!(retried, Err(StoreError::NotNow(_))));
    assert!(matches!(forgotten, Err(StoreError::NotNow(_))));
    assert!(matches!(unknown, Err(StoreError::UnknownSubmission(77))));
}

/// Asserts that a state folder is refused because its database is lost.
fn assert_lost(state_dir: &Path, expected: &str) {
    match Store::open(state_dir) {
        Err(OpenError::Lost { found, .. }) => assert_eq!(found, expected),
        Err(other) => panic!("{other:?}"),
        Ok(_) => panic!("a database that is {expected} was opened"),
    }
}

#[test]
fn a_lost_or_empty_or_foreign_database_is_refused_and_left_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    drop(open(folder.path()));
    let file = folder.path().join(DATABASE);

    std::fs::remove_file(&file).unwrap();
    assert_lost(folder.path(), "missing");

    std::fs::write(&file, "").unwrap();
    assert_lost(folder.path(), "empty");

    std::fs::remove_file(&file).unwrap();
    rusqlite::Connection::open(&file)
        .unwrap()
        .execute_batch("CREATE TABLE theirs (x)")
        .unwrap();
    assert_lost(folder.path(), "not a database of kado");
}

#[test]
fn a_file_that_is_no_database_is_set_aside_and_nothing_starts_anew() {
    let folder = tempfile::tempdir().unwrap();
    drop(open(folder.path()));
    let text = "this is no database at all, it is a text that is long enough to be none";
    std::fs::write(folder.path().join(DATABASE), text).unwrap();

    let Err(OpenError::Damaged { aside, .. }) = Store::open(folder.path()) else {
        panic!("a text was opened")
    };

    assert_eq!(std::fs::read_to_string(aside).unwrap(), text);
    assert_lost(folder.path(), "missing");
}

#[test]
fn a_damaged_database_that_cannot_be_moved_is_told_where_it_lies() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join(DATABASE);
    let log = folder.path().join("kado.db-wal");
    std::fs::write(&file, "damaged").unwrap();
    std::fs::write(&log, "its log").unwrap();
    let nowhere = folder.path().join("gone").join("aside");

    let refused = set_aside(damage_of(&file), &file, &nowhere);

    assert!(matches!(refused, OpenError::DamagedInPlace { .. }));
    assert!(file.exists() && log.exists());
}

#[cfg(unix)]
#[test]
fn a_damaged_database_whose_log_cannot_be_moved_stays_beside_it() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join(DATABASE);
    let log = folder.path().join("kado.db-wal");
    std::fs::write(&file, "damaged").unwrap();
    std::fs::write(&log, "its log").unwrap();
    let aside = folder.path().join("aside");
    // A file is never renamed onto a folder.
    std::fs::create_dir(folder.path().join("aside-wal")).unwrap();

    let refused = set_aside(damage_of(&file), &file, &aside);

    assert!(matches!(refused, OpenError::DamagedInPlace { .. }));
    assert!(file.exists() && log.exists() && !aside.exists());
}

/// What SQLite says of a file that is no database.
fn damage_of(file: &Path) -> OpenError {
    let code = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_NOTADB);
    OpenError::Database {
        file: file.to_owned(),
        source: rusqlite::Error::SqliteFailure(code, None),
    }
}

#[cfg(unix)]
#[test]
fn a_database_that_cannot_be_looked_at_is_not_taken_for_missing() {
    use crate::outbox::store::refuse_lost;

    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join(DATABASE);
    // A link that leads to itself: nobody can say what is there.
    std::os::unix::fs::symlink(&file, &file).unwrap();

    let refused = refuse_lost(&file, folder.path());

    assert!(matches!(refused, Err(OpenError::Folder { .. })));
}

#[test]
fn a_truncated_database_is_set_aside_and_nothing_starts_anew() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = open(folder.path());
    for started in 0..200 {
        found(&mut store, &at(started, 300, snapshot(&[18], None)));
    }
    drop(store);
    let file = folder.path().join(DATABASE);
    let whole = std::fs::read(&file).unwrap();
    std::fs::write(&file, &whole[..whole.len() / 2]).unwrap();

    let Err(OpenError::Damaged { aside, .. }) = Store::open(folder.path()) else {
        panic!("half a database was opened")
    };

    let size = std::fs::metadata(aside).unwrap().len();
    assert_eq!(size, whole.len() as u64 / 2);
    assert!(Store::open(folder.path()).is_err());
}

#[test]
fn a_newer_schema_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    drop(open(folder.path()));
    rusqlite::Connection::open(folder.path().join(DATABASE))
        .unwrap()
        .pragma_update(None, "user_version", 99)
        .unwrap();

    let opened = Store::open(folder.path());
    let read = Store::open_to_read(folder.path());

    assert!(matches!(opened, Err(OpenError::Newer { found: 99, .. })));
    assert!(matches!(read, Err(OpenError::Newer { found: 99, .. })));
}

#[test]
fn what_is_left_to_katalon_is_not_hurried_by_others_and_holds_back_nobody_who_is_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = open(folder.path());
    let older = snapshot(&[18], None);
    let newer = at(15, 19, older.clone());
    let held = found(&mut store, &older);
    let other = found(&mut store, &newer);

    let until = NOW.plus(Duration::from_secs(600));
    store.hold_for_katalon(&[held], until).unwrap();
    assert_eq!(due(&store), [], "the newer one would make it late");
    let asked = store.due(NOW, Some(&[held, other])).unwrap();
    let asked: Vec<i64> = asked.into_iter().map(|due| due.id).collect();
    assert_eq!(asked, [other]);

    store.make_due(&[other]).unwrap();
    let soon = NOW.plus(Duration::from_secs(120));
    store.make_all_due(soon).unwrap();
    let next = store.next_due(NOW).unwrap();
    assert_eq!(next, Some(soon), "at most so long");

    store.make_all_due(NOW).unwrap();
    assert_eq!(store.due(NOW, None).unwrap().len(), 2);

    store_plan(&mut store, held, &older);
    let row = store.summaries(Some(&[held])).unwrap().remove(0);
    assert_eq!(row.error, None, "it is left to nobody any more");
    assert_eq!(row.obstacle, None);
    assert_eq!(row.next_attempt, None);
    assert_eq!(store.counts().unwrap()[&SubmissionState::Submitting], 1);
}

#[test]
fn a_garbled_first_look_at_the_machine_is_an_error_and_no_new_one() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = open(folder.path());
    assert_eq!(store.first_seen(NOW).unwrap(), NOW);
    assert_eq!(store.first_seen(Moment::from_millis(7)).unwrap(), NOW);

    let garble = "UPDATE fact SET value = 'soon' WHERE name = 'first_seen_ms'";
    store.connection.execute(garble, []).unwrap();
    let error = store.first_seen(NOW).unwrap_err();

    assert!(
        error.to_string().contains("`soon` as `first_seen_ms`"),
        "{error}"
    );
}

#[test]
fn what_was_left_out_is_taken_up_by_the_rules_of_today_under_the_id_that_was_seen() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = open(folder.path());
    let run = snapshot(&[18], None);
    let left_out = record(&mut store, &run, &ignored("ran elsewhere"));

    let other_reason = record(&mut store, &run, &ignored("automatic submission is off"));

    assert_eq!(
        other_reason,
        RecordOutcome::Unchanged(left_out.submissions().to_vec())
    );
    let row = only_row(&store);
    assert_eq!(row.error.as_deref(), Some("automatic submission is off"));

    let taken_up = record(&mut store, &run, &Occasion::Found);

    assert_eq!(taken_up, left_out);
    assert_eq!(only_row(&store).state, SubmissionState::Pending);
}

#[test]
fn folders_are_read_again_whose_run_was_left_out_but_for_what_is_sent_or_forgotten() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = open(folder.path());
    let mut folders = Vec::new();
    for (number, path) in (0..).zip(["/ignored", "/forgotten", "/found"]) {
        let run = at(number, number + 1, snapshot(&[18], None));
        let occasion = match path {
            "/ignored" => ignored("ran elsewhere"),
            _ => Occasion::Found,
        };
        let recorded = record(&mut store, &run, &occasion);
        if path == "/forgotten" {
            store.forget(recorded.submissions()[0], NOW).unwrap();
        }
        folders.push(met(path, FolderAnswer::Recorded, run.identity()));
    }
    let reason = "no log".to_owned();
    folders.push(met("/unread", FolderAnswer::Unread { reason }, None));
    folders.push(met("/older", FolderAnswer::Older { ended: NOW }, None));
    store.note_folders(&folders).unwrap();

    let reconsidered = reconsider(&mut store, "/shop", 7);

    assert_eq!(reconsidered, ["/ignored", "/unread"].map(as_key));
    let settled = store.settled_folders().unwrap();
    let still = ["/forgotten", "/found", "/older"].map(|path| settled.contains(&as_key(path)));
    assert_eq!(still, [true; 3]);
    assert_eq!(store.project_rules().unwrap()[&as_key("/shop")], 7);
    assert_eq!(reconsider(&mut store, "/elsewhere", 8), [""; 0]);
}

/// Decides anew by these rules; gives the folders that are to be read again.
fn reconsider(store: &mut Store, project: &str, rules: u64) -> Vec<String> {
    let rules = BTreeMap::from([(as_key(project), rules)]);
    let folders = store.reconsider(&rules).unwrap();
    folders.into_iter().map(|folder| folder.path).collect()
}

/// A path as the outbox has it.
fn as_key(path: &str) -> String {
    file_names::key(Path::new(path))
}

/// By what a settled folder is known in memory.
fn digest(path: &str) -> FolderDigest {
    FolderDigest::of(&as_key(path))
}

/// A settled folder.
fn met(path: &str, answer: FolderAnswer, run: Option<RunIdentity>) -> AnsweredFolder {
    AnsweredFolder {
        folder: path.into(),
        project: Some("/shop".into()),
        run,
        answer,
        settled: Some(1),
    }
}

#[test]
fn each_folder_is_counted_by_the_rows_of_its_run_or_by_what_was_seen_of_it() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = open(folder.path());
    let run = snapshot(&[18], Some("u-1"));
    found(&mut store, &run);
    let without_uuid = RunIdentity {
        execution_uuid: None,
        ..run.identity().unwrap()
    };
    let unread = FolderAnswer::Unread {
        reason: "no log".to_owned(),
    };
    let older = FolderAnswer::Older { ended: NOW };
    store
        .note_folders(&[
            met("/1", FolderAnswer::Recorded, run.identity()),
            met("/copy", FolderAnswer::Recorded, Some(without_uuid.clone())),
            met("/older", older.clone(), None),
            met("/submitted-by-hand", older, Some(without_uuid)),
            met("/unread", unread.clone(), None),
            met("/runs", FolderAnswer::Running, None),
        ])
        .unwrap();

    let folders = store.run_folders(&HashSet::new()).unwrap();

    assert_eq!(
        folders.line(History::New),
        "6 run folders: 3 pending, 1 older than the first look (history), 1 still running, 1 not \
         readable"
    );
    let known = store.folder_answer(Path::new("/unread")).unwrap().unwrap();
    assert_eq!(known.answered, met("/unread", unread, None));
    let known = store.folder_answer(Path::new("/copy")).unwrap().unwrap();
    assert_eq!(known.submissions, [1]);
    let older = store.older_runs().unwrap();
    assert_eq!(older[0].count, 1);
    assert_eq!(older[0].newest, as_key("/older"));
}

#[test]
fn what_a_call_sent_is_counted_also_of_a_run_that_another_test_plan_had_and_of_one_that_is_gone() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut store = open(folder.path());
    let of_two_plans = snapshot(&[18, 19], Some("u-1"));
    let recorded = record(&mut store, &of_two_plans, &Occasion::Found);
    let [in_18, in_19] = recorded.submissions() else {
        panic!("{recorded:?}")
    };
    let gone = found(&mut store, &at(15, 19, snapshot(&[18], Some("u-2"))));
    let completed = at(25, 29, snapshot(&[18], Some("u-3")));
    let late = found(&mut store, &completed);
    store
        .note_folders(&[
            met("/1", FolderAnswer::Recorded, of_two_plans.identity()),
            met("/late", FolderAnswer::Recorded, completed.identity()),
        ])
        .expect("noted");
    for id in [*in_18, late] {
        store.submitted(id, NOW).expect("submitted");
    }
    let before = store.submitted_ids().expect("read");

    for id in [*in_19, gone] {
        store.submitted(id, NOW).expect("submitted");
    }

    let folders = store
        .run_folders_of_call(&before, &[*in_19, gone, late])
        .expect("read");
    assert_eq!(
        folders.line_of_call(History::New),
        "2 run folders: 1 submitted before, 1 submitted now; 1 run submitted now whose folder is \
         gone or not watched; files added to 1 run submitted before"
    );
}

#[test]
fn a_clock_that_was_ahead_leaves_what_is_known_to_be_older_alone() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut store = open(folder.path());
    assert_eq!(store.newest_older_run(NOW).expect("read"), None);
    let ended = |millis| FolderAnswer::Older {
        ended: Moment::from_millis(millis),
    };
    store
        .note_folders(&[
            met("/older", ended(5), None),
            met("/newest", ended(7), None),
            met("/ahead", ended(NOW.millis() + 9), None),
        ])
        .expect("noted");

    let newest = store.newest_older_run(NOW).expect("read");

    assert_eq!(newest, Some(Moment::from_millis(8)));
}

#[test]
fn settled_folders_are_forgotten_only_when_they_stayed_away() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = open(folder.path());
    let settled = ["/stays", "/away", "/gone"].map(|path| met(path, FolderAnswer::Recorded, None));
    store.note_folders(&settled).unwrap();

    let now = Ageing {
        gone: ["/away", "/gone"].map(digest).into(),
        ..Ageing::default()
    };
    store.age_folders(&now, NOW).unwrap();
    drop(store);
    let mut store = open(folder.path());
    let away = ["/away", "/gone"].map(|path| (digest(path), Some(NOW)));
    assert_eq!(
        store.settled_folders().unwrap(),
        settled_with([(digest("/stays"), None)].into_iter().chain(away)),
        "also after a restart"
    );

    let later = Ageing {
        back: ["/away"].map(digest).into(),
        forgotten: ["/gone"].map(digest).into(),
        ..Ageing::default()
    };
    store.age_folders(&later, NOW).unwrap();

    let there = ["/away", "/stays"].map(|path| (digest(path), None));
    assert_eq!(store.settled_folders().unwrap(), settled_with(there));
}

/// These folders, each with the moment since when it is gone.
fn settled_with(folders: impl IntoIterator<Item = (FolderDigest, Option<Moment>)>) -> Settled {
    let mut settled = Settled::default();
    for (digest, gone) in folders {
        let folder = SettledFolder {
            fingerprint: 1,
            older: None,
        };
        settled.take_in(digest, folder, gone);
    }
    settled
}

#[test]
fn a_row_that_cannot_be_read_is_listed_with_the_way_out_and_costs_only_itself() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = open(folder.path());
    let run = snapshot(&[18, 19], None);
    let recorded = record(&mut store, &run, &Occasion::Found);
    let [broken, whole] = recorded.submissions() else {
        panic!("{recorded:?}")
    };
    store_plan(&mut store, *whole, &run);

    for text in [r#"{"skipped":[{"x":1}]}"#, "no JSON"] {
        store
            .connection
            .execute(
                "UPDATE submission SET plan = ?2 WHERE id = ?1",
                params![broken, text],
            )
            .unwrap();

        let row = store.summaries(Some(&[*broken])).unwrap().remove(0);
        assert!(
            row.error
                .is_some_and(|error| error.contains("`kado submit --again FOLDER` starts anew")),
            "{text}"
        );
        let row = store.summaries(Some(&[*whole])).unwrap().remove(0);
        assert_eq!(row.error, None);
    }

    let change = "INSERT INTO refused (submission_id, item) VALUES (?1, '{')";
    store.connection.execute(change, [whole]).unwrap();
    let row = store.summaries(Some(&[*whole])).unwrap().remove(0);
    assert!(row.error.is_some());
}

#[test]
fn many_who_open_a_new_state_folder_at_once_all_succeed() {
    for _ in 0..10 {
        let folder = tempfile::tempdir().unwrap();
        let together = std::sync::Barrier::new(8);

        let failed: Vec<String> = std::thread::scope(|scope| {
            let mut all = Vec::new();
            for _ in 0..8 {
                all.push(scope.spawn(|| {
                    together.wait();
                    Store::open_beside(folder.path()).err()
                }));
            }
            all.into_iter()
                .filter_map(|one| one.join().unwrap())
                .map(|error| crate::error_chain::chain(&error))
                .collect()
        });

        assert_eq!(failed, [""; 0]);
    }
}
