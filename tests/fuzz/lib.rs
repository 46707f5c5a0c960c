//! Runs a target of kado by its name.

/// Reads an input as a target of `kado::fuzzing` does.
///
/// # Panics
/// When something does not hold for it.
pub fn run(name: &str, input: &[u8]) {
    let target = kado::fuzzing::target(name).expect("each source in `targets` names a target");
    target.run(input);
}
