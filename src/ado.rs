//! Azure DevOps over its REST interface: one method for each call that kado makes.
//!
//! `transport` sends and knows nothing of test plans, [`classify`] is the one place that says
//! what an answer means, [`wire`] holds what stands on the wire. Answers are untrusted: sizes are
//! limited, unknown members and words are accepted, redirects are never followed, and the token
//! goes to the configured server only.

mod accepted;
pub(crate) mod allowance;
pub(crate) mod attachments;
pub mod classify;
pub(crate) mod credential;
pub(crate) mod entra;
pub(crate) mod error;
mod gone;
mod headers;
mod html;
pub(crate) mod http;
mod known_keys;
mod known_runs;

pub(crate) mod listing;
mod pace;
mod pages;
pub(crate) mod pipelines;
pub(crate) mod points;
pub(crate) mod projects;
pub(crate) mod proxy;
mod recent_plans;
mod refused;
mod renamed;
pub(crate) mod runs;
pub(crate) mod scope;
pub(crate) mod search;
pub(crate) mod slots;
mod spacing;
pub(crate) mod transport;
mod unreachable;
#[cfg(any(test, fuzzing))]
pub(crate) mod untrusted;
pub(crate) mod upload;
pub(crate) mod version;
pub(crate) mod webhook;
pub mod wire;
pub(crate) mod work_items;

pub(crate) use credential::Credential;
pub(crate) use error::{AdoError, Missing};
pub(crate) use refused::as_live;
pub(crate) use transport::{AdoClient, ClientState, ServerMemory, Settings};
