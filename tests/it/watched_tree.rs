//! What of the watched folders cannot be seen is told, wherever somebody looks: by `kado run` once
//! when it appears, by `kado check` and `kado status`, and by no exit code 0.

#![expect(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "tests lay out folders; a helper that fails fails its test"
)]

use std::fs;
use std::path::{Path, PathBuf};

#[cfg(unix)]
use fake_katalon::Phase;
use fake_katalon::{Test, TestCaseFile};
use serde_json::Value;

#[cfg(unix)]
use crate::support::{ClosedFolder, as_ordinary_account, finish, names, wait_until};
use crate::support::{Machine, Output, age, finished, now, tc};

/// A machine that takes all runs, whenever they ended.
fn machine() -> Machine {
    let machine = Machine::new();
    machine.configure("history = \"all\"\n");
    machine
}

fn project(machine: &Machine, place: &str) -> PathBuf {
    machine.project(
        place,
        machine.settings(),
        [TestCaseFile::new(&tc("Sign in")).azure("1001")],
    )
}

/// A finished run of the project.
fn write_run(project: &Path) -> PathBuf {
    let folder = finished([Test::passed(&tc("Sign in"))])
        .start(now())
        .write_in(project)
        .unwrap();
    age(&folder);
    folder
}

/// The folders from `Reports` of a project down to a run folder.
#[cfg(unix)]
fn way_down(project: &Path, run: &Path) -> Vec<PathBuf> {
    let mut way = Vec::new();
    for folder in run.ancestors() {
        way.push(folder.to_owned());
        if folder == project.join("Reports") {
            break;
        }
    }
    way.reverse();
    way
}

/// What `kado run --once` and `kado check` say of this machine; both end with 1.
fn told(machine: &Machine) -> [Output; 2] {
    let once = machine.kado(&["run", "--once"]);
    let check = machine.kado(&["check", "--offline"]);

    assert_eq!(once.code, 1, "{once:?}");
    assert_eq!(check.code, 1, "{check:?}");
    [once, check]
}

/// The same for a kado whom modes concern; `None` where that is not possible.
#[cfg(unix)]
fn told_without_rights(machine: &Machine) -> Option<[Output; 2]> {
    let once = finish(as_ordinary_account(&machine.command(&["run", "--once"]))?);
    let check = finish(as_ordinary_account(
        &machine.command(&["check", "--offline"]),
    )?);

    assert_eq!(once.code, 1, "{once:?}");
    assert_eq!(check.code, 1, "{check:?}");
    Some([once, check])
}

/// Both say each of these.
fn assert_both_say(told: &[Output; 2], wanted: &[&str]) {
    let [once, check] = told;
    for text in wanted {
        assert!(once.err.contains(text), "`{text}` in {once:?}");
        assert!(
            in_one_line(&check.out).contains(text),
            "`{text}` in {check:?}"
        );
    }
}

/// The text without line ends and the blanks behind them, by which long ones are wrapped.
fn in_one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The problems of the watched folders in `kado status`, which ends with 1 when there are any.
fn problems(machine: &Machine) -> Vec<String> {
    let status = machine.kado(&["status", "--json"]);
    let value: Value = serde_json::from_str(&status.out).unwrap();

    let mut problems = Vec::new();
    for problem in value["problems"].as_array().unwrap() {
        if problem["kind"] == "folder" {
            problems.push(format!("{} → {}", problem["text"], problem["hint"]));
        }
    }
    assert_eq!(status.code, i32::from(!problems.is_empty()), "{status:?}");
    problems
}

fn watch(machine: &Machine, folders: &[&Path]) {
    machine.configure_only(&format!(
        "watch = {folders:?}\nstate_dir = {:?}\nhistory = \"all\"\nruns_from = \"any\"\n[submit]\nkatalon_wait = \"0s\"\n",
        machine.state()
    ));
}

#[test]
fn a_watched_folder_that_is_not_there_is_told_beside_one_that_is() {
    let machine = machine();
    let missing = machine.root().join("gone/deeper");
    project(&machine, "Shop");
    watch(&machine, &[&machine.work(), &missing]);

    let told = told(&machine);

    let what = format!(
        "is not there, and neither is `{}`",
        machine.root().join("gone").display()
    );
    assert_both_say(
        &told,
        &[&missing.display().to_string(), &what, "correct `watch`"],
    );
    let problems = problems(&machine);
    assert_eq!(problems.len(), 1, "{problems:?}");
    assert!(problems[0].contains("correct `watch`"), "{problems:?}");
}

#[test]
fn a_watched_folder_that_is_a_file_is_told() {
    let machine = machine();
    let file = machine.root().join("file");
    fs::write(&file, "").unwrap();
    watch(&machine, &[&machine.work(), &file]);

    let told = told(&machine);

    assert_both_say(
        &told,
        &[&file.display().to_string(), "is a file and no folder"],
    );
}

#[test]
fn thousands_of_projects_in_one_checkout_cost_the_others_nothing_and_are_told() {
    let machine = machine();
    let checkout = machine.work().join("a-checkout");
    for number in 0..1_010 {
        let project = checkout.join(format!("p{number:04}"));
        fs::create_dir_all(&project).expect("a folder");
        fs::write(project.join("P.prj"), "").expect("a file");
    }
    write_run(&project(&machine, "Shop"));

    let told = told(&machine);

    assert_both_say(
        &told,
        &[
            &checkout.display().to_string(),
            "holds 1010 projects, of which kado takes 1000; the runs of the others are not seen",
            "to `watch` in `kado.toml`",
        ],
    );
    let [once, _] = told;
    let found = once.err.matches("found a Katalon project").count();
    assert_eq!(found, 20, "{once:?}");
    assert!(once.err.contains("found more Katalon projects"), "{once:?}");
    assert_eq!(machine.row()["state"], "submitted");
}

#[cfg(not(windows))]
#[test]
fn a_name_that_ends_in_a_blank_is_not_taken_for_the_one_without_it() {
    let machine = machine();
    write_run(&project(&machine, "Shop"));
    let with_blank = PathBuf::from(format!("{} ", machine.work().display()));
    watch(&machine, &[&with_blank]);

    let told = told(&machine);

    assert_both_say(&told, &["is not there; the name ends in a blank"]);
    assert_eq!(machine.states(), [""; 0]);

    fs::rename(machine.work(), &with_blank).unwrap();
    let once = machine.kado(&["run", "--once"]);

    assert_eq!(once.code, 0, "{once:?}");
    assert_eq!(machine.row()["state"], "submitted");
}

#[cfg(not(windows))]
#[test]
fn a_name_that_begins_with_a_blank_is_told() {
    let machine = machine();
    let relative = PathBuf::from(format!(" {}", machine.work().display()));
    watch(&machine, &[&relative]);

    let told = told(&machine);

    assert_both_say(&told, &["the name begins with a blank"]);
}

#[cfg(unix)]
#[test]
fn a_watched_folder_that_is_closed_is_told_with_the_command_that_opens_it() {
    let machine = machine();
    project(&machine, "Shop");
    let _closed = ClosedFolder::new(&machine.work());

    let Some(told) = told_without_rights(&machine) else {
        return;
    };

    let command = format!("'{}'`", machine.work().display());
    assert_both_say(
        &told,
        &[
            "is closed; nothing in it is seen",
            "has no right to read it",
            &command,
        ],
    );
}

#[cfg(unix)]
#[test]
fn a_closed_folder_above_the_watched_one_is_named() {
    let machine = machine();
    let above = machine.root().join("above");
    let below = above.join("work");
    fs::create_dir_all(&below).unwrap();
    watch(&machine, &[&below]);
    let _closed = ClosedFolder::new(&above);

    let Some(told) = told_without_rights(&machine) else {
        return;
    };

    let what = format!(
        "cannot be reached, because `{}` above it is closed",
        above.display()
    );
    assert_both_say(&told, &[&below.display().to_string(), &what]);
}

#[cfg(unix)]
#[test]
fn a_folder_in_which_projects_may_lie_is_told_when_it_is_closed_or_may_only_be_listed() {
    for mode in [0, 0o400] {
        let machine = machine();
        let shop = project(&machine, "agent/1/Shop");
        let closed = machine.work().join("agent");
        write_run(&shop);
        let _closed = ClosedFolder::with_mode(&closed, mode);

        let Some(told) = told_without_rights(&machine) else {
            return;
        };

        let [once, check] = &told;
        let name = format!(
            "`{}` is closed; projects in it are not found",
            closed.display()
        );
        assert!(once.err.contains(&name), "{once:?}");
        assert!(
            check.out.contains(&format!("folder {}", closed.display())),
            "{check:?}"
        );
    }
}

#[cfg(unix)]
#[test]
fn a_closed_folder_on_the_way_from_reports_to_a_run_is_named_itself() {
    let machine = machine();
    let shop = project(&machine, "Shop");
    let run = write_run(&shop);
    let grant = format!("'{}'`", shop.join("Reports").display());

    for folder in way_down(&shop, &run) {
        let closed = ClosedFolder::new(&folder);

        let Some(told) = told_without_rights(&machine) else {
            return;
        };

        let [once, check] = &told;
        let name = format!("`{}` is closed; runs in it are not seen", folder.display());
        assert!(once.err.contains(&name), "{once:?}");
        assert!(
            check.out.contains(&format!("folder {}", folder.display())),
            "{check:?}"
        );
        assert_both_say(&told, &["runs in it are not seen", &grant]);
        assert_eq!(machine.states(), [""; 0]);
        drop(closed);
    }

    let once = machine.kado(&["run", "--once"]);

    assert_eq!(once.code, 0, "{once:?}");
    assert_eq!(machine.row()["state"], "submitted");
}

#[test]
fn a_watched_folder_without_a_project_is_noted_by_check_and_no_fault() {
    let machine = machine();
    let shop = project(&machine, "Shop");
    let empty = machine.root().join("empty");
    fs::create_dir(&empty).unwrap();
    let inside = shop.join("Test Cases");
    watch(&machine, &[&machine.work(), &empty, &inside]);

    let once = machine.kado(&["run", "--once"]);
    let check = machine.kado(&["check", "--offline"]);

    assert_eq!(once.code, 0, "{once:?}");
    for text in [
        "no Katalon project lies in it yet",
        &format!("lies in the project `{}`", shop.display()),
    ] {
        assert!(in_one_line(&check.out).contains(text), "{check:?}");
    }
}

#[test]
fn a_project_twelve_levels_down_is_found() {
    let machine = machine();
    let deep = ["d"; 11].join("/");
    write_run(&project(&machine, &format!("{deep}/Shop")));

    let once = machine.kado(&["run", "--once"]);

    assert_eq!(once.code, 0, "{once:?}");
    assert_eq!(machine.row()["state"], "submitted");
}

#[test]
fn a_project_that_lies_deeper_than_is_searched_is_named_until_its_folder_is_watched() {
    let machine = machine();
    let deep = ["d"; 18].join("/");
    let shop = project(&machine, &format!("{deep}/Shop"));
    let near = shop.parent().unwrap().to_owned();
    write_run(&shop);

    let told = told(&machine);

    let add = format!("add `{}` to `watch`", near.display());
    assert_both_say(
        &told,
        &[
            &shop.display().to_string(),
            "lies more than 16 levels below",
            &add,
        ],
    );

    watch(&machine, &[&machine.work(), &near]);
    let once = machine.kado(&["run", "--once"]);

    assert_eq!(once.code, 0, "{once:?}");
    assert_eq!(machine.row()["state"], "submitted");
}

#[test]
fn a_folder_below_which_nobody_looked_any_more_is_named() {
    let machine = machine();
    let deepest = machine.work().join(["d"; 24].join("/"));
    fs::create_dir_all(deepest.join("d")).unwrap();

    let told = told(&machine);

    assert_both_say(
        &told,
        &[&deepest.display().to_string(), "lies 24 levels below"],
    );
}

#[test]
fn a_run_that_lies_deeper_than_is_looked_is_named() {
    let machine = machine();
    let shop = project(&machine, "Shop");
    let run = write_run(&shop);
    let deep = shop.join("Reports").join(["d"; 25].join("/"));
    fs::create_dir_all(&deep).unwrap();
    let deep = deep.join("20261129_141140");
    fs::rename(&run, &deep).unwrap();

    let told = told(&machine);

    let submit = format!("kado submit \"{}\"", deep.display());
    assert_both_say(
        &told,
        &["lies more than 24 levels below `Reports`", &submit],
    );

    let submitted = machine.submit_folder(&deep);

    assert_eq!(submitted.code, 0, "{submitted:?}");
}

#[test]
fn a_project_below_a_folder_that_is_called_reports_is_found() {
    let machine = machine();
    write_run(&project(&machine, "Reports/deeper/Shop"));

    let once = machine.kado(&["run", "--once"]);

    assert_eq!(once.code, 0, "{once:?}");
    assert_eq!(machine.row()["state"], "submitted");
}

#[cfg(unix)]
#[test]
fn a_link_to_a_project_is_told_until_the_project_itself_is_watched() {
    let machine = machine();
    let away = machine.root().join("away");
    let shop = project(&machine, "Shop");
    write_run(&shop);
    fs::create_dir(&away).unwrap();
    let real = away.join("Shop");
    fs::rename(&shop, &real).unwrap();
    std::os::unix::fs::symlink(&real, &shop).unwrap();

    let told = told(&machine);

    let add = format!("add `{}` to `watch`", real.display());
    assert_both_say(
        &told,
        &[
            &shop.display().to_string(),
            "is a link to a Katalon project",
            &add,
        ],
    );

    watch(&machine, &[&machine.work(), &real]);
    let once = machine.kado(&["run", "--once"]);

    assert_eq!(once.code, 0, "{once:?}");
    assert_eq!(machine.row()["state"], "submitted");
}

#[cfg(unix)]
#[test]
fn a_link_in_place_of_a_project_file_is_told() {
    let machine = machine();
    let shop = project(&machine, "Shop");
    let away = machine.root().join("Shop.prj");
    fs::rename(shop.join("Shop.prj"), &away).unwrap();
    std::os::unix::fs::symlink(&away, shop.join("Shop.prj")).unwrap();

    let told = told(&machine);

    let file = shop.join("Shop.prj").display().to_string();
    assert_both_say(&told, &[&file, "the project is not found"]);
}

#[cfg(unix)]
#[test]
fn reports_session_suite_and_run_folders_that_are_links_are_told() {
    let way_of_one = {
        let machine = machine();
        let shop = project(&machine, "Shop");
        way_down(&shop, &write_run(&shop)).len()
    };

    for depth in 0..way_of_one {
        let machine = machine();
        let shop = project(&machine, "Shop");
        let link = way_down(&shop, &write_run(&shop)).remove(depth);
        let away = machine.root().join("away");
        fs::rename(&link, &away).unwrap();
        std::os::unix::fs::symlink(&away, &link).unwrap();

        let told = told(&machine);

        assert_both_say(
            &told,
            &[
                &link.display().to_string(),
                "is a link, and kado follows none; runs behind it are not seen",
            ],
        );
        assert_eq!(machine.states(), [""; 0]);
    }
}

#[cfg(unix)]
#[test]
fn links_that_hide_no_run_are_none_of_kados_business() {
    let machine = machine();
    let shop = project(&machine, "Shop");
    let run = write_run(&shop);
    let session = way_down(&shop, &run).remove(1);
    let away = machine.root().join("away");
    fs::create_dir_all(away.join("bin")).unwrap();
    let links = [
        (away.clone(), machine.work().join("tools")),
        (shop.clone(), machine.work().join("again")),
        (session, shop.join("Reports/latest")),
        (away.join("nothing"), shop.join("Reports/SingletonLock")),
        (away.clone(), run.join("videos")),
    ];
    for (target, link) in links {
        std::os::unix::fs::symlink(target, link).unwrap();
    }

    let once = machine.kado(&["run", "--once"]);

    assert_eq!(once.code, 0, "{once:?}");
    assert!(!once.err.contains("not seen"), "{once:?}");
    assert_eq!(machine.row()["state"], "submitted");
}

#[cfg(unix)]
#[test]
fn the_service_tells_a_problem_once_and_when_it_is_gone() {
    let machine = machine();
    let shop = project(&machine, "Shop");
    let away = machine.root().join("away");
    fs::create_dir(&away).unwrap();
    let link = shop.join("Reports/20261129_141140");
    fs::create_dir_all(shop.join("Reports")).unwrap();
    std::os::unix::fs::symlink(&away, &link).unwrap();

    let service = machine.start_in_detail();
    service.wait_for_log("a part of the watched folders is not seen");
    write_run(&shop);
    machine.wait_for_completed(1);
    service.wait_for_logs(2, "looked at everything");

    let log = service.log();
    assert_eq!(
        log.matches("a part of the watched folders is not seen")
            .count(),
        1,
        "{log}"
    );

    fs::remove_file(&link).unwrap();
    service.wait_for_log("a problem of the watched folders is gone");
    service.stop_cleanly();
}

#[cfg(unix)]
#[test]
fn status_tells_what_the_running_service_may_not_see_whoever_asks() {
    let machine = machine();
    let shop = project(&machine, "Shop");
    let run = write_run(&shop);
    let suite = way_down(&shop, &run).remove(2);
    let closed = ClosedFolder::new(&suite);
    let Some(command) = as_ordinary_account(&machine.command(&["run"])) else {
        return;
    };
    let service = machine.start_as(command);

    // The service notes a moment after it logs.
    let told = wait_until("the closed folder in the status", || {
        let told = problems(&machine);
        if told.is_empty() {
            Err("no problem".to_owned())
        } else {
            Ok(told)
        }
    });
    let polled = format!("cannot be watched: `{}` is closed", suite.display());
    wait_until("the polled folder in the status", || {
        let status = machine.kado(&["status"]);
        if status.out.contains(&polled) {
            Ok(())
        } else {
            Err(status.out)
        }
    });

    assert_eq!(told.len(), 1, "{told:?}");
    let what = format!("`{}` is closed; runs in it are not seen", suite.display());
    assert!(told[0].contains(&what), "{told:?}");
    assert!(told[0].contains("this gives it: `"), "{told:?}");

    drop(closed);
    machine.wait_for_completed(1);

    wait_until("no problem in the status", || match problems(&machine) {
        told if told.is_empty() => Ok(()),
        told => Err(told.join("\n")),
    });
    service.stop_cleanly();
}

#[cfg(unix)]
#[test]
fn nothing_behind_a_link_is_watched() {
    let machine = machine();
    let [shop, other] = ["Shop", "Other"].map(|name| project(&machine, name));
    let away = machine.root().join("away");
    fs::create_dir_all(away.join("closed")).unwrap();
    fs::create_dir_all(shop.join("Reports")).unwrap();
    let _ = fs::remove_dir_all(other.join("Reports"));
    for link in [shop.join("Reports/20261129_141140"), other.join("Reports")] {
        std::os::unix::fs::symlink(&away, link).unwrap();
    }
    // Who watches this one as well cannot.
    let _closed = ClosedFolder::new(&away.join("closed"));
    let mut command = machine.command(&["run"]);
    command.env("KADO_LOG", "kado=debug");
    let Some(command) = as_ordinary_account(&command) else {
        return;
    };

    let service = machine.start_as(command);
    service.wait_for_logs(2, "looked at everything");

    assert!(
        !service.log().contains("folders are polled"),
        "{}",
        service.log()
    );
    service.stop_cleanly();
}

#[cfg(unix)]
#[test]
fn a_run_in_a_folder_that_is_closed_for_a_while_is_not_taken_for_gone() {
    let machine = machine();
    let shop = project(&machine, "Shop");
    let run = finished([Test::failed(&tc("Sign in"), "no").screenshot()]).start(now());
    let folder = run.folder_in(&shop);
    let mut live = run.live(&folder);
    let Some(command) = as_ordinary_account(&machine.command(&["run"])) else {
        return;
    };
    let service = machine.start_as(command);
    service.wait_for_log("found a Katalon project");
    live.perform_through(Phase::Ended).unwrap();
    machine.wait_for_copies(&folder);

    let closed = ClosedFolder::new(&shop.join("Reports"));
    service.wait_for_log("a part of the watched folders is not seen");
    drop(closed);
    service.wait_for_log("a problem of the watched folders is gone");
    live.perform_all().unwrap();
    machine.wait_for_completed(1);

    let names = names(&machine.ado_run().attachments);
    assert!(
        names.iter().any(|name| name.ends_with(".html")),
        "{names:?}"
    );
    service.stop_cleanly();
}
