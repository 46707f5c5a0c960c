//! The integration tests.

#![expect(clippy::disallowed_methods, reason = "tests make files and look at them")]

mod corpus;
mod inspect;
mod memory;
mod reading;
