//! Which credential goes to which server.

pub(crate) mod connections;
pub(crate) mod entra;
