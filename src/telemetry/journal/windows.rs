//! Windows has no journal.

/// Whether standard error goes to the journal.
pub(crate) fn is_journal() -> bool {
    false
}
