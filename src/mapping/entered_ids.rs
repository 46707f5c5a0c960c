//! Ids as people enter them, on the command line or in a table: numbers of at most ten digits or
//! `${variable}`, separated by commas, semicolons or blanks. What is no id is told part by part, in
//! the words of the reader that would meet it in a run.

use crate::katalon::azure_ids;

/// Ids of one test case that a run takes.
const MOST: usize = 1000;

/// Ids that can be stored.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct EnteredIds {
    parts: Vec<String>,
}

impl EnteredIds {
    /// Reads ids.
    ///
    /// # Errors
    /// What is wrong with them, in words: each part that is no id.
    pub(crate) fn parse(text: &str) -> Result<Self, NoIds> {
        let mut parts: Vec<String> = Vec::new();
        let mut wrong = Vec::new();
        for part in parts_of(text) {
            match stored_form(&part) {
                Ok(part) if parts.contains(&part) => {}
                Ok(part) => parts.push(part),
                Err(error) => wrong.push(error),
            }
        }

        if !wrong.is_empty() {
            return Err(NoIds::Parts(wrong));
        }
        match parts.len() {
            0 => Err(NoIds::None),
            1..=MOST => Ok(Self { parts }),
            count => Err(NoIds::TooMany(count)),
        }
    }

    /// As Katalon stores them.
    pub(crate) fn text(&self) -> String {
        self.parts.join(",")
    }

    /// The ids that are numbers.
    pub(crate) fn numbers(&self) -> Vec<u32> {
        let numbers = self.parts.iter().filter_map(|part| part.parse().ok());
        numbers.collect()
    }

    /// The variables whose values are ids.
    pub(crate) fn variables(&self) -> Vec<&str> {
        let mut names = Vec::new();
        for part in &self.parts {
            for behind in part.split("${").skip(1) {
                names.extend(behind.split('}').next().map(str::trim));
            }
        }
        names
    }

    /// Whether a text as it is stored holds the same ids in the same order.
    pub(crate) fn are(&self, stored: &str) -> bool {
        Self::parse(stored).is_ok_and(|stored| stored == *self)
    }
}

/// A text holds no ids that can be stored.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub(crate) enum NoIds {
    /// It is empty.
    #[error("no id is given; `kado map clear` takes ids away")]
    None,
    /// These parts are none.
    #[error("{}", in_words(.0))]
    Parts(Vec<NoEnteredId>),
    /// A run would not take all of them.
    #[error("{0} ids are more than the {MOST} that a test case can have")]
    TooMany(usize),
}

/// A part that is no id.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("`{part}`: {reason}")]
pub(crate) struct NoEnteredId {
    part: String,
    /// What is wrong with it, and what to write.
    reason: String,
}

fn in_words(parts: &[NoEnteredId]) -> String {
    let parts: Vec<String> = parts.iter().map(NoEnteredId::to_string).collect();
    parts.join("; ")
}

/// The parts between the separators; a variable may hold blanks.
fn parts_of(text: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut is_in_variable = false;
    let mut before = ' ';

    for letter in text.chars() {
        match letter {
            '{' if before == '$' => is_in_variable = true,
            '}' => is_in_variable = false,
            _ => {}
        }

        let is_separator =
            matches!(letter, ',' | ';') || (letter.is_whitespace() && !is_in_variable);
        match parts.last_mut() {
            Some(part) if !is_separator => part.push(letter),
            _ => parts.push(String::new()),
        }
        before = letter;
    }

    parts.retain(|part| !part.trim().is_empty());
    parts
}

/// An id as it is stored.
fn stored_form(part: &str) -> Result<String, NoEnteredId> {
    let no_id = |reason: &str| NoEnteredId {
        part: part.to_owned(),
        reason: reason.to_owned(),
    };

    // What a variable holds is known in a run; here it has to be one, and the rest digits.
    if let Some(rest) = without_variables(part) {
        if rest.bytes().all(|digit| digit.is_ascii_digit()) {
            return Ok(part.to_owned());
        }
        return Err(no_id("only digits can stand beside a variable"));
    }

    let resolved = azure_ids::resolve(part, &|_| None);
    match (resolved.ids.as_slice(), resolved.problems.first()) {
        ([id], None) => Ok(id.to_string()),
        (_, Some(_)) if part.contains("${") => Err(no_id("write a variable as `${name}`")),
        (_, Some(problem)) => Err(no_id(&problem.reason)),
        (_, None) => Err(no_id("it is not a number")),
    }
}

/// A part without its variables; `None` where it has none, or one without an end or a name.
fn without_variables(part: &str) -> Option<String> {
    if !part.contains("${") {
        return None;
    }

    let mut text = String::new();
    let mut rest = part;
    while let Some((before, after)) = rest.split_once("${") {
        let (name, behind) = after.split_once('}')?;
        if name.trim().is_empty() {
            return None;
        }
        text.push_str(before);
        rest = behind;
    }
    Some(text + rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(entered: &str) -> String {
        match EnteredIds::parse(entered) {
            Ok(ids) => ids.text(),
            Err(error) => format!("error: {error}"),
        }
    }

    #[test]
    fn ids_are_stored_without_what_people_put_around_them() {
        for (entered, stored) in [
            ("1865", "1865"),
            (" 1865 , 01866;1867\n1865 ", "1865,1866,1867"),
            ("${ado_id}, 7", "${ado_id},7"),
            ("${ ado id },1${x}", "${ ado id },1${x}"),
            ("4294967295", "4294967295"),
        ] {
            assert_eq!(text(entered), stored);
        }
    }

    #[test]
    fn what_is_no_id_is_told_part_by_part() {
        let told = [
            "",
            " , ",
            "abc, 5, 0",
            "12345678901",
            "-3",
            "1.5",
            "${",
            "${}",
            "x${y}",
            "${a,b}",
        ]
        .map(text);

        insta::assert_snapshot!(
            told.join("\n"),
            @r"
        error: no id is given; `kado map clear` takes ids away
        error: no id is given; `kado map clear` takes ids away
        error: `abc`: it is not a number; write the ids of test case work items, separated by commas; `0`: 0 is no id; write the id of a test case work item
        error: `12345678901`: it is too large for an id; write the id of a test case work item
        error: `-3`: it is not a number; write the ids of test case work items, separated by commas
        error: `1.5`: it is not a number; write the ids of test case work items, separated by commas
        error: `${`: write a variable as `${name}`
        error: `${}`: write a variable as `${name}`
        error: `x${y}`: only digits can stand beside a variable
        error: `${a`: write a variable as `${name}`; `b}`: it is not a number; write the ids of test case work items, separated by commas
        "
        );
    }

    #[test]
    fn more_ids_than_a_run_takes_are_refused() {
        let many: Vec<String> = (1..=1001).map(|id: u32| id.to_string()).collect();

        assert_eq!(
            EnteredIds::parse(&many.join(",")),
            Err(NoIds::TooMany(1001))
        );
    }

    #[test]
    fn stored_ids_are_the_same_whatever_is_around_them() {
        let ids = EnteredIds::parse("545,8562").unwrap();

        assert!(ids.are("545, 8562\n"));
        assert!(!ids.are("8562,545"));
        assert!(!ids.are("x"));
    }
}
