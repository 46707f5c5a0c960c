//! What the tests of the built program share: a machine with kado on it, a shop project, a running
//! service.

mod around;
mod closed;
mod door;
mod ended;
mod folders;
#[cfg(target_os = "linux")]
mod hanging_file;
pub(crate) mod katalonc;
mod leaks;
mod machine;
mod namespace;
#[cfg(unix)]
mod ordinary;
mod receiver;
mod secret;
mod service;
mod setting_up;
mod shop;
mod skipping;
#[cfg(target_os = "linux")]
mod systemd;
#[cfg(target_os = "linux")]
mod terminal;
mod waiting;

#[cfg(unix)]
pub(crate) use closed::ClosedFolder;
pub(crate) use door::Authority;
pub(crate) use ended::{Output, ended, finish, finish_with};
pub(crate) use folders::wipe;
#[cfg(target_os = "linux")]
pub(crate) use hanging_file::HangingFile;
pub(crate) use leaks::{files_that_reveal, reveals};
pub(crate) use machine::{Machine, files, names};
pub(crate) use namespace::in_namespace;
#[cfg(unix)]
pub(crate) use ordinary::{as_account, as_ordinary_account};
pub(crate) use receiver::{Receiver, Reply};
pub(crate) use secret::closed_file;
pub(crate) use service::Service;
pub(crate) use setting_up::settings_file;
pub(crate) use shop::{PLAN, SUITE, TOKEN, age, finished, now, start_of, tc, world};
pub(crate) use skipping::skip;
#[cfg(target_os = "linux")]
pub(crate) use systemd::FakeSystemd;
#[cfg(target_os = "linux")]
pub(crate) use terminal::{CTRL_C, DOWN, ENTER, ESC, Terminal};
pub(crate) use waiting::{PATIENCE, seen_within, wait_until};
