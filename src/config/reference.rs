//! Holds `docs/configuration.md` against what reads `kado.toml`: every key that is read has its row
//! there, with a type, a default that is the one in force, and a meaning; and no other key has one.

use std::collections::{BTreeMap, BTreeSet};

use crate::config::{Config, Tables, of_text};
use crate::katalon::run::RunOptions;
use crate::katalon::settings::AzureSettings;
use crate::plan::options::Options;
use crate::plan::overrides;

/// What people read.
const REFERENCE: &str = include_str!("../../docs/configuration.md");
/// A key that nobody reads and that is near to none: the answer to it names all that are read.
const NOBODYS: &str = "qqqqqqqqqqqqqqqqqqqqqqqqq";
/// The tables of the file.
const TABLES: [&str; 7] = [
    "",
    "redact",
    "status_page",
    "notify",
    "azure",
    "azure.identity",
    "submit",
];
/// Keys of which the default depends on what else is set; that it does stands in their row.
const DEPENDING: [&str; 3] = [
    "azure.authority_url",
    "azure.suppress_sign_in",
    "submit.ids_pattern",
];

/// A row of the reference.
#[derive(Debug)]
struct Row {
    /// What stands behind the key, cell by cell: type, default and meaning, or the meaning alone.
    cells: Vec<&'static str>,
}

/// The rows by the full names of their keys.
fn rows() -> BTreeMap<String, Row> {
    let mut rows = BTreeMap::new();
    let mut table = None;
    for line in REFERENCE.lines() {
        if let Some(heading) = line.strip_prefix("## ") {
            table = match heading {
                "Top level" => Some(String::new()),
                "[[project]]" => None,
                heading => heading
                    .strip_prefix('[')
                    .and_then(|rest| rest.strip_suffix(']'))
                    .map(|name| format!("{name}.")),
            };
        } else if line.starts_with("### ") {
            // What stands below explains values.
            table = None;
        } else if line.starts_with("| key of `azure.identity` |") {
            table = Some("azure.identity.".to_owned());
        }

        let Some(table) = &table else { continue };
        if let Some(row) = line.strip_prefix("| `") {
            let (key, cells) = row.split_once("` |").expect("a row has cells");
            let key = key.trim_start_matches('[').trim_end_matches(']');
            let cells = cells.trim_end().trim_end_matches('|');
            let cells = cells.split(" |").map(str::trim).collect();
            let earlier = rows.insert(format!("{table}{key}"), Row { cells });
            assert!(earlier.is_none(), "`{table}{key}` has two rows");
        }
    }
    rows
}

/// The full names of all keys that are read.
fn keys() -> BTreeSet<String> {
    let mut keys = BTreeSet::new();
    for table in TABLES {
        let heading = match table {
            "" => String::new(),
            table => format!("[{table}]\n"),
        };
        let problems = of_text(&format!("{heading}{NOBODYS} = 1\n")).unwrap_err();
        let known = problems
            .iter()
            .find_map(|problem| problem.split_once("known here: "))
            .unwrap_or_else(|| panic!("{table}: {problems:?}"));

        for key in known.1.split(", ") {
            let dot = if table.is_empty() { "" } else { "." };
            keys.insert(format!("{table}{dot}{key}"));
        }
    }

    // The tables of projects are those of the machine, and have a section of their own.
    keys.remove("project");
    keys
}

/// What holds with these lines of `kado.toml`, in a project that says nothing itself.
fn in_force(lines: &str) -> String {
    let text = format!("watch = [\"w\"]\n{lines}");
    let config = of_text(&text).unwrap_or_else(|problems| panic!("{text}{problems:?}"));
    let settings = AzureSettings::default();
    let overrides = &config.machine.overrides;
    let options: Options = overrides::effective(&settings, overrides, &RunOptions::default());

    let of_machine = Config {
        machine: Tables::default(),
        ..config.clone()
    };

    // What neither settings nor kado.toml say is off, or the first word.
    [
        format!("{options:#?}"),
        format!("{of_machine:#?}"),
        format!("{:?}", overrides.id_rule()),
        format!("{:?}", overrides::auto_submit(&settings, overrides)),
        format!("{:?}", overrides.katalon_submits.unwrap_or_default()),
        format!("{:?}", overrides.live.unwrap_or_default()),
        format!("{:?}", overrides.collections.unwrap_or_default()),
        format!("{:?}", config.machine.access.allow_http.unwrap_or_default()),
    ]
    .join("\n")
}

/// The value that a default is, as TOML has it; `None` where it is told in words.
fn literal(default: &'static str) -> Option<&'static str> {
    let from = match default
        .rsplit_once("else `")
        .or(default.rsplit_once("setting `"))
    {
        Some((_, literal)) => literal,
        None => default.strip_prefix('`')?,
    };
    let literal = from.split('`').next()?;
    let is_value = literal.starts_with(['"', '[']) || matches!(literal, "true" | "false");
    is_value.then_some(literal)
}

#[test]
fn every_key_that_is_read_has_a_row_and_every_row_is_a_key() {
    let documented: BTreeSet<String> = rows().into_keys().collect();

    assert_eq!(keys(), documented);
}

#[test]
fn every_row_says_what_a_key_is_and_what_it_is_without_it() {
    for (key, row) in rows() {
        let is_table = TABLES.contains(&&*key);
        let wanted = if key.starts_with("azure.identity.") {
            1
        } else {
            3
        };

        assert_eq!(row.cells.len(), wanted, "{key}: {row:?}");
        for (number, cell) in row.cells.iter().enumerate() {
            assert!(
                !cell.is_empty() || (is_table && number == 1),
                "{key}: {row:?}"
            );
        }
        assert!(
            row.cells
                .last()
                .is_some_and(|meaning| meaning.ends_with(['.', ':', ')'])),
            "{key}"
        );
    }
}

#[test]
fn a_default_that_is_told_is_the_one_in_force() {
    let nothing = in_force("");
    let mut compared = 0;
    for (key, row) in rows() {
        let Some(default) = row.cells.get(1).and_then(|cell| literal(cell)) else {
            continue;
        };
        if DEPENDING.contains(&&*key) {
            continue;
        }

        // A table that is there and empty may mean something else than none.
        let (table, name) = key.rsplit_once('.').unwrap_or(("", &key));
        let heading = match table {
            "" => String::new(),
            "notify" => "[notify]\nwebhook = \"https://chat.example/h\"\n".to_owned(),
            table => format!("[{table}]\n"),
        };
        let without = if table == "notify" {
            in_force(&heading)
        } else {
            nothing.clone()
        };

        let with = in_force(&format!("{heading}{name} = {default}\n"));

        assert_eq!(with, without, "{key} = {default}");
        compared += 1;
    }
    assert!(compared > 25, "{compared}");
}
