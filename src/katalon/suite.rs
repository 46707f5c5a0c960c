//! A test suite file (`.ts`): how often Katalon runs a failed suite again.

use crate::katalon::xml::{self, Node};

/// `numberOfRerun` of a suite: how many more runs follow a failed one. `None` when the file does
/// not say.
pub(crate) fn number_of_reruns(ts: &[u8]) -> Option<u32> {
    let mut reruns = None;
    // What is damaged behind the number does not matter, and damage before it means that nothing is
    // known.
    let _ = xml::walk(ts, |path, node| {
        if let ([_, element], Node::Close(text)) = (path, node)
            && element == "numberOfRerun"
        {
            reruns = text.trim().parse().ok();
        }
    });

    reruns
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
}
