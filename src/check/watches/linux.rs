//! Linux: the limit stands in `/proc`.

#![expect(
    clippy::disallowed_methods,
    reason = "the limit stands in a file of the system"
)]

/// How many folders all programs of an account may watch; `None` when the system does not say.
pub(super) fn limit() -> Option<usize> {
    std::fs::read_to_string("/proc/sys/fs/inotify/max_user_watches")
        .ok()?
        .trim()
        .parse()
        .ok()
}
