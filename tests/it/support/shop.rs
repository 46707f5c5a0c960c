//! The world in ADO and the Katalon project that most tests start from.
//!
//! Test case 1001 has point 11, 1002 point 12, up to 1010 with point 20, all in plan 18 and
//! configuration 1. Plan 19 holds 1001 as well, with point 91: no test wants a result there.

#![expect(
    clippy::disallowed_methods,
    reason = "tests lay out folders and ask for the time"
)]

use std::fs::{self, File, FileTimes};
use std::path::Path;
use std::time::{Duration, SystemTime};

use fake_ado::World;
use fake_katalon::{SuiteRunWriter, Test};
use jiff::Timestamp;

/// The token that the project stores.
pub(crate) const TOKEN: &str = "project-token-0123456789";
/// The plan of the project.
pub(crate) const PLAN: u32 = 18;
/// The suite of [`finished`].
pub(crate) const SUITE: &str = "Test Suites/Smoke";

/// The world of the tests.
pub(crate) fn world() -> World {
    let world = World::new("acme")
        .token(TOKEN)
        .project("Shop")
        .configuration(1, "Windows 10")
        .configuration(2, "Ubuntu")
        .plan(PLAN, "Release 1")
        .suite(21, "Account")
        .suite(22, "Checkout")
        .plan(19, "Release 2")
        .suite(31, "Account");

    let world = (1001..=1010).fold(world, |world, id| {
        world.test_case(id, &format!("Case {id}"))
    });
    (1001..=1010)
        .fold(world, |world, id| world.point(id - 990, 21, id, 1))
        .point(91, 31, 1001, 1)
}

/// The whole id of a test case.
pub(crate) fn tc(name: &str) -> String {
    format!("Test Cases/{name}")
}

/// A run of the suite that ended on 6 May 2026.
pub(crate) fn finished(tests: impl IntoIterator<Item = Test>) -> SuiteRunWriter {
    SuiteRunWriter::new(SUITE).pace(20).tests(tests)
}

/// When [`finished`] runs start, unless they say something else.
pub(crate) fn start_of() -> Timestamp {
    Timestamp::from_millisecond(1_778_055_302_117).expect("it is a time")
}

/// Now, in whole milliseconds.
pub(crate) fn now() -> Timestamp {
    let now = Timestamp::now();
    Timestamp::from_millisecond(now.as_millisecond()).unwrap_or(now)
}

/// Makes all files in a folder an hour old, so that nobody waits for stillness.
pub(crate) fn age(folder: &Path) {
    let old = FileTimes::new().set_modified(SystemTime::now() - Duration::from_secs(3600));
    for entry in fs::read_dir(folder).expect("the folder is there").flatten() {
        let path = entry.path();
        if path.is_dir() {
            age(&path);
        } else {
            let file = File::options()
                .append(true)
                .open(&path)
                .expect("the file is there");
            file.set_times(old).expect("its time can be set");
        }
    }
}
