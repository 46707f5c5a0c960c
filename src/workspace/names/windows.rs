//! Upper and lower case letters are the same.

/// The name in lower case.
pub(super) fn folded(name: &str) -> String {
    name.to_lowercase()
}
