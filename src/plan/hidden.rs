//! Takes pieces of names out of what is sent. A snapshot keeps the names of a run, because things
//! are found by them, and beside them the pieces that `[redact]` hides; here they come together.
//! Pure.
//!
//! What Azure DevOps finds test cases by, the name and storage of an automated test, stays.

use crate::katalon::redaction::MASK;
use crate::plan::SubmissionPlan;
use crate::plan::left_out::LeftOut;
use crate::plan::sub_results::SubResult;
use crate::plan::text;

/// Hides these pieces, the longest of which come first, in everything that people read of a plan.
/// Attachments have their names by [`file_name`].
pub(super) fn hide(plan: &mut SubmissionPlan, pieces: &[String]) {
    if pieces.is_empty() {
        return;
    }

    hide_in(&mut plan.name, pieces);
    hide_in(&mut plan.summary, pieces);
    for tag in &mut plan.tags {
        hide_in(tag, pieces);
    }

    for result in &mut plan.results {
        hide_in(&mut result.comment, pieces);
        if let Some(name) = &mut result.computer_name {
            hide_in(name, pieces);
        }
        hide_in_parts(&mut result.sub_results, pieces);
    }

    for left_out in &mut plan.skipped {
        hide_in_left_out(left_out, pieces);
    }
}

/// The name of an attachment without these pieces, as Azure DevOps takes it.
pub(super) fn file_name(name: &str, pieces: &[String]) -> String {
    let mut name = name.to_owned();
    hide_in(&mut name, pieces);
    text::file_name(&name)
}

/// Adds pieces to those of a run, each once and the longest first.
pub(crate) fn add(pieces: &mut Vec<String>, more: impl Iterator<Item = String>) {
    pieces.extend(more);
    pieces.sort_by(|one, other| other.len().cmp(&one.len()).then_with(|| one.cmp(other)));
    pieces.dedup();
}

/// Hides these pieces in one thing that is left out; what is left out while it is sent repeats
/// names, and words of the server that repeat them.
pub(crate) fn hide_in_left_out(left_out: &mut LeftOut, pieces: &[String]) {
    hide_in(&mut left_out.reason, pieces);
    if let Some(test) = &mut left_out.test {
        hide_in(test, pieces);
    }
}

/// Hides these pieces in a text.
fn hide_in(text: &mut String, pieces: &[String]) {
    for piece in pieces {
        if text.contains(piece.as_str()) {
            *text = text.replace(piece.as_str(), MASK);
        }
    }
}

fn hide_in_parts(parts: &mut [SubResult], pieces: &[String]) {
    for part in parts {
        hide_in(&mut part.name, pieces);
        hide_in_parts(&mut part.sub_results, pieces);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_of_several_members_are_kept_once_and_the_longest_first() {
        let mut pieces = vec!["customer-12".to_owned(), "x".to_owned()];

        add(
            &mut pieces,
            ["customer-1", "x"].map(str::to_owned).into_iter(),
        );

        assert_eq!(pieces, ["customer-12", "customer-1", "x"]);
    }

    #[test]
    fn a_name_that_is_hidden_is_one_that_azure_devops_takes() {
        let name = file_name("of customer-12.png", &["customer-12".to_owned()]);

        assert_eq!(name, "of ___.png");
    }
}
