//! A test suite file (`.ts`): how often Katalon runs a failed suite again as a whole.

use crate::katalon::xml::{self, Node};

/// `numberOfRerun` of a suite: how many more runs follow a failed one. `None` when the file does
/// not say, and where that number counts repetitions of its tests inside one run
/// (`rerunImmediately`).
pub(crate) fn number_of_reruns(ts: &[u8]) -> Option<u32> {
    let mut reruns = None;
    let mut is_of_tests = false;
    // What is damaged behind the number does not matter, and damage before it means that nothing is
    // known.
    let _ = xml::walk(ts, |path, node| {
        if let ([_, element], Node::Close(text)) = (path, node) {
            match element.as_str() {
                "numberOfRerun" => reruns = text.trim().parse().ok(),
                "rerunImmediately" => is_of_tests = text.trim() == "true",
                _ => {}
            }
        }
    });

    reruns.filter(|_| !is_of_tests)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_number_of_reruns_is_read() {
        let file =
            b"<?xml version=\"1.0\"?><TestSuiteEntity><name>A</name><numberOfRerun>3</numberOfRerun></TestSuiteEntity>";
        assert_eq!(number_of_reruns(file), Some(3));
        assert_eq!(
            number_of_reruns(b"<TestSuiteEntity><name>A</name></TestSuiteEntity>"),
            None
        );
    }

    #[test]
    fn tests_that_are_repeated_at_once_are_no_run_of_their_suite() {
        let file = |of_tests: bool| {
            format!(
                "<TestSuiteEntity><numberOfRerun>2</numberOfRerun>\
                 <rerunImmediately>{of_tests}</rerunImmediately></TestSuiteEntity>"
            )
        };

        assert_eq!(number_of_reruns(file(true).as_bytes()), None);
        assert_eq!(number_of_reruns(file(false).as_bytes()), Some(2));
    }
}
