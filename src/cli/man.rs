//! `kado man`: the manual, made from the types of the command line, with what those do not know:
//! examples, files, variables and exit codes.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::{Args, Command};
use clap_mangen::Man;

use crate::cli::examples;
use crate::exit::Exit;

/// Files that every page names. Those of an account are written as a shell finds them: the page is
/// made on another machine than the one it is read on.
const FILES: &[(&str, &str)] = &[
    (
        "/etc/kado/kado.toml",
        "Configuration of the machine; on macOS /Library/Application Support/kado/kado.toml.",
    ),
    (
        "~/.config/kado/kado.toml",
        "Configuration of your account, where the machine has none.",
    ),
    (
        "/var/lib/kado",
        "State of the service: the database kado.db and copies of the files that wait.",
    ),
    ("/var/log/kado", "Log files of the service, one a day."),
    (
        "PROJECT/kado.toml",
        "What a Katalon project says for itself, beside its .prj file.",
    ),
];

/// Variables that count.
const VARIABLES: &[(&str, &str)] = &[
    (
        "KADO_CONFIG",
        "The configuration file; --config comes before it.",
    ),
    ("KADO_LOG", "What is logged, for example kado=debug."),
    (
        "NO_COLOR, CLICOLOR, CLICOLOR_FORCE",
        "No colours; colours or none on a terminal (0: none); colours also in a pipe.",
    ),
    (
        "FORCE_HYPERLINK",
        "Whether ids are links to Azure DevOps (0: not), whatever the terminal is known to show.",
    ),
    (
        "COLUMNS, TERM",
        "How wide the terminal is, and what it is; dumb shows letters only.",
    ),
    (
        "LC_ALL, LC_CTYPE, LANG",
        "Whether arrows and dots may be other letters than ASCII has.",
    ),
    (
        "TZ",
        "The time zone in which times are shown; --utc comes before it.",
    ),
    (
        "HTTPS_PROXY, HTTP_PROXY, ALL_PROXY, NO_PROXY",
        "The proxy, where kado.toml names none.",
    ),
    (
        "SYSTEM_ACCESSTOKEN",
        "The token of a job of Azure Pipelines, for kado exec.",
    ),
];

/// What each exit code means.
const EXIT_CODES: &[(&str, &str)] = &[
    ("0", "Done; also after SIGTERM."),
    ("1", "Something was not done, and the output says what."),
    ("2", "Wrong usage or configuration."),
    ("3", "Azure DevOps refused the credentials."),
    ("4", "Azure DevOps could not be reached."),
];

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
    command: Command,
    out: &mut dyn Write,
) -> anyhow::Result<Exit> {
    let mut command = command.disable_help_subcommand(true);
    command.build();

    match &arguments.dir {
        Some(folder) => write_all(&command, "", folder)
            .with_context(|| format!("the pages cannot be written to `{}`", folder.display()))?,
        None => out.write_all(&page(&command, "")?)?,
    }
    Ok(Exit::Done)
}

/// Writes the page of a command and of all below it; `words` are its words behind `kado`.
fn write_all(command: &Command, words: &str, folder: &Path) -> io::Result<()> {
    for below in command
        .get_subcommands()
        .filter(|below| !below.is_hide_set())
    {
        let words = format!("{words} {}", below.get_name());
        write_all(below, words.trim_start(), folder)?;
    }

    let name = Man::new(command.clone()).get_filename();
    write_file(&folder.join(name), &page(command, words)?)
}

#[expect(
    clippy::disallowed_methods,
    reason = "a package wants its pages in a folder"
)]
fn write_file(file: &Path, content: &[u8]) -> io::Result<()> {
    std::fs::write(file, content)
}

fn page(command: &Command, words: &str) -> io::Result<Vec<u8>> {
    let man = Man::new(command.clone());
    let mut page = Vec::new();
    man.render_title(&mut page)?;
    man.render_name_section(&mut page)?;
    man.render_synopsis_section(&mut page)?;
    man.render_description_section(&mut page)?;
    man.render_options_section(&mut page)?;
    if command.has_subcommands() {
        man.render_subcommands_section(&mut page)?;
    }

    write_section("EXAMPLES", examples::of(words), &mut page)?;
    write_section("FILES", FILES, &mut page)?;
    write_section("ENVIRONMENT", VARIABLES, &mut page)?;
    write_section("EXIT STATUS", EXIT_CODES, &mut page)?;
    Ok(page)
}

/// A section with a name and a text for each entry; none where there are no entries.
fn write_section(title: &str, entries: &[(&str, &str)], page: &mut Vec<u8>) -> io::Result<()> {
    if entries.is_empty() {
        return Ok(());
    }

    writeln!(page, ".SH \"{title}\"")?;
    for (name, text) in entries {
        writeln!(page, ".TP\n\\fB{}\\fR\n{}", escaped(name), escaped(text))?;
    }
    Ok(())
}

/// A text as roff reads it: nothing in it is a request, and a hyphen is one that can be copied.
fn escaped(text: &str) -> String {
    let escaped = text.replace('\\', "\\e").replace('-', "\\-");
    if escaped.starts_with(['.', '\'']) {
        format!("\\&{escaped}")
    } else {
        escaped
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;
    use crate::cli::Cli;

    #[test]
    fn a_page_has_all_that_a_manual_has() {
        let mut page = Vec::new();
        let arguments = Arguments { dir: None };

        man(&arguments, Cli::command(), &mut page).unwrap();

        let page = String::from_utf8(page).unwrap();
        let sections: Vec<&str> = page
            .lines()
            .filter_map(|line| line.strip_prefix(".SH "))
            .collect();
        assert_eq!(
            sections,
            [
                "NAME",
                "SYNOPSIS",
                "DESCRIPTION",
                "OPTIONS",
                "SUBCOMMANDS",
                "\"EXAMPLES\"",
                "\"FILES\"",
                "\"ENVIRONMENT\"",
                "\"EXIT STATUS\""
            ]
        );
    }
}
