//! What README and docs say can be done: their links lead somewhere, their commands are commands of
//! this program, their `kado.toml` loads, and the tests that they name are there.

#![expect(
    clippy::disallowed_methods,
    reason = "the documents are files of the repository"
)]
#![expect(clippy::unwrap_used, reason = "a helper that fails fails its test")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use clap::Parser as _;
use clap::error::ErrorKind;
use kado::cli::Cli;

use crate::support::Machine;

/// Where documents lie; the folders of fixtures and corpora hold none of ours.
const FOLDERS: [&str; 6] = [
    "",
    "docs",
    "packaging",
    "packaging/container",
    "tests",
    "tests/fixtures",
];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Every Markdown file with its text.
fn documents() -> Vec<(PathBuf, String)> {
    let mut documents = Vec::new();
    for folder in FOLDERS {
        documents.extend(documents_in(&root().join(folder)));
    }

    documents
}

/// The Markdown files in a folder, with their texts.
fn documents_in(folder: &Path) -> Vec<(PathBuf, String)> {
    let mut documents = Vec::new();
    for entry in fs::read_dir(folder).into_iter().flatten() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "md") {
            let text = fs::read_to_string(&path).unwrap();
            documents.push((path, text));
        }
    }

    documents
}

/// README and docs: what users read.
fn of_users() -> Vec<(PathBuf, String)> {
    let mut documents = documents();
    documents.retain(|(path, _)| {
        *path == root().join("README.md") || path.parent() == Some(&root().join("docs"))
    });

    documents
}

/// A fenced block: its language and its lines.
struct Block {
    language: String,
    lines: Vec<String>,
}

/// The text without its fenced blocks, and the blocks.
fn parted(text: &str) -> (String, Vec<Block>) {
    let mut prose = String::new();
    let mut blocks: Vec<Block> = Vec::new();
    let mut inside = false;

    for line in text.lines() {
        if let Some(language) = line.trim_start().strip_prefix("```") {
            inside = !inside;
            if inside {
                blocks.push(Block {
                    language: language.trim().to_owned(),
                    lines: Vec::new(),
                });
            }
        } else if inside {
            let block = blocks.last_mut().expect("a block was opened");
            block.lines.push(line.to_owned());
        } else {
            prose.push_str(line);
            prose.push('\n');
        }
    }

    (prose, blocks)
}

/// The targets of `[text](target)` outside of code.
fn links(prose: &str) -> Vec<String> {
    let mut without_code = String::new();
    for (at, part) in prose.split('`').enumerate() {
        if at % 2 == 0 {
            without_code.push_str(part);
        }
    }

    without_code
        .split("](")
        .skip(1)
        .filter_map(|rest| rest.split_once(')'))
        .map(|(target, _)| target.to_owned())
        .collect()
}

/// The names that a document's headings can be linked by, as GitHub makes them.
fn anchors(text: &str) -> BTreeSet<String> {
    let (prose, _) = parted(text);
    prose
        .lines()
        .filter(|line| line.starts_with('#'))
        .map(|line| {
            line.trim_start_matches('#')
                .trim()
                .to_lowercase()
                .chars()
                .filter(|one| one.is_alphanumeric() || matches!(one, ' ' | '-' | '_'))
                .map(|one| if one == ' ' { '-' } else { one })
                .collect()
        })
        .collect()
}

/// Why a link of this document leads nowhere.
fn broken(document: &Path, own: &str, target: &str) -> Option<String> {
    if target.contains("://") || target.starts_with("mailto:") {
        return None;
    }

    let (file, anchor) = target.split_once('#').unwrap_or((target, ""));
    let text = if file.is_empty() {
        own.to_owned()
    } else {
        let path = document.parent().unwrap().join(file);
        if !path.exists() {
            return Some(format!("{}: there is no {target}", document.display()));
        }
        fs::read_to_string(path).unwrap_or_default()
    };

    let is_there = anchor.is_empty() || anchors(&text).contains(anchor);
    (!is_there).then(|| format!("{}: no heading for {target}", document.display()))
}

#[test]
fn the_book_has_every_document_once_and_no_link_leaves_it() {
    let folder = root().join("docs");
    let contents = fs::read_to_string(folder.join("SUMMARY.md")).unwrap();
    let mut chapters = links(&contents);
    chapters.sort();

    let mut documents = Vec::new();
    for (path, text) in documents_in(&folder) {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let outside: Vec<String> = links(&parted(&text).0)
            .into_iter()
            .filter(|link| link.starts_with("../"))
            .collect();
        assert_eq!(
            outside, [""; 0],
            "{name}: packages and book have no such file"
        );
        if name != "SUMMARY.md" {
            documents.push(name);
        }
    }
    documents.sort();

    assert_eq!(chapters, documents);
}

#[test]
fn every_link_between_documents_leads_to_a_file_and_a_heading() {
    let mut found = 0;
    let mut wrong = Vec::new();

    for (document, text) in documents() {
        for target in links(&parted(&text).0) {
            found += 1;
            wrong.extend(broken(&document, &text, &target));
        }
    }

    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(found > 40, "only {found} links were found");
}

/// How exactly a command is written down.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Wanted {
    /// To be copied.
    Whole,
    /// Named in a sentence; what it needs may be left out.
    Name,
}

/// The commands of a document, each with how it is meant.
fn commands(text: &str) -> Vec<(String, Wanted)> {
    let (prose, blocks) = parted(text);
    let mut commands = Vec::new();
    for block in blocks {
        let wanted = match block.language.as_str() {
            "sh" | "bat" => Wanted::Whole,
            // A script in it may go on in the next line.
            "yaml" => Wanted::Name,
            _ => continue,
        };

        let joined = block.lines.join("\n").replace("\\\n", " ");
        for line in joined.lines() {
            commands.push((line.trim().to_owned(), wanted));
        }
    }

    for (at, code) in prose.split('`').enumerate() {
        if at % 2 == 1 {
            let line: Vec<&str> = code.split_whitespace().collect();
            commands.push((line.join(" ").replace("\\|", "|"), Wanted::Name));
        }
    }

    commands
}

/// The words of a line as a shell parts them, up to a comment or a redirection; empty where it is
/// no command of kado's.
fn words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word = String::new();
    let mut quote = None;

    for one in line.chars().chain([' ']) {
        match (one, quote) {
            ('"' | '\'', None) => quote = Some(one),
            (_, Some(open)) if one == open => quote = None,
            (' ', None) if !word.is_empty() => words.push(std::mem::take(&mut word)),
            (' ', None) => {}
            _ => word.push(one),
        }
    }

    let end = words
        .iter()
        .position(|word| word.starts_with(['#', '<', '>', '|', '&', ';']))
        .unwrap_or(words.len());
    words.truncate(end);

    let begin = words
        .iter()
        .position(|word| word != "sudo" && word != "script:" && word != "-" && word != "pwsh:")
        .unwrap_or(words.len());
    words.drain(..begin);

    if words.first().is_some_and(|first| first == "kado") && words.len() > 1 {
        words
    } else {
        Vec::new()
    }
}

/// A word of a description as somebody types it: brackets and dots away, a value for what stands
/// for one.
fn typed(word: &str) -> Option<String> {
    let word = word.trim_matches(['[', ']', '…']);
    match word {
        "" => None,
        "ID" => Some("1".to_owned()),
        "PLAN" => Some("18".to_owned()),
        "RUN" => Some("512".to_owned()),
        "TIME" => Some("5m".to_owned()),
        "SHELL" => Some("bash".to_owned()),
        other => Some(other.to_owned()),
    }
}

/// Every command that `start|stop` and its like stand for.
fn alternatives(words: &[String]) -> Vec<Vec<String>> {
    let mut all: Vec<Vec<String>> = vec![Vec::new()];
    for word in words {
        let choices: Vec<String> = word.split('|').filter_map(typed).collect();
        if choices.is_empty() {
            continue;
        }

        let mut longer = Vec::new();
        for begun in &all {
            for choice in &choices {
                longer.push([begun.as_slice(), std::slice::from_ref(choice)].concat());
            }
        }
        all = longer;
    }

    all
}

#[test]
fn every_command_of_the_documents_is_one_that_kado_takes() {
    let mut found = 0;
    let mut wrong = Vec::new();

    for (document, text) in of_users() {
        for (line, wanted) in commands(&text) {
            for command in alternatives(&words(&line)) {
                if command.is_empty() {
                    continue;
                }
                found += 1;

                let Err(error) = Cli::try_parse_from(&command) else {
                    continue;
                };
                let is_only_a_name = matches!(
                    error.kind(),
                    ErrorKind::MissingRequiredArgument
                        | ErrorKind::MissingSubcommand
                        | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand
                );
                let is_help = matches!(
                    error.kind(),
                    ErrorKind::DisplayHelp | ErrorKind::DisplayVersion
                );
                if !is_help && (wanted == Wanted::Whole || !is_only_a_name) {
                    wrong.push(format!("{}: {line}: {error}", document.display()));
                }
            }
        }
    }

    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(found > 100, "only {found} commands were found");
}

/// The names of all functions of the program and its tests.
fn functions() -> BTreeSet<String> {
    let mut functions = BTreeSet::new();
    let mut folders = vec![root().join("src"), root().join("tests")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                functions.extend(functions_of(&fs::read_to_string(path).unwrap()));
            }
        }
    }
    functions
}

fn functions_of(source: &str) -> Vec<String> {
    let mut functions = Vec::new();
    for line in source.lines() {
        if let Some((_, rest)) = line.split_once("fn ")
            && let Some((name, _)) = rest.split_once('(')
        {
            functions.push(name.to_owned());
        }
    }
    functions
}

/// Whether a name that stands for tests leads to some: a test, several by what they have in common
/// (`…`), a file of `tests/it`, or a module of the program.
fn leads_to_tests(name: &str, functions: &BTreeSet<String>) -> bool {
    if let Some((begin, end)) = name.split_once('…') {
        return functions
            .iter()
            .any(|function| function.starts_with(begin) && function.ends_with(end));
    }

    let module = name.trim_end_matches(".rs").replace("::", "/");
    functions.contains(name)
        || root().join(format!("tests/it/{module}.rs")).exists()
        || root().join(format!("src/{module}.rs")).exists()
}

#[test]
fn every_test_that_the_faults_name_is_there() {
    let functions = functions();
    let text = fs::read_to_string(root().join("docs/faults.md")).unwrap();
    let mut found = 0;
    let mut missing = Vec::new();

    for row in text.lines().filter(|line| line.starts_with("| ")) {
        let tests = row.trim_end_matches([' ', '|']).rsplit(" | ").next();
        for name in tests.unwrap_or_default().split('`').skip(1).step_by(2) {
            found += 1;
            if !name.starts_with("kado ") && !leads_to_tests(name, &functions) {
                missing.push(name.to_owned());
            }
        }
    }

    assert!(missing.is_empty(), "{missing:#?}");
    assert!(found > 200, "only {found} names were found");
}

#[test]
fn every_kado_toml_of_the_documents_loads() {
    let machine = Machine::new();
    let mut found = 0;

    for (document, text) in of_users() {
        for block in parted(&text).1 {
            if block.language != "toml" {
                continue;
            }
            found += 1;

            // A part of a file is shown without what every file has.
            let text = block.lines.join("\n");
            let mut before = format!("state_dir = {:?}\n", machine.state());
            if !text.contains("watch = ") {
                before.push_str("watch = [\"/srv/agent/_work\"]\n");
            }
            machine.configure_only(&(before + &text));

            let done = machine.kado(&["runs"]);

            assert_eq!(done.code, 0, "{}: {done:?}", document.display());
        }
    }

    assert!(found > 3, "only {found} were found");
}
