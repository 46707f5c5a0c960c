//! Azure DevOps over its REST interface: one method for each call that kado makes.
//!
//! [`transport`] sends and knows nothing of test plans, [`classify`] is the one place that says
//! what an answer means, [`wire`] holds what stands on the wire. Answers are untrusted: sizes are
//! limited, unknown members and words are accepted, redirects are never followed, and the token
//! goes to the configured server only.

pub mod attachments;
pub mod classify;
pub mod credential;
pub mod entra;
pub mod error;
mod gone;
mod headers;
pub mod http;
mod known_keys;
pub mod listing;
pub mod pace;
pub mod pipelines;
pub mod points;
pub mod projects;
pub mod proxy;
mod refused;
pub mod runs;
pub mod scope;
pub mod search;
pub mod slots;
pub mod transport;
mod unreachable;
pub mod upload;
pub mod version;
pub mod wire;
pub mod work_items;

pub use credential::Credential;
pub use error::AdoError;
pub use transport::{AdoClient, Settings};
