//! Which credential goes to which server, and the clients that carry it there. Above [`crate::ado`],
//! below everything that sends or asks.

mod connections;
mod entra;
mod error;

pub(crate) use connections::{Connections, SeenTokens, proxy_rule};
pub(crate) use error::ConnectError;
