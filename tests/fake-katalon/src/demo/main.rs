//! The demo: kado at work, from a suite run on disk to the results in Azure DevOps.
//!
//! Purpose: shows a newcomer within a minute what kado does. Katalon and Azure DevOps are played by
//! the crates `fake-katalon` and `fake-ado`; kado is the real program, which lies beside this one.
//! `cargo demo` builds both and says before what will be seen.

mod arrivals;
mod figures;
mod judge;
mod kado;
mod report;
mod stay;
mod story;

use std::collections::BTreeSet;
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use fake_ado::FakeAdo;
use fake_katalon::sample;

use crate::figures::Figures;

/// When the demo gives up waiting for the run after Katalon's last file; a busy machine takes its
/// time.
const ARRIVAL: Duration = Duration::from_secs(120);

/// What becomes of the fake when everything was shown.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Afterwards {
    End,
    /// It stays until Ctrl-C, to be looked at.
    Keep,
}

fn main() -> ExitCode {
    match afterwards().and_then(demo) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("The demo could not be played: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn afterwards() -> Result<Afterwards> {
    let mut wanted = Afterwards::End;
    for argument in std::env::args().skip(1) {
        match argument.as_str() {
            "--keep" => wanted = Afterwards::Keep,
            other => bail!("`{other}` is no option of the demo; there is `--keep`"),
        }
    }

    Ok(wanted)
}

/// Plays everything; `false` when something of the run is missing.
fn demo(afterwards: Afterwards) -> Result<bool> {
    let program = kado::find()?;
    let temp = tempfile::tempdir().context("no temporary folder")?;
    let base = kado::plain_path(temp.path())?;

    heading("1  Azure DevOps (played by fake-ado) and a Katalon project (by fake-katalon)");
    let fake = FakeAdo::start_blocking(([127, 0, 0, 1], 0).into(), sample::world())
        .context("no port could be opened")?;
    describe_world(&fake);
    let root = base.join("workspace").join("Shop");
    sample::project(&root, &fake.base_url())
        .write()
        .context("the project could not be written")?;
    describe_project(&root);

    heading("2  kado run");
    let config = kado::write_config(&base)?;
    let mut service = kado::Service::start(&program, &config)?;
    thread::sleep(Duration::from_secs(2));

    heading("3  Katalon runs the suite Smoke/Checkout");
    let is_over = AtomicBool::new(false);
    let folder = thread::scope(|scope| {
        scope.spawn(|| arrivals::tell(&fake, &is_over));
        let folder = story::play(&root);
        is_over.store(true, Ordering::Relaxed);
        folder
    })?;
    let arrived = wait_for_run(&fake, &mut service)?;
    let ledger = kado::ledger(&program, &config);
    let exit = service.stop()?;
    say(&format!("kado was asked to end: {exit}"));

    heading("4  What arrived in Azure DevOps");
    report::print(&fake, ledger.as_ref());
    let figures = Figures::gather(&fake, ledger.as_ref());
    heading("How the figures add up");
    figures.print();
    let complete = judge::verdict(&fake, &figures, arrived, &exit);

    heading("Next");
    match afterwards {
        Afterwards::End => stay::show_the_way(),
        Afterwards::Keep => stay::until_interrupted(&fake, &program, &config, &folder)?,
    }

    Ok(complete)
}

fn describe_world(fake: &FakeAdo) {
    let world = sample::world_description();
    let in_plan: BTreeSet<u32> = world.points.iter().map(|point| point.test_case).collect();

    say(&format!("Azure DevOps listens at {}", fake.base_url()));
    say(&format!(
        "its project {} has {} test cases; {} of them are in test plan {} \"{}\", with {} test points",
        sample::PROJECT,
        world.test_cases.len(),
        in_plan.len(),
        world.plan.0,
        world.plan.1,
        world.points.len()
    ));
}

fn describe_project(root: &std::path::Path) {
    let numbers = sample::numbers();
    say(&format!("the Katalon project lies in {}", root.display()));
    say(&format!(
        "its suite has {} test cases, {} of them with an ADO id; its settings name server, token and plan",
        numbers.test_cases, numbers.with_id
    ));
}

/// Waits until a run is completed in ADO.
fn wait_for_run(fake: &FakeAdo, service: &mut kado::Service) -> Result<bool> {
    let since = Instant::now();
    while since.elapsed() < ARRIVAL {
        if fake
            .world()
            .runs()
            .iter()
            .any(|run| run.state == "Completed")
        {
            say(&format!(
                "the test run is complete, {:.1} s after Katalon's last file",
                since.elapsed().as_secs_f32()
            ));
            return Ok(true);
        }
        service.check()?;
        thread::sleep(Duration::from_millis(200));
    }

    say(&format!(
        "no test run was completed within {} s",
        ARRIVAL.as_secs()
    ));

    Ok(false)
}

/// Prints the title of a part.
fn heading(text: &str) {
    println!("\n== {text}");
}

/// Prints a line of a part.
fn say(text: &str) {
    println!("   {text}");
}
