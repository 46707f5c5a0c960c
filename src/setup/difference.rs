//! What a file would become, as people know it from `diff -u`. Pure.

use std::path::Path;

use similar::TextDiff;

use crate::katalon::url_secrets::without_users;

/// Lines around a change.
const AROUND: usize = 3;

/// The difference between two texts of a file, without the user and password of a URL; empty where
/// they are the same.
pub(crate) fn difference(file: &Path, before: &str, after: &str) -> String {
    let name = file.display().to_string();
    let text = TextDiff::from_lines(before, after)
        .unified_diff()
        .context_radius(AROUND)
        .header(&name, &name)
        .to_string();

    // A proxy may stand beside what changes.
    let mut shown = String::new();
    for line in text.lines() {
        shown.push_str(&without_users(line));
        shown.push('\n');
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_beside_a_change_is_not_shown() {
        let before = "proxy = \"http://me:secret@proxy:3128\"\nlate = \"park\"\n";
        let after = before.replace("park", "send");

        let shown = difference(Path::new("kado.toml"), before, &after);

        assert!(!shown.contains("secret"), "{shown}");
        assert!(
            shown.contains("\n-late = \"park\"\n+late = \"send\"\n"),
            "{shown}"
        );
    }

    #[test]
    fn of_equal_texts_there_is_nothing_to_show() {
        assert_eq!(difference(Path::new("kado.toml"), "a\n", "a\n"), "");
    }
}
