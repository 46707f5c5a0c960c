//! Upper and lower case letters differ.

/// The name itself.
pub(super) fn folded(name: &str) -> String {
    name.to_owned()
}
