//! What a walk lists again though no event told of it, and what it does not.

#![expect(clippy::disallowed_methods, reason = "tests make files")]

use std::fs::{self, File};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::*;
use crate::clock;
use crate::door::Folder;

/// An hour from now: what was made just now has been there for long.
fn later() -> Moment {
    clock::now().plus(Duration::from_secs(60 * 60))
}

/// A run of a suite in two folders, in a session of its own, that looks as if it were of long ago.
fn project() -> (tempfile::TempDir, PathBuf) {
    let temp = tempfile::tempdir().expect("there is a folder for tests");
    fs::write(temp.path().join("Shop.prj"), "").expect("the folder is ours");
    let session = temp.path().join("Reports/a");
    write_run(&session.join("Smoke/Checkout/1"));
    fs::create_dir(session.join("Smoke/Checkout/1/keyes")).expect("the run is there");
    make_old(temp.path());
    (temp, session)
}

fn write_run(folder: &Path) {
    fs::create_dir_all(folder).expect("the project is ours");
    fs::write(folder.join("execution0.log"), "<log>").expect("the folder is there");
}

/// Sets the times of everything back, so that each change shows however soon it comes.
fn make_old(path: &Path) {
    if path.is_dir() {
        for entry in fs::read_dir(path).expect("it is a folder") {
            make_old(&entry.expect("nobody changes it").path());
        }
    }
    let old: SystemTime = UNIX_EPOCH + Duration::from_secs(1_000_000_000);
    let file = File::open(path).expect("it is there");
    file.set_modified(old).expect("it is ours");
}

fn rules(history_begins: Option<Moment>) -> LookRules {
    LookRules {
        abort_after: Duration::from_secs(60 * 60),
        history_begins,
        claimed: Vec::new(),
        command_ended: Arc::default(),
    }
}

/// Sweeps, and settles what is found; gives that, by its path from the project on.
fn sweep_listing(
    scout: &mut Scout,
    project: &Path,
    extent: WalkExtent,
    now: Moment,
) -> Vec<String> {
    let found = scout.find(&[project.to_owned()], &rules(None), extent, now);

    let mut names = Vec::new();
    for folder in &found.folders {
        scout.settle(folder, 1, FolderAnswer::Recorded);
        let below = folder
            .strip_prefix(project.join("Reports"))
            .expect("runs lie in `Reports`");
        names.push(below.display().to_string());
    }

    scout.remember_sessions();
    names
}

fn sweep_at(scout: &mut Scout, project: &Path, now: Moment) -> Vec<String> {
    sweep_listing(scout, project, WalkExtent::ChangedSessions, now)
}

fn sweep(scout: &mut Scout, project: &Path) -> Vec<String> {
    sweep_at(scout, project, later())
}

#[test]
fn a_session_in_which_nothing_has_changed_is_not_listed_again() {
    let (project, _) = project();
    let mut scout = Scout::default();

    let first = sweep(&mut scout, project.path());
    let second = sweep(&mut scout, project.path());

    assert_eq!(first, ["a/Smoke/Checkout/1"]);
    assert_eq!(second, [""; 0]);
}

#[test]
fn a_run_folder_at_any_level_of_an_old_session_is_found_though_nobody_told_of_it() {
    let (project, _) = project();
    let reports = project.path().join("Reports");
    let mut scout = Scout::default();
    sweep(&mut scout, project.path());

    for new in [
        "b",
        "c/Smoke/Checkout/1",
        "a/2",
        "a/Smoke/2",
        "a/Smoke/Checkout/2",
        "a/Smoke/Checkout/1/2",
        "a/Smoke/Checkout/1/keyes/2",
        "a/Smoke/Checkout/1/keyes/deep/er/2",
    ] {
        write_run(&reports.join(new));

        let found = sweep(&mut scout, project.path());

        assert!(found.contains(&new.to_owned()), "{new}: {found:?}");
        make_old(&reports);
        sweep(&mut scout, project.path());
        assert_eq!(sweep(&mut scout, project.path()), [""; 0], "{new}");
    }
}

#[test]
fn a_late_file_and_a_log_that_grows_have_the_run_looked_at_again() {
    let (project, session) = project();
    let run = session.join("Smoke/Checkout/1");
    let mut scout = Scout::default();
    sweep(&mut scout, project.path());

    for late in ["late.pdf", "keyes/late.png", "execution0.log"] {
        fs::write(run.join(late), "<log><record>").expect("the run is there");

        let found = sweep(&mut scout, project.path());

        assert_eq!(found, ["a/Smoke/Checkout/1"], "{late}");
        make_old(project.path());
        sweep(&mut scout, project.path());
    }
}

#[test]
fn what_changed_right_before_it_was_listed_is_listed_again() {
    let (project, _) = project();
    let mut scout = Scout::default();

    // Its files were made just now.
    let first = sweep_at(&mut scout, project.path(), clock::now());
    let second = sweep_at(&mut scout, project.path(), later());
    let third = sweep_at(&mut scout, project.path(), later());

    assert_eq!(first, second);
    assert_eq!(third, [""; 0]);
}

#[test]
fn what_is_in_an_unchanged_session_is_there_and_what_was_removed_from_it_is_gone() {
    let (project, session) = project();
    let mut scout = Scout::default();
    sweep(&mut scout, project.path());

    sweep(&mut scout, project.path());
    assert!(scout.age(&[], later()).is_empty());

    fs::remove_dir_all(session.join("Smoke/Checkout/1")).expect("the run was there");
    let found = sweep(&mut scout, project.path());

    assert_eq!(found, [""; 0]);
    assert_eq!(scout.age(&[], later()).gone.len(), 1);
}

#[test]
fn what_is_to_be_decided_anew_is_found_though_nothing_has_changed() {
    let (project, session) = project();
    let mut scout = Scout::default();
    sweep(&mut scout, project.path());

    scout.reconsider(vec![key(&session.join("Smoke/Checkout/1"))]);

    assert_eq!(sweep(&mut scout, project.path()), ["a/Smoke/Checkout/1"]);
}

#[test]
fn what_was_older_than_the_history_is_found_when_that_begins_earlier() {
    let (project, session) = project();
    let run = session.join("Smoke/Checkout/1");
    let ended = Moment::from_millis(1_000);
    let roots = [project.path().to_owned()];
    let mut scout = Scout::default();
    scout.find(
        &roots,
        &rules(Some(later())),
        WalkExtent::ChangedSessions,
        later(),
    );
    scout.settle(&run, 1, FolderAnswer::Older { ended });
    scout.remember_sessions();

    let same = scout.find(
        &roots,
        &rules(Some(later())),
        WalkExtent::ChangedSessions,
        later(),
    );
    let earlier = scout.find(
        &roots,
        &rules(Some(ended)),
        WalkExtent::ChangedSessions,
        later(),
    );

    assert_eq!((same.folders.len(), same.unchanged), (0, 1));
    assert_eq!(earlier.folders, [run]);
}

#[test]
fn a_session_with_a_link_and_a_lively_one_are_listed_each_time() {
    let (project, session) = project();
    let linked = project.path().join("Reports/linked");
    write_run(&linked.join("1"));
    std::os::unix::fs::symlink("nowhere", linked.join("latest")).expect("the run is there");
    let mut scout = Scout::default();
    let roots = [project.path().to_owned()];

    for _ in 0..2 {
        let found = scout.find(&roots, &rules(None), WalkExtent::ChangedSessions, later());
        for folder in &found.folders {
            scout.settle(folder, 1, FolderAnswer::Recorded);
        }
        scout.sessions.lively.insert(session.clone());
        scout.remember_sessions();

        assert_eq!((found.folders.len(), found.unchanged), (2, 0));
    }
}

#[test]
fn everything_is_listed_when_that_is_asked_for() {
    let (project, _) = project();
    let mut scout = Scout::default();
    sweep(&mut scout, project.path());

    let all = sweep_listing(&mut scout, project.path(), WalkExtent::Everything, later());
    let changes = sweep(&mut scout, project.path());

    assert_eq!(all, ["a/Smoke/Checkout/1"]);
    assert_eq!(changes, [""; 0]);
}

#[test]
fn where_the_times_of_folders_do_not_tell_of_changes_everything_is_listed_each_time() {
    let (project, _) = project();
    let mut scout = Scout::default();
    sweep(&mut scout, project.path());
    let opened = Folder::named(project.path()).expect("the project is there");
    Arc::make_mut(&mut scout.known).forget_all_but_the_session(&opened, Path::new("Reports/a"));

    let all = sweep_listing(&mut scout, project.path(), WalkExtent::Everything, later());
    let again = sweep(&mut scout, project.path());

    assert_eq!(all, ["a/Smoke/Checkout/1"]);
    assert_eq!(again, ["a/Smoke/Checkout/1"]);
}

#[test]
fn a_folder_that_vanishes_between_its_listing_and_its_reading_is_gone_and_not_unread() {
    let (project, session) = project();
    let run = session.join("Smoke/Checkout/1");
    let mut scout = Scout::default();
    scout.find(
        &[project.path().to_owned()],
        &rules(None),
        WalkExtent::ChangedSessions,
        later(),
    );
    let unread = || io::Error::from(ErrorKind::PermissionDenied);
    let looked = |error| Ok(Reached::Done((FolderMemory::default(), Err(error))));

    let mut while_there = SeenFolders::default();
    scout.take_in(
        &run,
        looked(unread()),
        &rules(None),
        later(),
        &mut while_there,
    );
    fs::remove_dir_all(&run).expect("the run was there");
    let mut wiped = SeenFolders::default();
    scout.take_in(&run, looked(unread()), &rules(None), later(), &mut wiped);

    assert_eq!(
        (while_there.totals.unread, while_there.gone),
        (vec![run.clone()], vec![])
    );
    assert_eq!((wiped.totals.unread, wiped.gone), (vec![], vec![run]));
}
