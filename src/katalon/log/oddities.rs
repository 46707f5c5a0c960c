//! What is odd in a log and costs no more than itself, with the limits that it names.

use super::failure::LONGEST_TEXT;

/// Files that one attempt may name.
pub(super) const MOST_ATTACHMENTS: usize = 10_000;
/// Files that all attempts together may name.
pub(super) const MOST_NAMED_FILES: usize = 200_000;
/// When all texts together take more bytes than this, later ones are cut.
pub(super) const SOME_TEXTS: usize = 4 * 1024 * 1024;

/// What went wrong, counted: one warning each, however often it occurs.
#[derive(Clone, Debug, Default)]
pub(super) struct Oddities {
    /// The log began after the suite did, so depth is known only from the records' own counts.
    pub headless: bool,
    pub cut: usize,
    pub truncated: usize,
    pub without_time: usize,
    pub stray_ends: usize,
    pub second_suites: usize,
    pub too_deep: usize,
    pub attachments_left_out: usize,
    pub texts_cut: usize,
    pub broken_variables: usize,
}

impl Oddities {
    /// What went wrong, in words for a tester.
    pub(super) fn warnings(&self) -> Vec<String> {
        let counted = [
            (
                self.cut,
                "records of the log that are cut and were left out".to_owned(),
            ),
            (
                self.truncated,
                format!(
                    "records of the log with texts of more than {} MiB, which were cut",
                    LONGEST_TEXT >> 20
                ),
            ),
            (
                self.without_time,
                "records of the log without a time, which got that of the record before".to_owned(),
            ),
            (
                self.stray_ends,
                "END records of the log that close nothing and were left out".to_owned(),
            ),
            (
                self.second_suites,
                "further suites in this log, of which only the first one counts".to_owned(),
            ),
            (
                self.too_deep,
                "steps that are nested too deep to count for their test's status".to_owned(),
            ),
            (
                self.attachments_left_out,
                format!(
                    "attachments left out, because one attempt names more than {MOST_ATTACHMENTS}, \
                     or the run more than {MOST_NAMED_FILES}"
                ),
            ),
            (
                self.texts_cut,
                format!(
                    "error texts that were cut, because all together are longer than {} MiB",
                    SOME_TEXTS >> 20
                ),
            ),
            (
                self.broken_variables,
                "lists of variable values in the log that cannot be read".to_owned(),
            ),
        ];

        counted
            .into_iter()
            .filter(|(count, _)| *count > 0)
            .map(|(count, what)| format!("{what}: {count}"))
            .collect()
    }
}
