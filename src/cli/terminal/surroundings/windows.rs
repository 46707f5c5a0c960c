//! A console of Windows takes sequences once it is asked to, and shows every letter: what goes to
//! one goes there as UTF-16.

use std::os::windows::io::AsHandle;

use crate::win32::calls;

/// Whether every letter can be shown, whatever the locale says.
pub(super) const IS_UNICODE: bool = true;

/// Has an output take sequences; whether it does. Before Windows 10 none did.
pub(super) fn takes_sequences(output: &impl AsHandle) -> bool {
    calls::let_console_take_sequences(output.as_handle()).is_ok()
}
