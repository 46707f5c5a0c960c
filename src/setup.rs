//! `kado setup`: from choices to what is written. Nothing here asks a person, and nothing writes
//! before all of it is known to be right.

pub(crate) mod difference;
pub(crate) mod machine;
pub(crate) mod project;
