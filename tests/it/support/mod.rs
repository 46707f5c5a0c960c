//! What the tests of the built program share: a machine with kado on it, a shop project, a running service.

pub mod katalonc;
mod machine;
mod namespace;
mod secret;
mod service;
mod shop;

pub use machine::{Machine, Output, files, finish, names};
pub use namespace::in_namespace;
pub use secret::closed_file;
pub use service::{Service, wait_until};
pub use shop::{PLAN, SUITE, TOKEN, age, finished, now, start_of, tc, world};
