//! Other allocators have no heap for each thread.

/// Nothing is to be done.
pub(super) const fn limit() {}
