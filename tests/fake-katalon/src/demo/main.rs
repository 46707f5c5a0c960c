//! `cargo demo`: kado at work, from a suite run on disk to the results in Azure DevOps.
//!
//! Purpose: shows a newcomer within a minute what kado does. Katalon and Azure DevOps are played by
//! the crates `fake-katalon` and `fake-ado`; kado is the real program, built first.

mod judge;
mod kado;
mod report;
mod story;

use std::process::ExitCode;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use fake_ado::FakeAdo;
use fake_katalon::sample;

/// When the demo gives up waiting for the run after Katalon's last file; a busy machine takes its
/// time.
const ARRIVAL: Duration = Duration::from_secs(120);

fn main() -> ExitCode {
    match demo() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("The demo could not be played: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Plays everything; `false` when something of the run is missing.
fn demo() -> Result<bool> {
    heading("Building kado");
    let program = kado::build()?;
    say(&format!("{}", program.display()));

    heading("Azure DevOps (played by fake-ado)");
    let fake = FakeAdo::start_blocking(([127, 0, 0, 1], 0).into(), sample::world())
        .context("no port could be opened")?;
    say(&format!("listens at {}", fake.base_url()));
    say("project Shop, test plan 18 \"Release 1\", 8 test cases, 8 test points");

    let temp = tempfile::tempdir().context("no temporary folder")?;
    let base = kado::plain_path(temp.path())?;
    let root = base.join("workspace").join("Shop");
    heading("A Katalon project (played by fake-katalon)");
    sample::project(&root, &fake.base_url())
        .write()
        .context("the project could not be written")?;
    say(&format!("lies in {}", root.display()));
    say("its settings name the server, the token, the plan; 7 of its 9 test cases carry ADO ids");

    heading("kado run");
    let config = kado::write_config(&base)?;
    let mut service = kado::Service::start(&program, &config)?;
    thread::sleep(Duration::from_secs(2));

    heading("Katalon runs the suite Smoke/Checkout");
    story::play(&root)?;

    heading("Waiting for the results");
    let arrived = wait_for_run(&fake, &mut service)?;
    let ledger = kado::ledger(&program, &config);
    let exit = service.stop()?;

    report::print(&fake, ledger.as_ref());
    heading("kado was stopped");
    say(&exit.to_string());

    Ok(judge::verdict(&fake, arrived, &exit))
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
                "the run is complete, {:.1} s after Katalon's last file",
                since.elapsed().as_secs_f32()
            ));
            return Ok(true);
        }
        service.check()?;
        thread::sleep(Duration::from_millis(200));
    }

    say(&format!(
        "no run was completed within {} s",
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
