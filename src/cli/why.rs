//! `kado why FOLDER`: what kado knows and decided of a folder, and what would change it. It reads
//! beside a running service, and asks no server.

use std::io::Write as _;
use std::path::PathBuf;

use anyhow::Context as _;
use clap::Args;

use crate::cli::json;
use crate::cli::terminal::{Piece, Screen, Tone};
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

/// Explains a folder. What kado cannot read or does not know, and what waits for a person, makes
/// the exit code 1.
pub(super) fn why(
    arguments: &Arguments,
    config: &Config,
    out: &mut Screen<'_>,
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

fn print(explanation: &Explanation, out: &mut Screen<'_>) -> std::io::Result<()> {
    let path = explanation.path.display();
    out.sentence(2, &format!("{} `{path}`", explanation.kind.words()))?;
    print_answer(explanation, 0, out)?;
    print_ways(explanation, 0, out)?;

    for run in &explanation.runs {
        let path = run.path.strip_prefix(&explanation.path);
        let path = path.unwrap_or(&run.path).display();
        writeln!(out)?;
        out.sentence(2, &format!("`{path}`"))?;
        print_answer(run, 2, out)?;

        // Who looks at many runs does not look for how to send one twice.
        if run.verdict != FolderVerdict::Submitted {
            print_ways(run, 2, out)?;
        }
    }
    Ok(())
}

fn print_answer(
    explanation: &Explanation,
    indent: usize,
    out: &mut Screen<'_>,
) -> std::io::Result<()> {
    let word = Piece::toned(tone(explanation.verdict), explanation.verdict.word());
    let reason = out.terminal().times().told_in(&explanation.reason);
    let start = Piece::new(" ".repeat(indent));
    out.line(indent + 2, &[start, word, format!(": {reason}").into()])?;

    for detail in &explanation.details {
        out.sentence(indent + 4, &format!("{:indent$}  - {detail}", ""))?;
    }
    Ok(())
}

fn print_ways(
    explanation: &Explanation,
    indent: usize,
    out: &mut Screen<'_>,
) -> std::io::Result<()> {
    for way in &explanation.would_change {
        out.sentence(indent + 4, &format!("{:indent$}  → {way}", ""))?;
    }
    Ok(())
}

/// What a verdict means to a person.
const fn tone(verdict: FolderVerdict) -> Tone {
    match verdict {
        FolderVerdict::Submitted => Tone::Good,
        FolderVerdict::Pending | FolderVerdict::Running => Tone::Open,
        FolderVerdict::Ignored => Tone::Quiet,
        FolderVerdict::Unread | FolderVerdict::Unknown => Tone::Bad,
    }
}
