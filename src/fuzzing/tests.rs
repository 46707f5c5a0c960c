//! The targets on inputs that were kept, on made ones, and on worst cases.

mod growth;
mod replay;
