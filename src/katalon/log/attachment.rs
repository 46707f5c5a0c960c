//! Where the files lie that records name.
//!
//! A value is relative to the run folder, or an absolute path of the machine that ran the suite.
//! Only a path that is surely below the run folder becomes a relative one; no value ever leads out
//! of it.

/// What is known of the run folder's place.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct FolderNames {
    /// The report folder as Katalon recorded it, a path of the executing machine.
    pub recorded: Option<String>,
    /// The last names of the folder's actual path, such as `["20240101_100000", "Suite",
    /// "20240101_100001"]`: an absolute path that holds all of them in this order points into the
    /// folder wherever it was copied to. At least two are needed.
    pub actual: Vec<String>,
}

/// Where a named file lies.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Placement {
    /// In the run folder, at this relative path with `/`.
    Inside(String),
    /// Somewhere else.
    Outside,
}

/// Places the value of an `attachment` property.
pub(super) fn place(value: &str, folder: &FolderNames) -> Placement {
    let path = value.trim().replace('\\', "/");
    let parts: Vec<&str> = path
        .split('/')
        .filter(|part| !part.is_empty() && *part != ".")
        .collect();

    // A `..` is refused and not resolved: where it leads depends on links, which only the disk
    // knows.
    if parts.is_empty() || parts.contains(&"..") || path.contains(['\0', '\n']) {
        return Placement::Outside;
    }

    // Nearly all values are a name in the run folder. About 130 of 3,500 in the corpus are
    // absolute, those of one project whose own reporter made the files. The recorded folder is
    // asked first: it is exact, while the last names of a path only make it likely.
    let inside = if is_absolute(&path) {
        below_recorded(&parts, folder).or_else(|| below_actual(&parts, folder))
    } else {
        Some(parts.as_slice())
    };

    // A `:` would name a drive, or a stream beside a file, on Windows.
    match inside {
        Some(parts) if !parts.is_empty() && !parts[0].contains(':') => {
            Placement::Inside(parts.join("/"))
        }
        _ => Placement::Outside,
    }
}

/// Whether a path, with `/`, is absolute on Unix or Windows.
fn is_absolute(path: &str) -> bool {
    let mut bytes = path.bytes();
    match bytes.next() {
        Some(b'/') => true,
        Some(letter) => letter.is_ascii_alphabetic() && bytes.next() == Some(b':'),
        None => false,
    }
}

/// The parts below the folder that Katalon recorded.
fn below_recorded<'a>(parts: &'a [&'a str], folder: &FolderNames) -> Option<&'a [&'a str]> {
    let recorded = folder.recorded.as_deref()?.replace('\\', "/");
    let base: Vec<&str> = recorded
        .split('/')
        .filter(|part| !part.is_empty() && *part != ".")
        .collect();
    // One name alone is a drive or a folder of the root: too little to tell a run folder.
    if base.len() < 2 || parts.len() <= base.len() {
        return None;
    }

    let is_of_windows = base[0].ends_with(':');
    let (above, below) = parts.split_at(base.len());
    for (part, base) in above.iter().zip(&base) {
        // Paths of Windows compare without case.
        let is_same = part == base || (is_of_windows && part.to_lowercase() == base.to_lowercase());
        if !is_same {
            return None;
        }
    }
    Some(below)
}

/// The parts below the folder as it is called where it lies now.
fn below_actual<'a>(parts: &'a [&'a str], folder: &FolderNames) -> Option<&'a [&'a str]> {
    let names = &folder.actual;
    if names.len() < 2 {
        return None;
    }
    let at = parts
        .windows(names.len())
        .position(|window| window == names)?;
    Some(&parts[at + names.len()..])
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn folder() -> FolderNames {
        FolderNames {
            recorded: Some(r"D:\shop\Reports\20240101_100000\A b\20240101_100001".to_owned()),
            actual: vec![
                "20240101_100000".to_owned(),
                "A b".to_owned(),
                "20240101_100001".to_owned(),
            ],
        }
    }

    fn inside(value: &str) -> Option<String> {
        match place(value, &folder()) {
            Placement::Inside(path) => Some(path),
            Placement::Outside => None,
        }
    }

    #[test]
    fn relative_names_lie_in_the_run_folder() {
        assert_eq!(
            inside("1700000000000.png").as_deref(),
            Some("1700000000000.png")
        );
        assert_eq!(inside("a.png").as_deref(), Some("a.png"));
        assert_eq!(
            inside(r".\keyes\\keyes-a.png").as_deref(),
            Some("keyes/keyes-a.png")
        );
    }

    #[test]
    fn absolute_paths_below_the_recorded_folder_become_relative() {
        let path = r"d:\SHOP\Reports\20240101_100000\A b\20240101_100001\Screenshot\x.png";
        assert_eq!(inside(path).as_deref(), Some("Screenshot/x.png"));
    }

    #[test]
    fn a_path_below_the_recorded_folder_is_inside_whatever_the_folder_is_called_now() {
        for (recorded, path, expected) in [
            (
                r"D:\shop\Reports\1",
                r"D:\shop\Reports\1\a\x.png",
                Some("a/x.png"),
            ),
            (
                r"D:\shop\Reports\1\",
                "d:/SHOP/reports/1/x.png",
                Some("x.png"),
            ),
            ("/shop/Reports/1", "/shop/./Reports//1/x.png", Some("x.png")),
            // Letters count with their case where the file system minds it.
            ("/shop/Reports/1", "/SHOP/Reports/1/x.png", None),
            ("/shop/Reports/1", "/shop/Reports/12/x.png", None),
            ("/shop/Reports/1", "/shop/Reports/1", None),
            ("/shop/Reports/1", "/bank/Reports/1/x.png", None),
            // One name is too little to tell a run folder.
            ("/shop", "/shop/x.png", None),
            ("/shop/Reports", "/shop/Reports/x.png", Some("x.png")),
        ] {
            let moved = FolderNames {
                recorded: Some(recorded.to_owned()),
                actual: vec!["elsewhere".to_owned(), "2".to_owned(), "3".to_owned()],
            };
            let expected = match expected {
                Some(path) => Placement::Inside(path.to_owned()),
                None => Placement::Outside,
            };

            assert_eq!(place(path, &moved), expected, "{path} of {recorded}");
        }
    }

    #[test]
    fn two_last_names_of_the_folder_are_enough_and_one_is_not() {
        let lies_in = |names: &[&str]| {
            let folder = FolderNames {
                recorded: None,
                actual: names.iter().map(|name| (*name).to_owned()).collect(),
            };
            place("/w/Reports/1/x.png", &folder)
        };

        let inside = Placement::Inside("x.png".to_owned());
        assert_eq!(lies_in(&["Reports", "1"]), inside);
        assert_eq!(lies_in(&["1"]), Placement::Outside);
    }

    #[test]
    fn absolute_paths_with_the_folders_last_names_become_relative() {
        let path = "/elsewhere/Reports/20240101_100000/A b/20240101_100001/x.png";
        assert_eq!(inside(path).as_deref(), Some("x.png"));
    }

    #[test]
    fn nothing_leads_out_of_the_folder() {
        for path in [
            "",
            ".",
            "../x.png",
            r"a\..\..\x",
            "/tmp/x.png",
            r"C:\x.png",
            "C:x.png",
            "//server/share/x.png",
        ] {
            assert_eq!(inside(path), None, "{path}");
        }
    }

    proptest! {
        #[test]
        fn what_is_inside_is_a_plain_relative_path(value in r"([A-Z]:|[/\\.a-b ]|\.\.){0,12}") {
            if let Some(path) = inside(&value) {
                prop_assert!(!path.starts_with('/') && path.split('/').all(|part| part != ".." && !part.is_empty()));
                prop_assert!(!is_absolute(&path));
            }
        }
    }
}
