//! `kado map export` and `kado map import`: ids in a table for spreadsheets.

#![expect(
    clippy::disallowed_methods,
    reason = "the table is a file that the command line names"
)]

use std::fs::File;
use std::io::{Read, Write as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use clap::Args;

use super::changing::{
    AskingArguments, WritingArguments, carry_out, known_ids, warn_of_gaps, wrong_ids,
};
use super::{ProjectArgument, failed, refused, tell_error};
use crate::cli::terminal::Screen;
use crate::config::Config;
use crate::exit::Exit;
use crate::mapping::{
    CaseChange, CaseIndex, EnteredIds, LineProblem, MappedProject, TableRow, Wish, prepared,
    read_table, tab_counts, written_table,
};
use crate::plural::{counted, form};

/// Bytes of a table that are read.
const LONGEST_TABLE: u64 = 16 * 1024 * 1024;
/// Errors that are told one by one.
const MOST_TOLD: usize = 50;
/// What stands for standard input or output in place of a file.
const STANDARD: &str = "-";

/// Arguments of `kado map export`.
#[derive(Debug, Args)]
pub(super) struct ExportArguments {
    /// The table that is written, with the columns `test_case` and `ids`; `-` for standard output
    file: PathBuf,
    #[command(flatten)]
    project: ProjectArgument,
}

/// Arguments of `kado map import`.
#[derive(Debug, Args)]
pub(super) struct ImportArguments {
    /// A table with the columns `test_case` and `ids` in any order, as `kado map export` or a
    /// spreadsheet writes it; `-` for standard input
    file: PathBuf,
    /// Write what is right although something else is wrong
    #[arg(long)]
    skip_errors: bool,
    #[command(flatten)]
    project: ProjectArgument,
    #[command(flatten)]
    asking: AskingArguments,
    #[command(flatten)]
    writing: WritingArguments,
}

/// Writes the table of all test cases.
pub(super) fn export(
    arguments: &ExportArguments,
    config: &Config,
    out: &mut Screen<'_>,
) -> anyhow::Result<Exit> {
    let project = match arguments.project.read(config) {
        Ok(project) => project,
        Err(error) => return Ok(refused(&error)),
    };

    let cases = &project.katalon.test_cases;
    let table = written_table(
        cases
            .iter()
            .map(|case| (&*case.id, case.azure_ids.as_deref().unwrap_or_default())),
    );
    if arguments.file == Path::new(STANDARD) {
        out.write_all(&table)?;
        return Ok(Exit::Done);
    }

    std::fs::write(&arguments.file, &table)
        .with_context(|| format!("`{}` cannot be written", arguments.file.display()))?;
    writeln!(
        out,
        "{} written to `{}`",
        counted(cases.len(), "test case"),
        arguments.file.display()
    )?;
    Ok(Exit::Done)
}

/// Gives test cases the ids of a table.
pub(super) fn import(
    arguments: &ImportArguments,
    config: &Config,
    out: &mut Screen<'_>,
) -> anyhow::Result<Exit> {
    let (rows, problems) = match read_table(&content(&arguments.file)?) {
        Ok(read) => read,
        Err(error) => {
            let reason = format!("`{}`: {error}", arguments.file.display());
            return Ok(failed(&reason, Exit::NotDone));
        }
    };
    let project = match arguments.project.read(config) {
        Ok(project) => project,
        Err(error) => return Ok(refused(&error)),
    };

    if let Err(error) = tab_counts(&project) {
        return Ok(failed(&error.to_string(), Exit::NotDone));
    }

    let mut import = Import {
        project: &project,
        problems,
        changes: Vec::new(),
        unchanged: 0,
        without_ids: 0,
    };
    let wanted = import.wanted(rows);
    import.ask(&wanted, config, arguments)?;
    import.problems.sort_by_key(|problem| problem.line);
    tell_problems(&arguments.file, &import.problems);

    let wrong = import.problems.len();
    if wrong > 0 && !arguments.skip_errors {
        let reason = format!(
            "{} in the table, so nothing was written; `--skip-errors` writes the rest",
            counted(wrong, "error")
        );
        return Ok(failed(&reason, Exit::NotDone));
    }

    let exit = carry_out(&project, &import.changes, &arguments.writing, |line| {
        Ok(writeln!(out, "{line}")?)
    })?;
    import.tell_rest(out)?;
    Ok(if wrong > 0 {
        exit.and(Exit::NotDone)
    } else {
        exit
    })
}

fn content(file: &Path) -> anyhow::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let read = if file == Path::new(STANDARD) {
        std::io::stdin()
            .take(LONGEST_TABLE + 1)
            .read_to_end(&mut bytes)
    } else {
        File::open(file).and_then(|file| file.take(LONGEST_TABLE + 1).read_to_end(&mut bytes))
    };

    read.with_context(|| format!("`{}` cannot be read", file.display()))?;
    if bytes.len() as u64 > LONGEST_TABLE {
        bail!("`{}` is larger than 16 MiB", file.display());
    }
    Ok(bytes)
}

fn tell_problems(file: &Path, problems: &[LineProblem]) {
    for problem in problems.iter().take(MOST_TOLD) {
        let reason = format!(
            "`{}` line {}: {}",
            file.display(),
            problem.line,
            problem.what
        );
        tell_error(&reason);
    }
    if problems.len() > MOST_TOLD {
        let more = problems.len() - MOST_TOLD;
        tell_error(&format!("and {}", counted(more, "more error")));
    }
}

/// A row that changes something.
struct WantedIds {
    line: u64,
    test_case: String,
    ids: EnteredIds,
}

/// A table on its way into the project.
struct Import<'a> {
    project: &'a MappedProject,
    problems: Vec<LineProblem>,
    changes: Vec<CaseChange>,
    unchanged: usize,
    without_ids: usize,
}

impl Import<'_> {
    fn wrong(&mut self, line: u64, what: &str) {
        self.problems.push(LineProblem {
            line,
            what: what.to_owned(),
        });
    }

    /// The rows that change something.
    fn wanted(&mut self, rows: Vec<TableRow>) -> Vec<WantedIds> {
        let index = CaseIndex::new(&self.project.katalon.test_cases);
        let mut wanted: Vec<WantedIds> = Vec::new();
        let mut lines = std::collections::BTreeMap::new();

        for row in rows {
            let case = match index.find(&row.test_case) {
                Ok(case) => case,
                Err(error) => {
                    self.wrong(row.line, &error.to_string());
                    continue;
                }
            };
            // Two spellings may name one test case.
            if let Some(first) = lines.insert(&case.id, row.line) {
                self.wrong(
                    row.line,
                    &format!("`{}` stands on line {first} already", case.id),
                );
                wanted.retain(|other| other.test_case != case.id);
                continue;
            }

            let stored = case.azure_ids.as_deref().unwrap_or_default();
            if row.ids.is_empty() && !stored.trim().is_empty() {
                self.without_ids += 1;
            } else if is_same_text(&row.ids, stored) {
                self.unchanged += 1;
            } else {
                match EnteredIds::parse(&row.ids) {
                    Ok(ids) if ids.are(stored) => self.unchanged += 1,
                    Ok(ids) => wanted.push(WantedIds {
                        line: row.line,
                        test_case: case.id.clone(),
                        ids,
                    }),
                    Err(error) => self.wrong(row.line, &error.to_string()),
                }
            }
        }
        wanted
    }

    /// Asks ADO for the ids of all rows at once, and prepares the changes of those that are right.
    fn ask(
        &mut self,
        wanted: &[WantedIds],
        config: &Config,
        arguments: &ImportArguments,
    ) -> anyhow::Result<()> {
        let mut ids: Vec<u32> = wanted.iter().flat_map(|row| row.ids.numbers()).collect();
        ids.sort_unstable();
        ids.dedup();
        let known = known_ids(self.project, config, &ids, &arguments.asking)?;

        for row in wanted {
            let wrong = match &known {
                Some(cases) if !arguments.writing.force => wrong_ids(cases, &row.ids.numbers()),
                _ => Vec::new(),
            };
            if !wrong.is_empty() {
                self.wrong(row.line, &wrong.join("; "));
                continue;
            }

            match prepared(self.project, &row.test_case, &Wish::Ids(row.ids.clone())) {
                Ok(change) => {
                    self.changes.extend(change);
                    warn_of_gaps(self.project, &row.test_case, &row.ids, known.as_ref());
                }
                Err(error) => self.wrong(row.line, &error.to_string()),
            }
        }
        Ok(())
    }

    fn tell_rest(&self, out: &mut Screen<'_>) -> std::io::Result<()> {
        if self.unchanged > 0 {
            writeln!(
                out,
                "{} as the project has it already",
                counted(self.unchanged, "row")
            )?;
        }

        if self.without_ids > 0 {
            writeln!(
                out,
                "{} without ids: {} left as {} with {} ids; `kado map clear` takes ids away",
                counted(self.without_ids, "row"),
                form(self.without_ids, "its test case is", "their test cases are"),
                form(self.without_ids, "it is", "they are"),
                form(self.without_ids, "its", "their")
            )?;
        }
        Ok(())
    }
}

/// Whether a cell is what was exported, whatever it holds.
fn is_same_text(cell: &str, stored: &str) -> bool {
    let parts = |text: &str| -> Vec<String> {
        let parts = text.split(',').map(str::trim);
        parts.map(str::to_owned).collect()
    };
    parts(cell) == parts(stored.trim())
}
