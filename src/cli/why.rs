//! `kado why FOLDER`: what kado knows and decided of a folder, and what would change it. It reads
//! beside a running service, and asks no server.

use std::io::Write;
use std::path::PathBuf;

use anyhow::Context as _;
use clap::Args;

use crate::cli::json;
use crate::cli::table::plain;
use crate::config::Config;
use crate::exit::Exit;
use crate::why::{self, Explanation, FolderVerdict};

/// Arguments of `kado why`.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// A run folder, or a session's, a suite's, a collection's or a project's folder
    folder: PathBuf,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Explains a folder. What kado cannot read or does not know, and what waits for a person, makes the
/// exit code 1.
pub(super) fn why(
    arguments: &Arguments,
    config: &Config,
    out: &mut dyn Write,
) -> anyhow::Result<Exit> {
    let explanation = why::explain(&arguments.folder, config)
        .with_context(|| format!("`{}` is no path", arguments.folder.display()))?;

    if arguments.json {
        json::print(&explanation, out)?;
    } else {
        print(&explanation, out)?;
    }
    Ok(if explanation.is_settled() {
        Exit::Done
    } else {
        Exit::NotDone
    })
}

fn print(explanation: &Explanation, out: &mut dyn Write) -> std::io::Result<()> {
    let path = explanation.path.display().to_string();
    writeln!(out, "{} `{}`", explanation.kind.words(), plain(&path))?;
    print_answer(explanation, "", out)?;
    print_ways(explanation, "", out)?;

    for run in &explanation.runs {
        let path = run.path.strip_prefix(&explanation.path);
        let path = path.unwrap_or(&run.path).display().to_string();
        writeln!(out, "\n`{}`", plain(&path))?;
        print_answer(run, "  ", out)?;

        // Who looks at many runs does not look for how to send one twice.
        if run.verdict != FolderVerdict::Submitted {
            print_ways(run, "  ", out)?;
        }
    }
    Ok(())
}

fn print_answer(
    explanation: &Explanation,
    indent: &str,
    out: &mut dyn Write,
) -> std::io::Result<()> {
    let word = explanation.verdict.word();
    writeln!(out, "{indent}{word}: {}", plain(&explanation.reason))?;
    for detail in &explanation.details {
        writeln!(out, "{indent}  - {}", plain(detail))?;
    }
    Ok(())
}

fn print_ways(explanation: &Explanation, indent: &str, out: &mut dyn Write) -> std::io::Result<()> {
    for way in &explanation.would_change {
        writeln!(out, "{indent}  → {}", plain(way))?;
    }
    Ok(())
}
