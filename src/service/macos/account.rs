//! The daemon's account on macOS, made and removed with `dscl`: an ordinary hidden one, without a
//! login.

#![expect(clippy::disallowed_methods, reason = "folders of the service are made")]

use std::collections::HashSet;
use std::path::Path;

use crate::child_environment::program;
use crate::service::ServiceError;
use crate::service::command::{output, run};

/// The account and its group. Accounts of daemons begin with `_` on macOS.
pub(in crate::service) const ACCOUNT: &str = "_kado";
/// Numbers that macOS leaves to others' daemons are looked through from here on.
const FIRST_ID: u32 = 440;
/// The last number that is tried.
const LAST_ID: u32 = 499;

/// Makes the account and its group where they are missing; says what was changed.
pub(super) fn make() -> Result<Vec<String>, ServiceError> {
    if dscl(&["-read", &user()]).is_ok() {
        return Ok(Vec::new());
    }

    let id = free_id()?.to_string();
    dscl(&["-create", &group()])?;
    dscl(&["-create", &group(), "PrimaryGroupID", &id])?;
    dscl(&["-create", &user()])?;
    for (key, value) in [
        ("UniqueID", id.as_str()),
        ("PrimaryGroupID", id.as_str()),
        ("UserShell", "/usr/bin/false"),
        ("RealName", "kado"),
        ("NFSHomeDirectory", "/var/empty"),
        // Or the login window would offer it.
        ("IsHidden", "1"),
    ] {
        dscl(&["-create", &user(), key, value])?;
    }

    Ok(vec![format!("made the account and the group `{ACCOUNT}`")])
}

/// Removes the account and its group; says what was changed.
pub(super) fn remove() -> Result<Vec<String>, ServiceError> {
    if dscl(&["-read", &user()]).is_err() {
        return Ok(Vec::new());
    }
    dscl(&["-delete", &user()])?;
    dscl(&["-delete", &group()])?;
    Ok(vec![format!(
        "removed the account and the group `{ACCOUNT}`"
    )])
}

/// Makes a folder for the account and its group, and for nobody else; says what was changed.
pub(super) fn make_folder(folder: &Path) -> Result<Vec<String>, ServiceError> {
    if folder.is_dir() {
        return Ok(Vec::new());
    }
    std::fs::create_dir_all(folder).map_err(|source| ServiceError::File {
        action: "made",
        path: folder.to_owned(),
        source,
    })?;

    give(folder)?;
    // What is made in it belongs to the group.
    run(program("chmod").arg("2770").arg(folder))?;
    Ok(vec![format!("made `{}`", folder.display())])
}

/// Gives a file or folder to the account.
pub(super) fn give(path: &Path) -> Result<(), ServiceError> {
    let owner = format!("{ACCOUNT}:{ACCOUNT}");
    run(program("chown").arg(owner).arg(path))
}

/// A number that neither a user nor a group has.
fn free_id() -> Result<u32, ServiceError> {
    // A line is a name and its number, with blanks between them.
    let mut listed = dscl(&["-list", "/Users", "UniqueID"])?;
    listed.push('\n');
    listed.push_str(&dscl(&["-list", "/Groups", "PrimaryGroupID"])?);
    let used: HashSet<&str> = listed
        .lines()
        .filter_map(|line| line.split_whitespace().next_back())
        .collect();

    (FIRST_ID..=LAST_ID)
        .find(|id| !used.contains(id.to_string().as_str()))
        .ok_or_else(|| {
            ServiceError::Unsupported(format!(
                "no number between {FIRST_ID} and {LAST_ID} is free for `{ACCOUNT}`"
            ))
        })
}

fn user() -> String {
    format!("/Users/{ACCOUNT}")
}

fn group() -> String {
    format!("/Groups/{ACCOUNT}")
}

fn dscl(arguments: &[&str]) -> Result<String, ServiceError> {
    output(program("dscl").arg(".").args(arguments))
}
