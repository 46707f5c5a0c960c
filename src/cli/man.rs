//! `kado man`: the manual, made from the types of the command line.

use std::io::Write;
use std::path::PathBuf;

use anyhow::Context as _;
use clap::Args;

use crate::exit::Exit;

/// Arguments of `kado man`.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Write a page for every command into this folder instead, for a package
    #[arg(long, value_name = "FOLDER")]
    dir: Option<PathBuf>,
}

/// Prints the page of the program, or writes all pages.
pub(super) fn man(
    arguments: &Arguments,
    command: clap::Command,
    out: &mut dyn Write,
) -> anyhow::Result<Exit> {
    match &arguments.dir {
        Some(folder) => clap_mangen::generate_to(command, folder)
            .with_context(|| format!("the pages cannot be written to `{}`", folder.display()))?,
        None => clap_mangen::Man::new(command).render(out)?,
    }

    Ok(Exit::Done)
}
