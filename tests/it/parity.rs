//! `docs/katalon-parity.md` says of everything that Katalon's integration does which test shows it: no row is empty, and
//! every test is there.

#![expect(clippy::disallowed_methods, reason = "the table and the tests are files of the repository")]
#![expect(clippy::unwrap_used, reason = "a helper that fails fails its test")]

use std::fs;
use std::path::Path;

/// The rows of all tables, without headings.
fn rows() -> Vec<Vec<String>> {
    let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/katalon-parity.md")).unwrap();
    let cells = |line: &str| line.trim_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect();
    let rows = text.lines().filter(|line| line.starts_with('|') && !line.starts_with("|---"));
    rows.map(cells).filter(|cells: &Vec<String>| cells.last().is_none_or(|last| last != "test")).collect()
}

/// The source that a test of this name stands in; nothing when there is none.
fn is_there(test: &str) -> bool {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let (module, name) = test.rsplit_once("::").unwrap();
    let path = module.replace("::", "/");
    let files = match path.strip_prefix("kado/") {
        Some(path) => vec![format!("src/{path}.rs"), format!("src/{path}/tests.rs")],
        None => vec![format!("tests/it/{path}.rs")],
    };
    let sources = files.iter().filter_map(|file| fs::read_to_string(root.join(file)).ok());
    sources.into_iter().any(|source| source.contains(&format!("fn {name}()")))
}

#[test]
fn no_row_of_the_table_is_empty_and_every_test_that_it_names_exists() {
    let rows = rows();
    assert!(rows.len() > 60, "the tables are read: {}", rows.len());
    for row in rows {
        assert!(row.len() == 3 && row.iter().all(|cell| !cell.is_empty()), "{row:?}");
        let tests: Vec<&str> = row[2].split(',').map(|name| name.trim().trim_matches('`')).collect();
        let missing: Vec<&&str> = tests.iter().filter(|test| !is_there(test)).collect();
        assert!(missing.is_empty(), "{}: no such test: {missing:?}", row[0]);
    }
}
