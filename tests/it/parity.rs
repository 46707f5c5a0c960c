//! `docs/katalon-parity.md` says of everything that Katalon's integration does which test shows it:
//! no row is empty, and every test is there and runs.

#![expect(
    clippy::disallowed_methods,
    reason = "the table and the tests are files of the repository"
)]
#![expect(clippy::unwrap_used, reason = "a helper that fails fails its test")]

use std::fs;
use std::path::Path;

/// The rows of all tables, without headings.
fn rows() -> Vec<Vec<String>> {
    let text =
        fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/katalon-parity.md"))
            .unwrap();
    let cells = |line: &str| {
        line.trim_matches('|')
            .split('|')
            .map(|cell| cell.trim().to_owned())
            .collect()
    };
    let rows = text
        .lines()
        .filter(|line| line.starts_with('|') && !line.starts_with("|---"));

    rows.map(cells)
        .filter(|cells: &Vec<String>| cells.last().is_none_or(|last| last != "test"))
        .collect()
}

/// Whether a test of this name is run with the others.
fn is_run(test: &str) -> bool {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let (module, name) = test.rsplit_once("::").unwrap();
    let path = module.replace("::", "/");
    let read = |file: String| fs::read_to_string(root.join(file)).unwrap_or_default();
    let Some(path) = path.strip_prefix("kado/") else {
        let listed = read("tests/it/main.rs".to_owned())
            .lines()
            .any(|line| line == format!("mod {path};"));
        return listed && holds(&read(format!("tests/it/{path}.rs")), name);
    };

    holds(&read(format!("src/{path}.rs")), name)
        || holds(&read(format!("src/{path}/tests.rs")), name)
}

/// Whether a source holds a test of this name: directly above the function stand its attributes,
/// one of them is `#[test]`, and none makes it an ignored one.
fn holds(source: &str, name: &str) -> bool {
    let lines: Vec<&str> = source.lines().map(str::trim).collect();
    let Some(at) = lines
        .iter()
        .position(|line| line.starts_with(&format!("fn {name}()")))
    else {
        return false;
    };
    let above = lines[..at].iter().rev();
    let attributes: Vec<&&str> = above
        .take_while(|line| line.starts_with("#[") || line.starts_with("///"))
        .collect();

    attributes.iter().any(|line| **line == "#[test]")
        && !attributes.iter().any(|line| line.contains("ignore"))
}

#[test]
fn no_row_of_the_table_is_empty_and_every_test_that_it_names_is_run() {
    let rows = rows();

    assert!(rows.len() > 60, "the tables are read: {}", rows.len());
    for row in rows {
        assert!(
            row.len() == 3 && row.iter().all(|cell| !cell.is_empty()),
            "{row:?}"
        );
        let tests: Vec<&str> = row[2]
            .split(',')
            .map(|name| name.trim().trim_matches('`'))
            .collect();
        let missing: Vec<&&str> = tests.iter().filter(|test| !is_run(test)).collect();
        assert!(missing.is_empty(), "{}: no such test: {missing:?}", row[0]);
    }
}

#[test]
fn only_a_function_that_is_run_as_a_test_counts() {
    let plain = "#[test]\nfn it() {\n}\n";
    let with_more = "#[cfg(unix)]\n#[test]\n#[expect(dead_code, reason = \"…\")]\n    fn it() {";

    for test in [plain, with_more] {
        assert!(holds(test, "it"), "{test}");
    }
    let helper = "#[test]\nfn other() {\n}\n\nfn it() {}";
    let ignored = "#[test]\n#[ignore = \"no\"]\nfn it() {}";
    let ignored_here = "#[cfg_attr(windows, ignore = \"no\")]\n#[test]\nfn it() {}";
    let longer = "#[test]\nfn it_too() {}";
    for other in [
        helper,
        ignored,
        ignored_here,
        longer,
        "// #[test]\n// fn it() {}",
    ] {
        assert!(!holds(other, "it"), "{other}");
    }
}
