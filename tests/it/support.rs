//! What the tests of the built program share: a machine with kado on it, a shop project, a running
//! service.

mod door;
mod ended;
mod folders;
pub mod katalonc;
mod machine;
mod namespace;
mod secret;
mod service;
mod shop;
mod skipping;
mod waiting;

pub use door::Authority;
pub use ended::{Output, ended, finish, finish_with};
pub use folders::wipe;
pub use machine::{Machine, files, names};
pub use namespace::in_namespace;
pub use secret::closed_file;
pub use service::Service;
pub use shop::{PLAN, SUITE, TOKEN, age, finished, now, start_of, tc, world};
pub use skipping::skip;
pub use waiting::{PATIENCE, seen_within, wait_until};
