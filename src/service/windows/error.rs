//! What the Service Control Manager answers when it will not do something.

use crate::error_chain::chain;

/// The words of the system for an error; the crate says only that there is one.
pub(super) fn reason(error: &windows_service::Error) -> String {
    match error {
        windows_service::Error::Winapi(error) => error.to_string(),
        error => chain(error),
    }
}

/// The system's number of an error, such as 5 for `ERROR_ACCESS_DENIED`.
pub(super) fn code(error: &windows_service::Error) -> Option<i32> {
    match error {
        windows_service::Error::Winapi(error) => error.raw_os_error(),
        _ => None,
    }
}
