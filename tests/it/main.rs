//! The integration tests.

mod corpus;
