//! Elsewhere one watch covers a folder with all below it.

/// There is no limit.
pub(crate) const fn limit() -> Option<usize> {
    None
}
