//! What keeps `kado setup PROJECT` and `kado map` from writing: a checkout that is read-only, and a
//! server that shows a page. Each is told with its way out, and nothing is written by half.

#![expect(clippy::disallowed_methods, reason = "tests look at files")]
#![expect(clippy::unwrap_used, reason = "a helper that fails fails its test")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use fake_ado::{Fault, FaultAction, Nth, Refusal};

use crate::support::{Machine, world};

/// Every file below a folder with its bytes.
fn files_of(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut files = BTreeMap::new();
    for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let path = entry.path();
        if path.is_dir() {
            files.extend(files_of(&path));
        } else {
            let bytes = fs::read(&path).unwrap();
            files.insert(path, bytes);
        }
    }
    files
}

/// A shop whose only test case has the title of one in the plan, and no id.
fn shop(machine: &Machine) -> PathBuf {
    machine.shop(&[("Case 1001", "")])
}

/// The commands that write into the project.
fn writing(shop: &Path) -> [Vec<String>; 3] {
    let folder = shop.display().to_string();
    [
        format!("setup {folder} --unattended --run-name Nightly"),
        format!("map suggest --apply --project {folder}"),
        format!("map set --project {folder} 1001"),
    ]
    .map(|line| {
        let mut words: Vec<String> = line.split(' ').map(str::to_owned).collect();
        if words[1] == "set" {
            words.insert(2, "Case 1001".to_owned());
        }
        words
    })
}

#[cfg(target_os = "linux")]
#[test]
fn a_checkout_on_a_disk_that_is_read_only_is_told_and_stays_as_it_is() {
    use crate::support::{finish, in_namespace};
    let machine = Machine::with(world());
    let shop = shop(&machine);
    let before = files_of(&shop);
    let at = format!("'{}'", shop.display());
    let mount = format!("mount --bind {at} {at} && mount -o remount,bind,ro {at}");

    for words in writing(&shop) {
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let plain = machine.command(&words);
        let Some(command) = in_namespace(&plain, &["--mount"], &mount) else {
            return;
        };

        let refused = finish(command);

        assert_eq!(refused.code, 1, "{words:?}: {refused:?}");
        assert!(
            refused.err.contains("Read-only file system"),
            "{words:?}: {refused:?}"
        );
        assert!(
            refused.err.contains("nothing was written"),
            "{words:?}: {refused:?}"
        );
    }
    assert_eq!(files_of(&shop), before);
}

#[cfg(unix)]
#[test]
fn a_checkout_whose_folders_are_read_only_is_told_and_stays_as_it_is() {
    use crate::support::{ClosedFolder, as_ordinary_account, finish};
    let machine = Machine::with(world());
    let shop = shop(&machine);
    let before = files_of(&shop);
    let closed = ["settings/external", "Test Cases"]
        .map(|folder| ClosedFolder::with_mode(&shop.join(folder), 0o555));

    for words in writing(&shop) {
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let Some(command) = as_ordinary_account(&machine.command(&words)) else {
            return;
        };

        let refused = finish(command);

        assert_eq!(refused.code, 1, "{words:?}: {refused:?}");
        assert!(
            refused.err.contains("nothing was written"),
            "{words:?}: {refused:?}"
        );
        assert!(refused.err.contains("ermission"), "{words:?}: {refused:?}");
    }
    drop(closed);
    assert_eq!(files_of(&shop), before);
}

#[test]
fn a_server_that_shows_its_page_to_sign_in_changes_nothing_and_is_named() {
    let machine = Machine::with(world());
    let shop = shop(&machine);
    let before = files_of(&shop);
    let page = FaultAction::Refused(Refusal::SignInPage203);
    machine.fake.fault(Fault::new("*", "", Nth::Every, page));

    let words = writing(&shop);
    for words in &words[..2] {
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let refused = machine.kado(&words);

        assert_eq!(refused.code, 3, "{words:?}: {refused:?}");
        assert!(
            refused.err.contains("refused the credentials"),
            "{words:?}: {refused:?}"
        );
    }
    assert_eq!(files_of(&shop), before);
}
