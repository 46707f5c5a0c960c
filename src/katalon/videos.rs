//! Whose video a file in `videos/` is, and what goes along with it.
//!
//! The log names the video of an attempt in a message of its step `Video` (`video-attachment`),
//! where it comes to that message. The file's name tells it too (`katalon/behaviour.md` §3.10):
//!
//! ```text
//! test_2.avi                       the 2nd test of the suite (up to 10.0)
//! screen_recording_2_1.avi         its second attempt
//! DM4MILL - Goods Receipts_2_1.avi the same with the test's name (10.1 and later)
//! Verify Post...dd and Edit_2_1.avi  the same, the name shortened to its first and last 11 letters
//! ```
//!
//! Beside a video lies an `.srt` with its subtitles. Katalon removes the videos of tests that
//! passed and leaves those behind.

use std::collections::{HashMap, HashSet};

use crate::katalon::log::LogTest;
use crate::katalon::run::{FileKind, RunFile};

/// Where Katalon writes videos, below the run folder.
const FOLDER: &str = "videos/";
/// Names that Katalon gives the videos of all tests.
const NAMES_OF_NO_TEST: [&str; 2] = ["screen_recording", "browser_recording"];
/// What stands for the middle of a long name.
const SHORTENED: &str = "...";
/// Names that are compared with those of all tests; videos beyond them are nobody's.
const MOST_COMPARED: usize = 1_000;

/// Whether the results are all that the suite had, so that their places tell the tests.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum KnownPlaces {
    /// They are.
    Known,
    /// A part of the log is missing, and with it maybe tests.
    Doubtful,
}

/// An attempt at a test, by its places.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
struct Owner {
    test: usize,
    attempt: usize,
}

/// What the name of a video says.
struct VideoName<'a> {
    /// The test's name, maybe shortened.
    test: Option<&'a str>,
    /// Which test of the suite it is, counted from 0.
    place: usize,
    /// Which attempt, counted from 0; `None` where the name does not tell.
    attempt: Option<usize>,
}

/// Gives each attempt its videos with their subtitles. A video whose test cannot be told is
/// nobody's, and subtitles without a video are none of the run's files to send.
pub(crate) fn assign(tests: &mut [LogTest], files: &mut [RunFile], places: KnownPlaces) {
    if !files.iter().any(|file| file.kind == FileKind::Video) {
        return;
    }
    let videos: HashSet<String> = files
        .iter()
        .filter(|file| file.kind == FileKind::Video && !is_subtitles(&file.path))
        .map(|file| stem(&file.path).to_owned())
        .collect();
    let named = named_by_log(tests);
    let mut given = HashMap::new();
    let mut compared = 0;

    for file in files {
        if file.kind != FileKind::Video {
            continue;
        }
        if !videos.contains(stem(&file.path)) {
            file.kind = FileKind::Other;
            continue;
        }

        let owner = match named.get(stem(&file.path)) {
            Some(owner) => Some(*owner),
            None => by_name(tests, &file.path, places, &mut compared),
        };
        if let Some(owner) = owner {
            give(tests, owner, &file.path, &mut given);
        }
    }

    forget_other_names(tests, &videos);
}

/// Adds a file to an attempt, once; `given` is what attempts have that got one.
fn give(
    tests: &mut [LogTest],
    owner: Owner,
    path: &str,
    given: &mut HashMap<Owner, HashSet<String>>,
) {
    let attachments = &mut tests[owner.test].attempts[owner.attempt].attachments;
    let paths = given
        .entry(owner)
        .or_insert_with(|| attachments.iter().cloned().collect());

    if paths.insert(path.to_owned()) {
        attachments.push(path.to_owned());
    }
}

/// Who is said by the log to own a video, by its path without extension.
fn named_by_log(tests: &[LogTest]) -> HashMap<String, Owner> {
    let mut owners = HashMap::new();
    for (test, of_suite) in tests.iter().enumerate() {
        for (attempt, of_test) in of_suite.attempts.iter().enumerate() {
            for path in &of_test.attachments {
                if FileKind::of(path) == FileKind::Video {
                    owners.insert(stem(path).to_owned(), Owner { test, attempt });
                }
            }
        }
    }
    owners
}

/// Some versions name the video otherwise in the log than on the disk: where an attempt has one,
/// the name that nothing bears is not missing.
fn forget_other_names(tests: &mut [LogTest], videos: &HashSet<String>) {
    let is_there = |path: &String| videos.contains(stem(path));
    for attempt in tests.iter_mut().flat_map(|test| &mut test.attempts) {
        if attempt.attachments.iter().any(is_there) {
            attempt
                .attachments
                .retain(|path| FileKind::of(path) != FileKind::Video || is_there(path));
        }
    }
}

/// The attempt that a file's name tells. `compared` counts the names that were compared with those
/// of all tests.
fn by_name(
    tests: &[LogTest],
    path: &str,
    places: KnownPlaces,
    compared: &mut usize,
) -> Option<Owner> {
    let name = VideoName::of(path.strip_prefix(FOLDER)?)?;
    let owner = |place: usize| {
        let last = tests[place].attempts.len().checked_sub(1)?;
        let attempt = name.attempt.unwrap_or(last);
        (attempt <= last).then_some(Owner {
            test: place,
            attempt,
        })
    };

    let Some(shown) = name.test else {
        let is_known = places == KnownPlaces::Known && name.place < tests.len();
        return if is_known { owner(name.place) } else { None };
    };

    if places == KnownPlaces::Known
        && let Some(test) = tests.get(name.place)
        && fits(shown, test)
    {
        return owner(name.place);
    }

    if *compared == MOST_COMPARED {
        return None;
    }
    *compared += 1;

    // The place may be that of a suite of which only a part ran, but the name is one test's alone.
    let mut fitting = (0..tests.len()).filter(|place| fits(shown, &tests[*place]));
    match (fitting.next(), fitting.next()) {
        (Some(only), None) => owner(only),
        _ => None,
    }
}

/// Whether a name, as Katalon shortens it, is that of a test. A test that runs several times has
/// the value of its iteration behind it.
fn fits(shown: &str, test: &LogTest) -> bool {
    let name = test.id.rsplit('/').next().unwrap_or(&test.id);
    match shown.split_once(SHORTENED) {
        Some((first, last)) => {
            name.starts_with(first) && (name.ends_with(last) || test.iteration.is_some())
        }
        None => shown == name || (test.iteration.is_some() && shown.starts_with(name)),
    }
}

impl<'a> VideoName<'a> {
    /// Reads a file's name; `None` where it is none of Katalon's.
    fn of(file_name: &'a str) -> Option<Self> {
        let stem = stem(file_name);
        let (rest, last) = stem.rsplit_once('_')?;
        let last: usize = last.parse().ok()?;
        if rest == "test" {
            return Some(Self {
                test: None,
                place: last.checked_sub(1)?,
                attempt: None,
            });
        }

        let (name, number) = rest.rsplit_once('_')?;
        let number: usize = number.parse().ok()?;
        Some(Self {
            test: (!NAMES_OF_NO_TEST.contains(&name)).then_some(name),
            place: number.checked_sub(1)?,
            attempt: Some(last),
        })
    }
}

fn is_subtitles(path: &str) -> bool {
    path.rsplit_once('.')
        .is_some_and(|(_, extension)| extension.eq_ignore_ascii_case("srt"))
}

/// A path without the extension of its file.
fn stem(path: &str) -> &str {
    path.rsplit_once('.').map_or(path, |(stem, _)| stem)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::katalon::run::Attempt;
    use crate::katalon::status::Status;
    use crate::moment::Moment;

    fn test(name: &str, attempts: usize) -> LogTest {
        let attempt = Attempt {
            status: Status::Passed,
            started: Moment::default(),
            ended: None,
            message: None,
            stack_trace: None,
            attachments: Vec::new(),
            foreign_attachments: Vec::new(),
        };
        LogTest {
            id: format!("Test Cases/web/{name}"),
            execution_id: None,
            iteration: None,
            attempts: vec![attempt; attempts],
            variables: BTreeMap::new(),
        }
    }

    fn files(paths: &[&str]) -> Vec<RunFile> {
        paths
            .iter()
            .map(|path| RunFile {
                path: (*path).to_owned(),
                kind: FileKind::of(path),
                size: 1,
            })
            .collect()
    }

    /// The attachments of each attempt of each test.
    fn assigned(
        mut tests: Vec<LogTest>,
        paths: &[&str],
        places: KnownPlaces,
    ) -> Vec<Vec<Vec<String>>> {
        assign(&mut tests, &mut files(paths), places);
        tests
            .into_iter()
            .map(|test| {
                let attempts = test.attempts.into_iter();
                attempts.map(|attempt| attempt.attachments).collect()
            })
            .collect()
    }

    #[test]
    fn the_place_in_a_videos_name_tells_its_test_and_attempt() {
        for (path, test, attempt) in [
            ("videos/test_2.avi", 1, 1),
            ("videos/screen_recording_2_0.avi", 1, 0),
            ("videos/browser_recording_1_0.mp4", 0, 0),
            ("videos/Pay_2_1.webm", 1, 1),
            ("videos/Verify Post...dd and Edit_3_0.mov", 2, 0),
        ] {
            let tests = vec![
                super::tests::test("Sign in", 1),
                super::tests::test("Pay", 2),
                super::tests::test("Verify Posts can be Add and Edit", 1),
            ];

            let assigned = assigned(tests, &[path], KnownPlaces::Known);

            assert_eq!(assigned[test][attempt], [path], "{assigned:?}");
        }
    }

    #[test]
    fn a_video_that_may_be_any_tests_is_nobodys() {
        for path in [
            "videos/test_9.avi",
            "videos/test_0.avi",
            "videos/screen_recording_1_5.avi",
            "videos/Other_1_0.avi",
            "videos/mine.avi",
            "test_1.avi",
        ] {
            let assigned = assigned(vec![test("Pay", 1)], &[path], KnownPlaces::Known);

            assert_eq!(assigned[0][0], [""; 0], "{path}");
        }
    }

    #[test]
    fn a_doubtful_place_tells_no_test_but_a_name_does() {
        let paths = ["videos/screen_recording_1_0.avi", "videos/Pay_7_0.avi"];

        let assigned = assigned(vec![test("Pay", 1)], &paths, KnownPlaces::Doubtful);

        assert_eq!(assigned[0][0], ["videos/Pay_7_0.avi"]);
    }

    #[test]
    fn the_log_is_believed_before_the_name() {
        let mut tests = vec![test("A", 1), test("B", 1)];
        tests[1].attempts[0].attachments = vec!["videos/test_1.avi".to_owned()];

        let assigned = assigned(
            tests,
            &["videos/test_1.avi", "videos/test_1.srt"],
            KnownPlaces::Known,
        );

        assert_eq!(assigned[0][0], [""; 0]);
        assert_eq!(assigned[1][0], ["videos/test_1.avi", "videos/test_1.srt"]);
    }

    #[test]
    fn a_name_that_only_the_log_has_is_no_missing_file_beside_the_real_one() {
        let mut tests = vec![test("A", 1)];
        tests[0].attempts[0].attachments = vec!["videos/tmp42.avi".to_owned()];

        let assigned = assigned(tests, &["videos/A_1_0.avi"], KnownPlaces::Known);

        assert_eq!(assigned[0][0], ["videos/A_1_0.avi"]);
    }

    #[test]
    fn subtitles_without_a_video_are_no_file_to_send() {
        let mut files = files(&[
            "videos/test_1.srt",
            "videos/test_2.avi",
            "videos/test_2.srt",
        ]);

        assign(&mut [test("A", 1)], &mut files, KnownPlaces::Known);

        let kinds: Vec<FileKind> = files.iter().map(|file| file.kind).collect();
        assert_eq!(kinds, [FileKind::Other, FileKind::Video, FileKind::Video]);
    }
}
