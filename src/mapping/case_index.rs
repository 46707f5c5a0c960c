//! Finds the test case that a person means, however its name is written: with or without
//! `Test Cases/` and `.tc`, with either slash, and in any Unicode form.

use std::collections::HashMap;

use icu_normalizer::ComposingNormalizerBorrowed;

use crate::katalon::test_case::TestCase;

/// What all ids begin with.
const PREFIX: &str = "Test Cases/";
/// How alike a name has to be to be proposed in place of one that is not there.
const LEAST_ALIKE: f64 = 0.6;
/// Letters of a name that are compared.
const LONGEST: usize = 200;

/// The test cases of a project by their names.
pub(crate) struct CaseIndex<'a> {
    cases: &'a [TestCase],
    by_name: HashMap<String, usize>,
}

impl<'a> CaseIndex<'a> {
    pub(crate) fn new(cases: &'a [TestCase]) -> Self {
        let mut by_name = HashMap::new();
        for (at, case) in cases.iter().enumerate() {
            by_name.entry(composed(&case.id)).or_insert(at);
        }
        Self { cases, by_name }
    }

    /// The test case with a name.
    ///
    /// # Errors
    /// When there is none, in words, with the one that may have been meant.
    pub(crate) fn find(&self, name: &str) -> Result<&'a TestCase, NoSuchCase> {
        let name = composed(&name.trim().replace('\\', "/"));
        let name = name.strip_prefix("./").unwrap_or(&name);
        let stem = name.strip_suffix(".tc").unwrap_or(name);

        for wanted in [name, stem] {
            let at = self
                .by_name
                .get(wanted)
                .or_else(|| self.by_name.get(&format!("{PREFIX}{wanted}")));
            if let Some(at) = at {
                return Ok(&self.cases[*at]);
            }
        }
        Err(NoSuchCase {
            meant: self.nearest(stem),
            name: name.to_owned(),
        })
    }

    fn nearest(&self, name: &str) -> Option<String> {
        let short = |text: &str| -> String {
            let text = text.strip_prefix(PREFIX).unwrap_or(text);
            text.to_lowercase().chars().take(LONGEST).collect()
        };
        let name = short(name);

        let mut nearest = None;
        let mut best = LEAST_ALIKE;
        for case in self.cases {
            let score = strsim::jaro_winkler(&name, &short(&case.id));
            if score > best {
                best = score;
                nearest = Some(case.id.clone());
            }
        }
        nearest
    }
}

/// The project has no test case of this name.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("the project has no test case `{name}`{}", or_nearest(.meant.as_deref()))]
pub(crate) struct NoSuchCase {
    name: String,
    /// The one whose name is nearest.
    meant: Option<String>,
}

fn or_nearest(meant: Option<&str>) -> String {
    match meant {
        Some(meant) => format!("; is it `{meant}`?"),
        None => "; `kado map list` shows all of them".to_owned(),
    }
}

fn composed(name: &str) -> String {
    ComposingNormalizerBorrowed::new_nfc()
        .normalize(name)
        .into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn case(id: &str) -> TestCase {
        TestCase::read(id.to_owned(), b"<TestCaseEntity></TestCaseEntity>")
    }

    #[test]
    fn a_test_case_is_found_however_its_name_is_written() {
        let cases = [
            case("Test Cases/Shop/Pru\u{308}fung"),
            case("Test Cases/A.tc"),
        ];
        let index = CaseIndex::new(&cases);

        for name in [
            "Test Cases/Shop/Pr\u{fc}fung",
            "Shop/Pr\u{fc}fung.tc",
            "./Test Cases\\Shop\\Pru\u{308}fung.tc ",
        ] {
            assert_eq!(index.find(name).unwrap().id, cases[0].id, "{name}");
        }
        assert_eq!(index.find("A.tc").unwrap().id, cases[1].id);
    }

    #[test]
    fn of_a_name_that_is_not_there_the_nearest_one_is_told() {
        let cases = [case("Test Cases/Login"), case("Test Cases/Pay")];
        let index = CaseIndex::new(&cases);

        let near = index.find("Logni").unwrap_err().to_string();
        let far = index.find("Zzz").unwrap_err().to_string();

        assert_eq!(
            near,
            "the project has no test case `Logni`; is it `Test Cases/Login`?"
        );
        assert_eq!(
            far,
            "the project has no test case `Zzz`; `kado map list` shows all of them"
        );
    }
}
