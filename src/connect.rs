//! Which credential goes to which server, and the clients that carry it there. Above
//! [`crate::ado`], below everything that sends or asks. A new source of credentials belongs into
//! `credentials`.

mod connections;
mod credentials;
mod ends;
mod entra;
mod error;
mod federated;
mod network;
mod recent;
mod seen_tokens;

pub(crate) use connections::{ConnectedServer, Connections};
pub(crate) use credentials::misplaced;
pub(crate) use ends::token_ends;
pub(crate) use error::ConnectError;
pub(crate) use network::{network, proxy_rule};
pub(crate) use seen_tokens::SeenTokens;
