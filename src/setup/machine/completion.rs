//! How the path of a folder may go on while it is typed.

use std::path::{self, Path};

use crate::door::{Folder, Kind};
use crate::foreign::one_line;

/// Entries of a folder that are looked at for one letter that was typed.
const MOST_ENTRIES: usize = 5_000;

/// The folders whose paths begin with this text, in order. What has a name that a terminal cannot
/// show as it is is not offered.
pub(crate) fn folders_beginning_with(typed: &str) -> Vec<String> {
    let typed = typed.trim_start();
    let Some(end) = typed.rfind(path::is_separator) else {
        return Vec::new();
    };
    let (around, begun) = typed.split_at(end + 1);
    let Ok(entries) = Folder::named(Path::new(around)).and_then(|folder| {
        folder
            .entries()
            .map(|entries| entries.take(MOST_ENTRIES).collect::<Vec<_>>())
    }) else {
        return Vec::new();
    };

    let mut folders = Vec::new();
    for entry in entries.into_iter().flatten() {
        let Some(name) = entry.name.to_str() else {
            continue;
        };
        let is_hidden = name.starts_with('.') && !begun.starts_with('.');
        if entry.kind == Kind::Folder
            && !is_hidden
            && begins_with(name, begun)
            && one_line(name) == name
        {
            folders.push(format!("{around}{name}{}", path::MAIN_SEPARATOR));
        }
    }
    folders.sort();
    folders
}

/// Names of Windows and macOS are the same in small and large letters.
fn begins_with(name: &str, begun: &str) -> bool {
    if cfg!(any(windows, target_os = "macos")) {
        name.to_lowercase().starts_with(&begun.to_lowercase())
    } else {
        name.starts_with(begun)
    }
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "tests lay out folders")]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn folders_go_on_and_files_and_hidden_ones_do_not() {
        let root = tempfile::tempdir().unwrap();
        let separator = path::MAIN_SEPARATOR;
        for name in ["agent", "agents", ".agent", "work"] {
            fs::create_dir(root.path().join(name)).unwrap();
        }
        fs::write(root.path().join("agent.txt"), "").unwrap();
        let around = format!("{}{separator}", root.path().display());

        let begun = folders_beginning_with(&format!("{around}ag"));
        let hidden = folders_beginning_with(&format!("{around}.a"));

        assert_eq!(
            begun,
            [
                format!("{around}agent{separator}"),
                format!("{around}agents{separator}")
            ]
        );
        assert_eq!(hidden, [format!("{around}.agent{separator}")]);
    }

    #[test]
    fn what_is_not_there_does_not_go_on() {
        assert_eq!(folders_beginning_with("agent"), [""; 0]);
        assert_eq!(folders_beginning_with("/no such folder/x"), [""; 0]);
    }
}
