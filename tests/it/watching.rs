//! What the watcher may lose, and what changes under it: it costs time at most, never a run.

#![expect(
    clippy::disallowed_methods,
    reason = "tests lay out folders and start programs"
)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use fake_ado::{Fault, FaultAction, Nth};
use fake_katalon::{Ending, Phase, SuiteRunWriter, Test, TestCaseFile};
use jiff::{SignedDuration, Timestamp};

use crate::support::katalonc::arguments;
use crate::support::{
    Machine, Service, age, ended, finish, finished, in_namespace, now, skip, tc, wait_until,
};

const CASES: [(&str, &str); 1] = [("Sign in", "1001")];

fn run_at(start: Timestamp) -> SuiteRunWriter {
    finished([Test::passed(&tc("Sign in"))]).start(start)
}

/// A finished run that starts so many seconds from now, in a project.
fn write_run(shop: &Path, seconds: i64) -> PathBuf {
    let folder = run_at(now() + SignedDuration::from_secs(seconds))
        .write_in(shop)
        .unwrap();
    age(&folder);
    folder
}

fn project(machine: &Machine, name: &str) -> PathBuf {
    machine.project(
        name,
        machine.settings(),
        [TestCaseFile::new(&tc("Sign in")).azure("1001")],
    )
}

/// With so few of something kado polls, says so everywhere, and finds the run.
fn polls_with(limit: &str, count: u32, says: &str) {
    let machine = Machine::new();
    let shop = machine.shop(&CASES);
    fs::create_dir_all(shop.join("Reports/a/b/c")).unwrap();
    let first = format!("echo {count} > /proc/sys/user/{limit}");

    let Some(command) = in_namespace(&machine.command(&["run"]), &[], &first) else {
        return;
    };
    let service = machine.start_as(command);
    service.wait_for_log("folders are polled every 30 s");

    assert!(service.log().contains(says), "{}", service.log());

    let status = machine.kado(&["status"]);

    assert_eq!(status.code, 1, "{status:?}");
    assert!(
        status.out.contains("folders are polled") && status.out.contains(says),
        "{status:?}"
    );

    let checked = machine.kado(&["check", "--offline"]);

    assert!(checked.out.contains("folders are polled"), "{checked:?}");

    write_run(&shop, 0);

    machine.wait_for_completed(1);

    let told = service.log().matches("folders are polled").count();
    assert_eq!(told, 1, "told once: {}", service.log());

    service.stop_cleanly();
    let status = machine.kado(&["status"]);

    assert!(
        !status.out.contains("polled"),
        "a service that has ended polls nothing: {status:?}"
    );
}

#[test]
fn without_a_watch_left_kado_polls_and_says_why() {
    polls_with("max_inotify_watches", 3, "fs.inotify.max_user_watches");
}

#[test]
fn without_an_inotify_instance_left_kado_polls_and_says_why() {
    polls_with("max_inotify_instances", 0, "fs.inotify.max_user_instances");
}

#[cfg(target_os = "linux")]
#[test]
fn more_events_than_the_system_keeps_cost_no_run() {
    let machine = Machine::new();
    let shop = machine.shop(&CASES);
    let limit = fs::read_to_string("/proc/sys/fs/inotify/max_queued_events").unwrap();
    let limit: usize = limit.trim().parse().unwrap();
    let [noise, other] =
        ["noise.txt", "other noise.txt"].map(|name| shop.join("Reports").join(name));
    fs::create_dir_all(shop.join("Reports")).unwrap();
    fs::write(&noise, "").unwrap();
    let service = machine.start_in_detail();
    service.wait_for_log("found a Katalon project");
    service.wait_for_log("folders are watched that were not");
    service.signal("STOP");

    // Each is two events at least, none like the one before, and nobody takes them; four times as
    // many as there is room for, should some have been taken before the program stood still.
    for _ in 0..limit {
        fs::rename(&noise, &other).unwrap();
        fs::rename(&other, &noise).unwrap();
    }

    write_run(&shop, 0);
    service.signal("CONT");
    service.wait_for_log("file events were lost");
    machine.wait_for_completed(1);
    service.stop_cleanly();
}

#[test]
fn a_reports_folder_that_is_deleted_and_made_again_is_watched_again() {
    let machine = Machine::new();
    let shop = machine.shop(&CASES);
    write_run(&shop, -100);

    let service = machine.start();
    service.wait_for_log("found a Katalon project");
    for round in 1..=3 {
        fs::remove_dir_all(shop.join("Reports")).unwrap();
        write_run(&shop, i64::from(round));
        machine.wait_for_completed(usize::try_from(round).unwrap());
    }
    service.stop_cleanly();

    assert_eq!(machine.ado_runs().len(), 3);
}

#[test]
fn a_project_may_move_vanish_and_come_back_while_kado_runs() {
    let machine = Machine::new();
    let first = project(&machine, "one/Shop");

    let service = machine.start();
    service.wait_for_log("found a Katalon project");
    write_run(&first, 0);
    machine.wait_for_completed(1);
    let second = machine.work().join("two/deeper/Shop");
    fs::create_dir_all(second.parent().unwrap()).unwrap();
    fs::rename(&first, &second).unwrap();
    write_run(&second, 1);
    machine.wait_for_completed(2);
    fs::remove_dir_all(&second).unwrap();
    let again = project(&machine, "one/Shop");
    write_run(&again, 2);
    machine.wait_for_completed(3);
    service.stop_cleanly();

    assert_eq!(
        machine.ado_runs().len(),
        3,
        "what moved with its project was sent once"
    );
}

/// A clock that goes wrong by as many seconds as a file says, for programs that are started with
/// it.
pub(crate) struct Clock {
    library: PathBuf,
    offset: PathBuf,
}

impl Clock {
    /// Compiles it; `None`, and the test is skipped, where that cannot be done.
    pub(crate) fn new(machine: &Machine) -> Option<Self> {
        let clock = Self {
            library: machine.root().join("clock.so"),
            offset: machine.root().join("clock.offset"),
        };
        let source = machine.root().join("clock.c");
        fs::write(&source, include_str!("watching/clock.c")).unwrap();
        clock.set(SignedDuration::ZERO);
        let made = Command::new("cc")
            .args(["-shared", "-fPIC", "-O1", "-o"])
            .arg(&clock.library)
            .arg(&source)
            .status();
        if cfg!(target_os = "linux") && made.is_ok_and(|status| status.success()) {
            return Some(clock);
        }

        skip("there is no C compiler, or no way to give a program another clock");

        None
    }

    pub(crate) fn set(&self, offset: SignedDuration) {
        let new = self.offset.with_extension("new");
        fs::write(&new, offset.as_secs().to_string()).unwrap();
        fs::rename(&new, &self.offset).unwrap();
    }

    pub(crate) fn start(&self, machine: &Machine) -> Service {
        let mut command = machine.command(&["run"]);
        self.give_to(&mut command);
        machine.start_as(command)
    }

    pub(crate) fn give_to(&self, command: &mut Command) {
        command
            .env("LD_PRELOAD", &self.library)
            .env("CLOCK_OFFSET_FILE", &self.offset);
    }
}

#[test]
fn a_clock_that_is_set_back_takes_no_run_from_kado_exec() {
    let machine = Machine::new();
    let shop = machine.shop(&CASES);
    let Some(clock) = Clock::new(&machine) else {
        return;
    };
    let (hold, suite) = (machine.root().join("hold"), "Test Suites/Smoke");
    fs::write(&hold, "").unwrap();
    // katalonc itself keeps the right time, or it would wait for its next record for two hours.
    let mut command = machine.exec_program(&[], Path::new("env"));
    command
        .args(["-u", "LD_PRELOAD"])
        .arg(crate::support::katalonc::program());
    command.args(arguments(&shop, suite, &["-adoTestRunName=By exec"]));
    clock.give_to(&mut command);
    command
        .env("FAKE_HOLD", &hold)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let exec = command.spawn().unwrap();

    wait_until("a test to start", || {
        let logs = kado::watch::find_runs(&shop)
            .into_iter()
            .map(|run| run.join("execution0.log"));
        let started = logs
            .filter_map(|log| fs::read_to_string(log).ok())
            .any(|text| text.contains("startTest"));
        if started { Ok(()) } else { Err(String::new()) }
    });
    clock.set(SignedDuration::from_hours(-2));
    fs::remove_file(&hold).unwrap();
    let done = ended(exec, "kado exec");

    assert_eq!(done.code, 0, "{done:?}");
    assert_eq!(machine.ado_run().name, "By exec", "{done:?}");
}

#[test]
fn a_clock_that_is_set_back_hides_no_new_run() {
    let machine = Machine::new();
    let shop = machine.shop(&CASES);
    let Some(clock) = Clock::new(&machine) else {
        return;
    };
    let service = clock.start(&machine);
    service.wait_for_log("found a Katalon project");

    // kado first saw this machine, and submitted a run, when its clock was two days ahead.
    age(&run_at(now()).write_in(&shop).unwrap());
    machine.wait_for_completed(1);
    let back = SignedDuration::from_hours(-48);
    clock.set(back);
    service.wait_for_log("the clock was set back");
    age(&run_at(now() + back).write_in(&shop).unwrap());
    machine.wait_for_completed(2);
    service.stop_cleanly();
}

#[test]
fn a_clock_that_was_set_back_hides_no_new_run_from_a_single_pass() {
    let machine = Machine::new();
    let shop = machine.shop(&CASES);
    let Some(clock) = Clock::new(&machine) else {
        return;
    };
    let once = || {
        let mut command = machine.command(&["run", "--once"]);
        clock.give_to(&mut command);
        let done = finish(command);
        assert_eq!(done.code, 0, "{done:?}");
    };
    let back = SignedDuration::from_hours(-48);

    // kado first saw this machine, and a run from before that, when its clock was two days ahead.
    let before = SignedDuration::from_mins(-30);
    age(&run_at(now() + back + before).write_in(&shop).unwrap());
    once();
    clock.set(back);
    let since = SignedDuration::from_mins(-10);
    age(&run_at(now() + back + since).write_in(&shop).unwrap());
    once();

    assert_eq!(machine.ado_runs().len(), 1, "{:?}", machine.states());
}

#[test]
fn a_run_whose_log_says_that_it_ends_later_parks_none_that_ends_after_it_was_seen() {
    let machine = Machine::new();
    let shop = machine.shop(&CASES);
    let Some(clock) = Clock::new(&machine) else {
        return;
    };
    let submit = |run: SuiteRunWriter| {
        let folder = run.write_in(&shop).expect("a run");
        let mut command = machine.command(&["submit", &folder.to_string_lossy()]);
        clock.give_to(&mut command);
        finish(command)
    };

    let ahead = submit(run_at(now() + SignedDuration::from_mins(10)));
    clock.set(SignedDuration::from_mins(20));
    let after = submit(run_at(now() + SignedDuration::from_mins(5)));

    assert_eq!(ahead.code, 0, "{ahead:?}");
    assert_eq!(after.code, 0, "{after:?}");
    assert_eq!(machine.ado_runs().len(), 2, "{:?}", machine.states());
}

#[test]
fn a_clock_that_is_set_back_puts_off_nothing_that_waits() {
    let machine = Machine::new();
    let shop = machine.shop(&CASES);
    let Some(clock) = Clock::new(&machine) else {
        return;
    };
    machine.fake.fault(Fault::new(
        "*",
        "",
        Nth::Every,
        FaultAction::organization_stopped(),
    ));
    let service = clock.start(&machine);
    write_run(&shop, 0);
    service.wait_for_log("waits");

    clock.set(SignedDuration::from_hours(-24));
    machine.fake.clear_faults();

    machine.wait_for_completed(1);
    service.stop_cleanly();
}

/// A number that the outbox holds.
fn count(machine: &Machine, sql: &str) -> i64 {
    let database = rusqlite::Connection::open(machine.state().join("kado.db")).unwrap();
    database.query_row(sql, [], |row| row.get(0)).unwrap()
}

fn wait_for_count(machine: &Machine, sql: &str, wanted: i64) {
    wait_until(sql, || match count(machine, sql) {
        found if found == wanted => Ok(()),
        found => Err(format!("{found} instead of {wanted}")),
    });
}

#[test]
fn a_folder_that_is_gone_for_a_week_is_forgotten_and_costs_no_second_run() {
    const SETTLED: &str = "SELECT count(*) FROM folder";
    const GONE: &str = "SELECT count(*) FROM folder WHERE gone_ms IS NOT NULL";
    let machine = Machine::new();
    let shop = machine.shop(&CASES);
    let Some(clock) = Clock::new(&machine) else {
        return;
    };

    let service = clock.start(&machine);
    let folder = write_run(&shop, 0);
    machine.wait_for_completed(1);

    wait_for_count(&machine, SETTLED, 1);
    assert_eq!(machine.submit_folder(&folder).code, 0);
    assert_eq!(count(&machine, "SELECT count(*) FROM request"), 1);
    let elsewhere = machine.root().join("elsewhere");
    fs::rename(&folder, &elsewhere).unwrap();
    // Each jump is followed by a sweep.
    clock.set(SignedDuration::from_mins(1));
    wait_for_count(&machine, GONE, 1);
    clock.set(SignedDuration::from_hours(6 * 24));
    wait_for_count(&machine, "SELECT count(*) FROM request", 0);
    assert_eq!(count(&machine, SETTLED), 1);

    clock.set(SignedDuration::from_hours(8 * 24));
    wait_for_count(&machine, SETTLED, 0);
    fs::rename(&elsewhere, &folder).unwrap();
    clock.set(SignedDuration::from_hours(9 * 24));
    wait_for_count(&machine, SETTLED, 1);

    service.stop_cleanly();

    assert_eq!(machine.rows().len(), 1);
    assert_eq!(machine.ado_runs().len(), 1);
}

#[test]
fn a_clock_that_is_wrong_by_days_makes_no_second_run_of_one_whose_answer_was_lost() {
    for hours in [-72, 72] {
        let machine = Machine::new();
        let shop = machine.shop(&CASES);
        let Some(clock) = Clock::new(&machine) else {
            return;
        };
        let wrong = SignedDuration::from_hours(hours);
        clock.set(wrong);
        machine.fake.fault(Fault::new(
            "POST",
            "test/runs$",
            Nth::Only(1),
            FaultAction::DropAfter,
        ));

        let service = clock.start(&machine);
        service.wait_for_log("found a Katalon project");
        age(&run_at(now() + wrong).write_in(&shop).unwrap());
        machine.wait_for_completed(1);
        service.stop_cleanly();

        assert_eq!(machine.ado_runs().len(), 1, "{hours} hours");
    }
}

#[test]
fn a_clock_that_jumps_ahead_costs_no_run_that_is_under_way() {
    let machine = Machine::new();
    let shop = machine.shop(&CASES);
    let Some(clock) = Clock::new(&machine) else {
        return;
    };

    let service = clock.start(&machine);
    service.wait_for_log("found a Katalon project");
    let run = run_at(now());
    let mut live = run.live(&run.folder_in(&shop));
    live.perform_through(Phase::Running).unwrap();
    machine.wait_for_rows("nothing to be known of the run", <[String]>::is_empty);
    clock.set(SignedDuration::from_hours(5));
    // By the clock the run has been quiet for hours, so it seems to be aborted.
    machine.wait_for_rows("the run to be listed", |rows| {
        rows.iter().any(|row| row.contains("ignored"))
    });
    live.perform_all().unwrap();
    machine.wait_for_completed(1);
    service.stop_cleanly();

    assert_eq!(machine.row()["state"], "submitted");
}

/// Bytes that a process has read so far, from whatever it opened.
#[cfg(target_os = "linux")]
fn bytes_read(process: u32) -> u64 {
    let io = fs::read_to_string(format!("/proc/{process}/io")).unwrap();
    io.lines()
        .find_map(|line| line.strip_prefix("rchar: "))
        .unwrap()
        .parse()
        .unwrap()
}

/// How many folders a process watches.
#[cfg(target_os = "linux")]
fn watches_of(process: u32) -> usize {
    let mut watches = 0;
    for open in fs::read_dir(format!("/proc/{process}/fdinfo")).unwrap() {
        let info = fs::read_to_string(open.unwrap().path()).unwrap_or_default();
        watches += info
            .lines()
            .filter(|line| line.starts_with("inotify wd:"))
            .count();
    }
    watches
}

#[cfg(target_os = "linux")]
#[test]
fn the_runs_of_years_cost_no_watch_and_a_new_one_is_found_by_its_event() {
    let machine = Machine::new();
    let shop = machine.shop(&CASES);
    for day in 2..=21 {
        write_run(&shop, -day * 24 * 60 * 60);
    }

    let service = machine.start_in_detail();
    service.wait_for_logs(2, "looked at everything");
    let watches = watches_of(service.id());
    write_run(&shop, 0);
    machine.wait_for_completed(1);

    assert!(
        (3..20).contains(&watches),
        "the watched folder, the project and its Reports: {watches}"
    );
    service.wait_for_log("looked at what an event told of");
    service.stop_cleanly();
}

#[test]
fn a_run_in_a_session_of_long_ago_is_sent_before_a_newer_one() {
    let machine = Machine::new();
    let shop = machine.shop(&CASES);
    let old = write_run(&shop, -20 * 24 * 60 * 60);
    let service = machine.start_in_detail();
    service.wait_for_logs(2, "looked at everything");

    // No event tells of it.
    let beside = old.with_file_name("20261201_010101");
    run_at(now()).live(&beside).perform_all().unwrap();
    // Longer than a folder with a report has to be still.
    std::thread::sleep(std::time::Duration::from_secs(2));
    write_run(&shop, 3);
    machine.wait_for_completed(2);
    service.stop_cleanly();

    for row in machine.rows() {
        assert_eq!(row["state"], "submitted", "{row}");
    }
}

/// All events are lost, and sweeps list only what has changed: the session was listed and has not
/// been touched for 20 days.
#[cfg(target_os = "linux")]
#[test]
fn without_any_event_a_run_at_each_level_of_a_session_of_long_ago_is_found() {
    let machine = Machine::new();
    let shop = machine.shop(&CASES);
    let old = write_run(&shop, -20 * 24 * 60 * 60);
    let suite = old.parent().unwrap();
    let reports = shop.join("Reports");
    let mut above = old.ancestors();
    let session = above
        .find(|above| above.parent() == Some(&reports))
        .unwrap();
    // What changed in the last two seconds is listed again in any case.
    std::thread::sleep(std::time::Duration::from_secs(3));

    let mut command = machine.command(&["run"]);
    command.env("KADO_LOG", "kado=debug");
    let no_events = "echo 0 > /proc/sys/user/max_inotify_instances";
    let Some(command) = in_namespace(&command, &[], no_events) else {
        return;
    };
    let service = machine.start_as(command);
    service.wait_for_log("folders are polled every 30 s");
    service.wait_for_log("unchanged_sessions=1");
    let places = [
        session.join("new"),
        suite.with_file_name("new").join("1"),
        suite.join("20261201_010101"),
        old.join("new"),
    ];
    for (number, folder) in (0..).zip(places) {
        let start = now() + SignedDuration::from_secs(number);
        run_at(start).live(&folder).perform_all().unwrap();
    }

    machine.wait_for_completed(4);
    service.stop_cleanly();
}

#[cfg(target_os = "linux")]
#[test]
fn of_a_run_of_long_ago_only_the_begin_and_the_end_of_its_log_are_read() {
    const PADDING: usize = 6 * 1024 * 1024;
    let machine = Machine::new();
    let shop = machine.shop(&CASES);
    let folder = write_run(&shop, -20 * 24 * 60 * 60);
    let log = folder.join("execution0.log");
    let text = fs::read_to_string(&log).unwrap();
    let (begin, end) = text.split_at(text.rfind("<record>").unwrap());
    fs::write(&log, format!("{begin}{}{end}", " ".repeat(PADDING))).unwrap();
    age(&folder);

    let service = machine.start();
    service.wait_for_log("1 older than the first look");
    let read = bytes_read(service.id());
    service.stop_cleanly();

    assert!(read < PADDING as u64, "{read} bytes were read");
    let why = machine.kado(&["why", folder.to_str().unwrap()]);
    assert!(why.out.contains("history"), "{why:?}");
}

#[cfg(target_os = "linux")]
#[test]
fn a_session_that_is_made_again_under_its_name_is_watched_again() {
    let machine = Machine::new();
    let shop = machine.shop(&CASES);
    let session = shop.join("Reports/nightly");

    let service = machine.start();
    service.wait_for_log("found a Katalon project");
    for round in 1..=3 {
        let _ = fs::remove_dir_all(&session);
        let run = run_at(now() + SignedDuration::from_secs(round));
        let folder = session.join("Regression").join(round.to_string());
        run.live(&folder).perform_all().unwrap();
        age(&folder);
        machine.wait_for_completed(usize::try_from(round).unwrap());
    }
    service.stop_cleanly();

    assert_eq!(machine.ado_runs().len(), 3);
}

#[cfg(target_os = "linux")]
#[test]
fn while_a_suite_runs_its_log_is_read_once_however_often_it_grows() {
    use std::io::Write as _;
    /// Times that the log grows, and bytes by which.
    const TIMES: usize = 400;
    const PIECE: usize = 64 * 1024;
    let machine = Machine::new();
    let shop = machine.shop(&CASES);

    let service = machine.start();
    service.wait_for_log("found a Katalon project");
    let run = run_at(now());
    let folder = run.folder_in(&shop);
    run.live(&folder).perform_through(Phase::Running).unwrap();
    let before = bytes_read(service.id());
    let mut log = fs::OpenOptions::new()
        .append(true)
        .open(folder.join("execution0.log"))
        .unwrap();
    for _ in 0..TIMES {
        log.write_all(&vec![b'x'; PIECE]).unwrap();
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    let grown = (TIMES * PIECE) as u64;
    let read = wait_until("the log to be read", || {
        let read = bytes_read(service.id()) - before;
        if read >= grown {
            Ok(read)
        } else {
            Err(format!("{read} of {grown}"))
        }
    });

    assert!(
        read < grown + grown / 2,
        "{read} bytes were read of a log of {grown}"
    );

    service.stop_cleanly();
}

#[test]
fn a_run_without_reports_that_has_not_changed_for_long_is_due_at_the_first_look() {
    let machine = Machine::new();
    machine.configure("history = \"all\"\n");
    let shop = machine.shop(&CASES);
    let Some(clock) = Clock::new(&machine) else {
        return;
    };
    run_at(now())
        .ending(Ending::WithoutReports)
        .write_in(&shop)
        .unwrap();
    clock.set(SignedDuration::from_hours(1));

    let mut command = machine.command(&["run"]);
    clock.give_to(&mut command);
    command.env("KADO_LOG", "kado=debug");
    let service = machine.start_as(command);
    machine.wait_for_completed(1);

    let log = service.log();
    let judged: Vec<&str> = log
        .lines()
        .filter(|line| line.contains("judged a run folder"))
        .collect();
    assert_eq!(judged.len(), 1, "{log}");
    assert!(judged[0].contains("due=true"), "{log}");
    service.stop_cleanly();
}
