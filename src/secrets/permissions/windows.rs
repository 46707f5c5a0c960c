//! A token file must be closed to everybody but the system, administrators, its owner and the
//! service's account.

use std::collections::BTreeSet;
use std::path::Path;

use crate::SERVICE_NAME;
use crate::secrets::TokenError;
use crate::win32::access_list::{ADMINISTRATORS, Descriptor, SYSTEM, Stranger};
use crate::win32::calls;
use crate::win32::service_sid::service_sid;

/// How the account that runs kado gets to read a file.
pub(crate) const LET_IN: &str = "; let the account that runs kado read it: for the service \
     `icacls FILE /grant \"NT SERVICE\\kado:R\"`";

/// Refuses a file that others can read or change, by its access list.
pub(crate) fn check(file: &Path) -> Result<(), TokenError> {
    let descriptor = calls::descriptor(file).map_err(|source| TokenError::Unreadable {
        file: file.into(),
        source,
    })?;

    // Derived from the name, so it is known also before the service is installed.
    let account = service_sid(SERVICE_NAME);
    let mut strangers = Descriptor::parse(&descriptor).strangers(&[&account]);
    if strangers.is_empty() {
        return Ok(());
    }

    let mut names = BTreeSet::new();
    for stranger in &mut strangers {
        // Names of two letters that mean an account of this machine or domain.
        if let Ok(sid) = calls::full_sid(&stranger.account) {
            stranger.account = sid;
        }
        let name = calls::account_name(&stranger.account);
        names.insert(name.unwrap_or_else(|| stranger.account.clone()));
    }

    let names: Vec<String> = names.into_iter().collect();
    Err(TokenError::Exposed {
        file: file.into(),
        readers: names.join(", "),
        remedy: remedy(file, &account, &strangers),
    })
}

/// The command that closes the file. SIDs mean the same in every language of Windows.
fn remedy(file: &Path, account: &str, strangers: &[Stranger]) -> String {
    let mut command = format!(
        "icacls \"{}\" /inheritance:r /grant:r *{SYSTEM}:F *{ADMINISTRATORS}:F *{account}:R",
        file.display()
    );

    // What the folder above grants ends with the inheritance.
    let named: BTreeSet<&str> = strangers
        .iter()
        .filter(|stranger| !stranger.inherited)
        .map(|stranger| stranger.account.as_str())
        .collect();
    if !named.is_empty() {
        command.push_str(" /remove:g");
        for account in named {
            command.push_str(&format!(" *{account}"));
        }
    }
    format!("`{command}` in an administrator's console mends it")
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "tests make files")]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_everybody_can_read_is_refused_with_the_command_that_mends_it() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("token");
        std::fs::write(&file, "x").unwrap();
        calls::set_access_list(&file, "D:P(A;;FA;;;SY)(A;;FA;;;BA)(A;;FR;;;WD)").unwrap();

        let text = check(&file).unwrap_err().to_string();
        assert!(text.contains("can be read by others ("), "{text}");
        assert!(text.contains("/remove:g *S-1-1-0"), "{text}");
        assert!(
            text.contains("/grant:r *S-1-5-18:F *S-1-5-32-544:F *S-1-5-80-"),
            "{text}"
        );
    }

    #[test]
    fn a_closed_file_is_accepted() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("token");
        std::fs::write(&file, "x").unwrap();
        crate::win32::closed::close_file(&file).unwrap();
        check(&file).unwrap();
    }

    #[test]
    fn what_the_folder_above_grants_is_cut_off_and_not_removed_by_name() {
        let inherited = Stranger {
            account: "S-1-5-32-545".to_owned(),
            inherited: true,
        };
        assert!(!remedy(Path::new("C:\\token"), "S-1-5-80-1", &[inherited]).contains("/remove"));
    }
}
