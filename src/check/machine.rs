//! The machine: configuration, watched folders, state folder.

#![expect(clippy::disallowed_methods, reason = "folders are looked at")]

use crate::check::Report;
use crate::config::Config;
use crate::error_chain::chain;
use crate::exit::Exit;
use crate::outbox::Store;
use crate::outbox::lock::StateLock;

/// Looks at the configuration and the folders that it names.
pub fn check_machine(config: &Config, report: &mut Report) {
    match &config.file {
        Some(file) => report.fine("configuration", file.display().to_string()),
        None => report.note(
            "configuration",
            "there is no kado.toml; the defaults are in force",
            "`kado run` needs one with `watch = [\"FOLDER\"]`",
        ),
    }
    for key in &config.not_carried_out {
        report.note(format!("key {key}"), "this version does not carry it out yet", "");
    }
    for folder in &config.watch {
        let name = format!("watch {}", folder.display());
        match std::fs::read_dir(folder) {
            Ok(_) => report.fine(name, "can be read"),
            Err(error) => {
                let hint = "give the account that runs kado the right to read it, or correct `watch`";
                report.wrong(name, error.to_string(), hint);
            }
        }
    }
    let name = format!("state {}", config.state_dir.display());
    match Store::open_to_read(&config.state_dir) {
        Ok(Some(store)) => {
            report.fine(name, "the outbox can be read");
            check_events(&store, config, report);
        }
        Ok(None) => report.note(name, "there is no outbox yet", "the first `kado run` or `kado submit` makes it"),
        Err(error) => {
            report.failed(name, chain(&error), "see `What happens when things go wrong` in the README", Exit::NotDone);
        }
    }
}

/// Whether the running service hears of changes, or polls.
fn check_events(store: &Store, config: &Config, report: &mut Report) {
    let running = StateLock::is_held(&config.state_dir);
    if let Some(reason) = store.polled().ok().flatten().filter(|_| running) {
        report.note("file events", format!("folders are polled: {reason}"), "runs are found within half a minute");
    }
}
