//! kado
fn main() {}
