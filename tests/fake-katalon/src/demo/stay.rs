//! What can be done now: the way on, or a look at what arrived while the fake stays.

use std::path::Path;

use anyhow::{Context, Result};
use fake_ado::FakeAdo;
use fake_katalon::sample;

use crate::say;

/// For whoever has seen enough.
pub fn show_the_way() {
    say("cargo demo --keep   plays it again and leaves the test run to be opened in a browser");
    say("README.md           the first five minutes with a project of your own");
}

/// Names what can be looked at, and waits for Ctrl-C.
pub fn until_interrupted(
    fake: &FakeAdo,
    program: &Path,
    config: &Path,
    folder: &Path,
) -> Result<()> {
    for run in fake.world().runs() {
        say("the test run, in a browser:");
        say(&format!(
            "  {}/{}/_testManagement/runs?runId={}",
            fake.base_url(),
            sample::PROJECT,
            run.id
        ));
    }

    let program = program.display();
    let config = config.display();
    say("what kado recorded, and why:");
    say(&format!("  {program} --config {config} runs"));
    say(&format!(
        "  {program} --config {config} why {}",
        folder.display()
    ));
    say("Ctrl-C ends the fake and removes everything.");

    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .and_then(|runtime| runtime.block_on(tokio::signal::ctrl_c()))
        .context("Ctrl-C cannot be waited for")
}
