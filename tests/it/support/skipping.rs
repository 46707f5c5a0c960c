//! Tests that are not possible on every machine.

#![expect(
    clippy::disallowed_methods,
    reason = "the environment says whether skipping is a failure"
)]
#![expect(
    clippy::print_stderr,
    reason = "a test that is not possible here says so"
)]

/// Says that a test, or the rest of one, is not possible on this machine. With `KADO_CI=1` in the
/// environment that is a failure: there somebody saw to it that everything is possible (`.ci/run`).
pub(crate) fn skip(reason: &str) {
    let insisted = std::env::var_os("KADO_CI").is_some_and(|value| value == "1");

    assert!(
        !insisted,
        "KADO_CI=1, but this test is not possible here: {reason}"
    );
    eprintln!("skipped: {reason}");
}
