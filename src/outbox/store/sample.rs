//! A machine with a crowd of everything, for whoever looks at a listing or at the status page:
//! `KADO_CROWD=FOLDER` has it left in a state folder (`tests/system/page.sh`).

#[cfg(test)]
use std::collections::BTreeMap;

use crate::clock;
use crate::katalon::run::SuiteRun;
use crate::moment::Moment;
use crate::outbox::new_run::Occasion;
use crate::outbox::step::{Step, steps};
use crate::outbox::store::Store;
use crate::outbox::store::test_runs::{at, found, open, record, snapshot};
use crate::outbox::submission::{HowMade, Obstacle, SubmissionState};
use crate::plan::ado_facts::AdoFacts;
use crate::plan::history::TestMemory;
use crate::plan::left_out::{LeftOut, LeftOutKind};
use crate::plan::plan;
use crate::plan::snapshot::Snapshot;

const PROJECTS: usize = 300;
const RUNS: usize = 2000;
const PARKED: usize = 40;
const WAITING: usize = 50;
/// Between two runs, in milliseconds.
const APART: i64 = 7 * 60 * 1000;

/// What a project is called: some in Japanese, some with 200 letters.
fn project_name(number: usize) -> String {
    match number % 10 {
        3 => format!("決済ポータル 回帰テスト {number}"),
        7 => format!("Shop {number} {}", "of the very long name ".repeat(9))
            .trim_end()
            .to_owned(),
        _ => format!("Shop {number}"),
    }
}

fn suite_name(number: usize) -> String {
    match number % 9 {
        2 => format!("Test Suites/注文/支払い方法 {number}"),
        5 => format!(
            "Test Suites/{}",
            "Nightly regression of everything ".repeat(6).trim_end()
        ),
        _ => format!("Test Suites/Smoke {}", number % 40),
    }
}

/// The run of this number, the newest first.
fn run(number: usize, now: Moment) -> Snapshot {
    let begin = now.millis() - APART * i64::try_from(number).unwrap();
    let root = format!("/srv/agent/_work/{}/s/shop", number % PROJECTS);
    let suite = suite_name(number);
    let run = at(begin - 200_000, begin, snapshot(&[18], None));

    Snapshot {
        run: SuiteRun {
            suite: suite.clone(),
            ..run.run
        },
        folder: format!("{root}/Reports/20261130_120000/{number}"),
        project_name: project_name(number % PROJECTS),
        project_root: root,
        ..run
    }
}

/// Brings a submission to its end, or parks it, as its number says.
fn go_on(store: &mut Store, id: i64, number: usize, run: &Snapshot, now: Moment) {
    let next = now.plus(std::time::Duration::from_secs(240));
    if number < WAITING {
        let reason = "https://dev.azure.com/org cannot be reached: connection refused";
        store
            .wait(id, Obstacle::Unreachable, reason, next, now)
            .unwrap();
        return;
    }

    let mut planned = plan(
        run,
        18,
        &format!("k{number}"),
        &AdoFacts::default(),
        &TestMemory::default(),
    );
    if number < WAITING + PARKED {
        let reason = "no test of this run has a point in test plan 18: test case 1099 (Test \
                      Cases/Checkout/Pay by card) is in none of its suites; add it in Azure DevOps";
        planned.skipped.push(LeftOut {
            test: Some("Test Cases/Checkout/Pay by card".to_owned()),
            azure_id: Some(1099),
            reason: "test case 1099 has no point in test plan 18".to_owned(),
            kind: LeftOutKind::NoPoint,
        });
        store.park(id, reason, Some(&planned), now).unwrap();
        return;
    }

    store.store_plan(id, &planned, now).unwrap();
    for (position, step) in steps(&planned).into_iter().enumerate() {
        store.intend(id, position).unwrap();
        if step == Step::CreateRun {
            let ado_run = u32::try_from(id).unwrap() + 5000;
            let url =
                format!("https://dev.azure.com/org/Shop/_TestManagement/Runs?runId={ado_run}");
            store
                .confirm_run(id, position, ado_run, &url, HowMade::Created, now)
                .unwrap();
        } else {
            store.confirm(id, position, &(), now).unwrap();
        }
    }
    store.submitted(id, now).unwrap();
}

#[test]
fn a_crowd_is_listed_with_each_state_and_each_project() {
    let temp = tempfile::tempdir().unwrap();
    let folder = match std::env::var_os("KADO_CROWD") {
        Some(folder) => folder.into(),
        None => temp.path().to_owned(),
    };
    // All of it is only wanted by who looks; a tenth shows the same.
    let all = if folder == temp.path() {
        RUNS / 10
    } else {
        RUNS
    };
    let mut store = open(&folder);
    let now = clock::now();

    for number in (0..all).rev() {
        let run = run(number, now);
        if number % 50 == 49 {
            let reason = "the integration of the project is switched off".to_owned();
            let aborted = false;
            record(&mut store, &run, &Occasion::Ignored { reason, aborted });
        } else {
            let id = found(&mut store, &run);
            go_on(&mut store, id, number, &run, now);
        }
    }

    let mut states: BTreeMap<&str, usize> = BTreeMap::new();
    for row in store.summaries(None).unwrap() {
        *states.entry(row.state.word()).or_default() += 1;
    }
    assert_eq!(states[SubmissionState::Parked.word()], PARKED);
    assert_eq!(states[SubmissionState::Pending.word()], WAITING - 1);
    let last_runs = store.last_runs().unwrap();
    assert_eq!(last_runs.len(), PROJECTS.min(all));
    assert!(last_runs.iter().all(|last| last.submissions.len() == 1));
}
