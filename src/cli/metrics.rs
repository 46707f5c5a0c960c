//! `kado metrics`: how things stand as numbers, on standard output or in a file for the textfile
//! collector of node_exporter, where the service may open no port.

mod textfile;

use std::io::Write;
use std::path::PathBuf;

use anyhow::Context as _;
use clap::Args;

use crate::config::Config;
use crate::exit::Exit;
use crate::metrics;
use crate::overview;

/// Arguments of `kado metrics`.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Write into this file instead, as a whole, for the textfile collector of node_exporter
    #[arg(long, value_name = "FILE")]
    textfile: Option<PathBuf>,
}

/// Tells what the database knows; what only the running service counts stands on its status page.
pub(super) fn metrics(
    arguments: &Arguments,
    config: &Config,
    out: &mut dyn Write,
) -> anyhow::Result<Exit> {
    // A timer runs this every minute, so not all of the database is read to prove it whole.
    let overview = overview::look_beside(config)?;
    let text = metrics::of_database(&overview, config)?;

    match &arguments.textfile {
        Some(file) => textfile::replace(file, &text)
            .with_context(|| format!("`{}` cannot be written", file.display()))?,
        None => out.write_all(text.as_bytes())?,
    }
    Ok(Exit::Done)
}
