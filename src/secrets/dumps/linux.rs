//! On Linux the kernel is told to write no dump of this process. Programs that it starts are not
//! concerned: the setting ends with `execve` (prctl(2), `PR_SET_DUMPABLE`).

use rustix::process::{DumpableBehavior, set_dumpable_behavior};

/// Keeps the memory of this process, with the tokens in it, out of core dumps and from other
/// programs of the account.
pub(crate) fn keep_out() {
    // A kernel that knows no such setting is no reason not to submit.
    let _ = set_dumpable_behavior(DumpableBehavior::NotDumpable);
}
