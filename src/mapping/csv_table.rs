//! Ids of test cases as a table for spreadsheets: `test_case,ids`, a line for each test case.
//!
//! It is written as RFC 4180 has it and read as spreadsheets write it: with a byte order mark,
//! UTF-16, commas, semicolons or tabulators, quoted or not, the columns in any order and among
//! others. What is wrong is told with the line on which it stands.
//!
//! A project is written by others, and a cell that begins with `=`, `+`, `-` or `@` is a formula to
//! a spreadsheet, which may start programs. Such a cell gets a `'` before it, which spreadsheets
//! take for "this is text" and reading takes away again.

use std::collections::BTreeMap;

use crate::katalon::text;
use crate::plural::counted;

/// The columns.
const TEST_CASE: &str = "test_case";
const IDS: &str = "ids";
/// Rows that are read; a project has no more test cases.
const MOST_ROWS: usize = 50_000;
/// How Excel says which separator follows.
const SEPARATOR_LINE: &str = "sep=";

/// A row of a table.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct TableRow {
    /// The line on which it begins, from 1.
    pub line: u64,
    pub test_case: String,
    pub ids: String,
}

/// What is wrong on a line.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct LineProblem {
    /// From 1.
    pub line: u64,
    pub what: String,
}

/// Why a text is no table of ids.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub(crate) enum NoTable {
    /// A column is not there.
    #[error(
        "line {line}: there is no column `{column}`, only {}; the first line has to name the \
         columns `{TEST_CASE}` and `{IDS}`",
        listed(there)
    )]
    NoColumn {
        line: u64,
        column: &'static str,
        /// The columns that are there.
        there: Vec<String>,
    },
    /// A column is there twice.
    #[error("line {line}: the column `{column}` is there twice; remove one of them")]
    TwoColumns { line: u64, column: &'static str },
    /// There is nothing in it.
    #[error("it is empty; the first line has to name the columns `{TEST_CASE}` and `{IDS}`")]
    Empty,
    /// It has more rows than any project has test cases.
    #[error("it has more than {MOST_ROWS} rows")]
    TooLong,
}

fn listed(columns: &[String]) -> String {
    let columns: Vec<String> = columns
        .iter()
        .map(|column| format!("`{}`", text::head(column, 40)))
        .take(10)
        .collect();
    columns.join(", ")
}

/// A table of these test cases with their ids as they are stored.
pub(crate) fn written_table<'a>(rows: impl IntoIterator<Item = (&'a str, &'a str)>) -> Vec<u8> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    let mut write = |test_case: &str, ids: &str| {
        writer
            .write_record([test_case, ids])
            .expect("each record has two fields, and memory takes all of them");
    };

    write(TEST_CASE, IDS);
    for (test_case, ids) in rows {
        write(&harmless(test_case), &harmless(&apart(ids)));
    }
    writer.into_inner().expect("memory takes all of it")
}

/// Ids with a blank behind each comma: to a spreadsheet `1865,1866` may be a number.
fn apart(ids: &str) -> String {
    let parts: Vec<&str> = ids.trim().split(',').map(str::trim).collect();
    parts.join(", ")
}

/// A cell that no spreadsheet takes for a formula.
fn harmless(cell: &str) -> String {
    if is_formula(cell) {
        format!("'{cell}")
    } else {
        cell.to_owned()
    }
}

/// A cell as it was before [`harmless`].
fn original(cell: &str) -> &str {
    match cell.strip_prefix('\'') {
        Some(rest) if is_formula(rest) => rest,
        _ => cell,
    }
}

/// Whether a cell begins as a formula does, behind any number of `'`, so that one more can be told
/// from those that were there.
fn is_formula(cell: &str) -> bool {
    // Spreadsheets of East Asia take the wide forms for the others.
    cell.trim_start_matches('\'').starts_with([
        '=', '+', '-', '@', '\t', '\r', '\u{ff1d}', '\u{ff0b}', '\u{ff0d}', '\u{ff20}',
    ])
}

/// Reads a table; beside its rows what is wrong with others.
///
/// # Errors
/// When it is no table of ids as a whole.
pub(crate) fn read_table(bytes: &[u8]) -> Result<(Vec<TableRow>, Vec<LineProblem>), NoTable> {
    let whole = text::decode(bytes);
    let mut content = &*whole;
    let mut line_before = 0;
    let mut told = None;
    if let Some((first, rest)) = content.split_once('\n')
        && let Some(separator) = first.trim().trim_matches('"').strip_prefix(SEPARATOR_LINE)
    {
        told = separator.bytes().next();
        content = rest;
        line_before = 1;
    }

    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .delimiter(told.unwrap_or_else(|| separator_in(content)))
        .from_reader(content.as_bytes());
    let mut records = reader.records();

    let Some(Ok(titles)) = records.next() else {
        return Err(NoTable::Empty);
    };
    let lines = Lines::of(content);
    let line_of = |record: &csv::StringRecord| line_before + lines.line_of(record);
    let line = line_of(&titles);
    let test_case = column(&titles, TEST_CASE, line)?;
    let ids = column(&titles, IDS, line)?;

    let mut rows = Vec::new();
    let mut problems = Vec::new();
    for record in records {
        // The text is UTF-8 and the number of fields is free, so nothing is left that could fail.
        let Ok(record) = record else { continue };
        if record.iter().all(|cell| cell.trim().is_empty()) {
            continue;
        }
        if rows.len() == MOST_ROWS {
            return Err(NoTable::TooLong);
        }

        let line = line_of(&record);
        match (record.get(test_case), record.get(ids)) {
            (Some(test_case), Some(ids)) => rows.push(TableRow {
                line,
                test_case: original(test_case).trim().to_owned(),
                ids: original(ids).trim().to_owned(),
            }),
            _ => problems.push(LineProblem {
                line,
                what: format!(
                    "it has {}, and the first line {}",
                    counted(record.len(), "cell"),
                    titles.len()
                ),
            }),
        }
    }

    problems.extend(take_doubles(&mut rows));
    Ok((rows, problems))
}

/// The lines of a text.
struct Lines<'a> {
    text: &'a str,
    /// Where each ends.
    ends: Vec<usize>,
}

impl<'a> Lines<'a> {
    fn of(text: &'a str) -> Self {
        Self {
            text,
            ends: text.match_indices('\n').map(|(at, _)| at).collect(),
        }
    }

    /// The line on which a record begins, from 1. The reader's own count lags where lines are empty
    /// or end in two signs: what it has not read yet of the line before counts as the record's.
    fn line_of(&self, record: &csv::StringRecord) -> u64 {
        let byte = record.position().map_or(0, csv::Position::byte);
        let byte = usize::try_from(byte).unwrap_or(usize::MAX);
        let rest = self.text.get(byte..).unwrap_or_default();
        let begin = self.text.len() - rest.trim_start_matches(['\r', '\n']).len();

        self.ends.partition_point(|end| *end < begin) as u64 + 1
    }
}

/// The separator of a table: the sign that stands most often in its first line.
fn separator_in(content: &str) -> u8 {
    let first = content.lines().next().unwrap_or_default();

    // Of two that stand there equally often the last one counts, so the usual one is the last.
    [b'\t', b';', b',']
        .into_iter()
        .max_by_key(|separator| first.bytes().filter(|sign| sign == separator).count())
        .unwrap_or(b',')
}

/// Where a column is.
fn column(titles: &csv::StringRecord, wanted: &'static str, line: u64) -> Result<usize, NoTable> {
    let mut places = titles
        .iter()
        .enumerate()
        .filter(|(_, title)| title.trim().eq_ignore_ascii_case(wanted));

    match (places.next(), places.next()) {
        (Some((at, _)), None) => Ok(at),
        (None, _) => Err(NoTable::NoColumn {
            line,
            column: wanted,
            there: titles.iter().map(str::to_owned).collect(),
        }),
        (Some(_), Some(_)) => Err(NoTable::TwoColumns {
            line,
            column: wanted,
        }),
    }
}

/// Takes out the rows of test cases that have several: which one is meant is not for kado to say.
fn take_doubles(rows: &mut Vec<TableRow>) -> Vec<LineProblem> {
    let mut lines: BTreeMap<String, Vec<u64>> = BTreeMap::new();
    for row in rows.iter() {
        lines
            .entry(row.test_case.clone())
            .or_default()
            .push(row.line);
    }
    lines.retain(|_, lines| lines.len() > 1);

    let mut problems = Vec::new();
    for (test_case, lines) in &lines {
        for line in &lines[1..] {
            problems.push(LineProblem {
                line: *line,
                what: format!(
                    "`{test_case}` stands on line {} already; keep one of them",
                    lines[0]
                ),
            });
        }
    }
    rows.retain(|row| !lines.contains_key(&row.test_case));
    problems
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn rows(bytes: &[u8]) -> Vec<(u64, String, String)> {
        let (rows, problems) = read_table(bytes).unwrap();

        assert_eq!(problems, []);
        rows.into_iter()
            .map(|row| (row.line, row.test_case, row.ids))
            .collect()
    }

    #[test]
    fn tables_of_spreadsheets_are_read_in_every_form() {
        let expected = [
            (2, "Test Cases/A, b".to_owned(), "1, 2".to_owned()),
            (3, "Test Cases/Ü".to_owned(), "3".to_owned()),
        ];
        let commas = "test_case,ids\n\"Test Cases/A, b\",\"1, 2\"\nTest Cases/Ü,3\n";
        let semicolons =
            "\u{feff}IDS;note;Test_Case\r\n1, 2;;Test Cases/A, b\r\n3;x;\"Test Cases/Ü\"\r\n";
        let tabs = "test_case\tids\r\nTest Cases/A, b\t1, 2\r\nTest Cases/Ü\t3\r\n";
        let utf16: Vec<u8> = format!("\u{feff}{tabs}")
            .encode_utf16()
            .flat_map(u16::to_le_bytes)
            .collect();

        for bytes in [
            commas.as_bytes(),
            semicolons.as_bytes(),
            tabs.as_bytes(),
            &utf16,
        ] {
            assert_eq!(rows(bytes), expected);
        }
    }

    #[test]
    fn a_cell_that_a_spreadsheet_computes_is_made_a_text_and_comes_back_as_it_was() {
        for formula in [
            "=1+1",
            "+1",
            "-1",
            "@A1",
            "\t=1",
            "\u{ff1d}1+1",
            "\u{ff20}A1",
        ] {
            let written = harmless(formula);

            assert_eq!(written, format!("'{formula}"));
            assert_eq!(original(&written), formula);
        }
        assert_eq!(harmless("1865"), "1865");
    }

    #[test]
    fn the_line_in_which_excel_names_the_separator_is_no_row() {
        let table = b"sep=;\r\ntest_case;ids\r\nTest Cases/A;1\r\n";

        assert_eq!(
            rows(table),
            [(3, "Test Cases/A".to_owned(), "1".to_owned())]
        );
    }

    #[test]
    fn wrong_columns_are_told() {
        let errors = [
            "",
            "name;id\nx;1",
            "test_case\nx",
            "ids,test_case,ids\n1,x,2",
        ]
        .map(|text| read_table(text.as_bytes()).unwrap_err().to_string());

        insta::assert_snapshot!(errors.join("\n"), @r"
        it is empty; the first line has to name the columns `test_case` and `ids`
        line 1: there is no column `test_case`, only `name`, `id`; the first line has to name the columns `test_case` and `ids`
        line 1: there is no column `ids`, only `test_case`; the first line has to name the columns `test_case` and `ids`
        line 1: the column `ids` is there twice; remove one of them
        ");
    }

    #[test]
    fn lines_that_cannot_be_used_are_told_and_the_others_read() {
        let table = "test_case,ids\nTest Cases/A,1\nTest Cases/B\n\n \"\nTest Cases/C\",2\n\
                     Test Cases/A,3\n";

        let (rows, problems) = read_table(table.as_bytes()).unwrap();

        let problems: Vec<String> = problems
            .iter()
            .map(|problem| format!("{}: {}", problem.line, problem.what))
            .collect();
        insta::assert_snapshot!(problems.join("\n"), @r"
        3: it has 1 cell, and the first line 2
        5: it has 1 cell, and the first line 2
        7: `Test Cases/A` stands on line 2 already; keep one of them
        ");
        assert_eq!(rows.len(), 1, "{rows:?}");
    }

    #[test]
    fn no_cell_is_a_formula() {
        let table = written_table([("=cmd()", "@x"), ("'-1", "1,2"), ("Test Cases/A", "")]);

        insta::assert_snapshot!(String::from_utf8(table).unwrap(), @r#"
        test_case,ids
        '=cmd(),'@x
        ''-1,"1, 2"
        Test Cases/A,
        "#);
    }

    proptest! {
        #[test]
        fn what_was_written_is_read_again(cells in proptest::collection::btree_map(r#"[-=+@'a-z",;/]{1,6}"#, r"[-=+@'0-9${}]{0,6}", 0..6)) {
            let table = written_table(cells.iter().map(|(test_case, ids)| (&**test_case, &**ids)));

            let (rows, problems) = read_table(&table).unwrap();

            prop_assert_eq!(problems, []);
            let read: BTreeMap<String, String> =
                rows.into_iter().map(|row| (row.test_case, row.ids)).collect();
            prop_assert_eq!(read, cells);
        }

        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..60)) {
            let _ = read_table(&bytes);
        }
    }
}
