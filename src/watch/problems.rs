//! What of the watched folders is not seen, and what mends it.
//!
//! The walk meets folders that it may not list, links that it does not follow, and depths beyond
//! which it does not go. Runs may lie there, so each is told: a run that nobody sees is lost in
//! silence. What is told of one has its words here and nowhere else.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::file_names::{is_in, same};
use crate::katalon::REPORTS;
use crate::plural::{counted, form};
use crate::shell_word::shell_word;

/// Problems that are kept; more are counted.
const MOST: usize = 100;

/// Something that the walk through the watched folders does not see.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct WatchProblem {
    /// Where it was met.
    pub part: WatchedPart,
    /// The file or folder that is to be mended.
    pub path: PathBuf,
    /// What is wrong with it.
    pub fault: WatchFault,
}

/// A part of the watched folders.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum WatchedPart {
    /// This folder of `watch` itself.
    Root(PathBuf),
    /// Below this folder of `watch`, where projects are searched.
    Below(PathBuf),
    /// `Reports` of this project, or a folder below it.
    Reports(PathBuf),
    /// A folder in a run folder of this project.
    RunFolder(PathBuf),
}

/// Why something is not seen.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum WatchFault {
    /// It is not there.
    Missing,
    /// It is something else.
    NoFolder,
    /// This account has no right to read it.
    Closed,
    /// The system cannot read it, in its words.
    Unreadable(String),
    /// A project or run that lies below so many levels, in which it would be found.
    TooDeep(usize),
    /// It lies so many levels deep, and nobody looked any deeper.
    Unsearched(usize),
    /// It is a link to this folder.
    Linked(PathBuf),
    /// It is a link in place of the `.prj` file.
    LinkedProjectFile,
    /// So many projects lie in it that not all are taken.
    TooMany {
        /// How many are.
        found: usize,
        /// How many are not.
        left_out: usize,
    },
}

/// All that was met, each once: the first so many in their order, and how many more.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct WatchProblems {
    kept: BTreeSet<WatchProblem>,
    more: usize,
}

/// A problem in the words that people read.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(crate) struct ToldWatchProblem {
    /// What is wrong.
    pub text: String,
    /// What mends it.
    pub hint: String,
    /// By what it is known again while its words change; one that an earlier kado stored has none.
    #[serde(default)]
    pub about: String,
}

impl WatchProblems {
    /// Adds a problem, unless it is known.
    pub(super) fn add(&mut self, problem: WatchProblem) {
        let is_new = self.kept.insert(problem);

        // The last goes and not the newest: whichever way the disk lists its folders, the same
        // ones are told.
        if is_new && self.kept.len() > MOST {
            self.kept.pop_last();
            self.more += 1;
        }
    }

    /// Whether there is none.
    pub(crate) fn is_empty(&self) -> bool {
        self.kept.is_empty()
    }

    /// Those that are kept.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &WatchProblem> {
        self.kept.iter()
    }

    /// Whether a problem is among those that are kept.
    pub(crate) fn has(&self, problem: &WatchProblem) -> bool {
        self.kept.contains(problem)
    }

    /// How many there are beside those that are kept.
    pub(crate) const fn more(&self) -> usize {
        self.more
    }

    /// Whether a folder lies where nobody can look at present, so that it may still be there.
    pub(crate) fn may_hide(&self, folder: &Path) -> bool {
        self.kept
            .iter()
            .any(|problem| problem.hides_content() && is_in(folder, &problem.path))
    }

    /// All of them for people; `how_to_grant` says how the account of this program gets the right
    /// to read a folder.
    pub(crate) fn tell(&self, how_to_grant: impl Fn(&Path) -> String) -> Vec<ToldWatchProblem> {
        let mut told: Vec<_> = self
            .kept
            .iter()
            .map(|problem| problem.tell(&how_to_grant))
            .collect();
        told.extend(self.tell_more());
        told
    }

    /// What is to be said of those that are not kept.
    pub(crate) fn tell_more(&self) -> Option<ToldWatchProblem> {
        (self.more > 0).then(|| ToldWatchProblem {
            text: format!(
                "there {} {} in the watched folders",
                form(self.more, "is", "are"),
                counted(self.more, "more problem")
            ),
            hint: "mend these first; kado then names the others".to_owned(),
            about: String::new(),
        })
    }
}

impl WatchProblem {
    /// The project in whose `Reports` it was met.
    pub(crate) fn project(&self) -> Option<&Path> {
        match &self.part {
            WatchedPart::Reports(project) | WatchedPart::RunFolder(project) => Some(project),
            WatchedPart::Root(_) | WatchedPart::Below(_) => None,
        }
    }

    /// The watched folder that it is, or in which it was met while projects were searched.
    pub(crate) fn root(&self) -> Option<&Path> {
        match &self.part {
            WatchedPart::Root(root) | WatchedPart::Below(root) => Some(root),
            WatchedPart::Reports(_) | WatchedPart::RunFolder(_) => None,
        }
    }

    /// The whole of it in words.
    pub(crate) fn tell(&self, how_to_grant: impl Fn(&Path) -> String) -> ToldWatchProblem {
        ToldWatchProblem {
            text: format!(
                "{} `{}` {}",
                self.subject(),
                self.object().display(),
                self.finding()
            ),
            hint: self.hint(how_to_grant),
            about: self.object().display().to_string(),
        }
    }

    /// What it is about, before its path.
    pub(crate) fn subject(&self) -> &'static str {
        match (&self.part, &self.fault) {
            (WatchedPart::Root(_), _) => "watched folder",
            (WatchedPart::Below(_), WatchFault::TooDeep(_)) => "project",
            (_, WatchFault::TooDeep(_)) => "run folder",
            (_, WatchFault::LinkedProjectFile) => "file",
            _ => "folder",
        }
    }

    /// The path that it is about: of a watched folder its own, whatever is to be mended above it.
    pub(crate) fn object(&self) -> &Path {
        match &self.part {
            WatchedPart::Root(root) => root,
            _ => &self.path,
        }
    }

    /// What is wrong and what follows from it, as it goes on behind the path.
    pub(crate) fn finding(&self) -> String {
        let lost = match &self.part {
            WatchedPart::Root(_) => "nothing in it is seen",
            WatchedPart::Below(_) => "projects in it are not found",
            WatchedPart::Reports(_) => "runs in it are not seen",
            WatchedPart::RunFolder(_) => "runs and attachments in it are not seen",
        };

        match &self.fault {
            WatchFault::Missing | WatchFault::NoFolder => self.absence(),
            WatchFault::Closed if self.is_above() => format!(
                "cannot be reached, because `{}` above it is closed; {lost}",
                self.path.display()
            ),
            WatchFault::Closed => format!("is closed; {lost}"),
            WatchFault::Unreadable(error) => format!("cannot be read ({error}); {lost}"),

            WatchFault::TooDeep(levels) => format!(
                "lies more than {levels} levels below {}, deeper than kado looks; {}",
                self.top(),
                match self.part {
                    WatchedPart::Below(_) => "its runs are not seen",
                    _ => "it is not seen",
                }
            ),
            WatchFault::Unsearched(levels) => format!(
                "lies {levels} levels below {}, and kado looks no deeper; {lost}",
                self.top()
            ),

            WatchFault::Linked(_) => match self.part {
                WatchedPart::Below(_) => "is a link to a Katalon project, and kado follows none; \
                                          its runs are not seen"
                    .to_owned(),
                _ => "is a link, and kado follows none; runs behind it are not seen".to_owned(),
            },
            WatchFault::LinkedProjectFile => {
                "is a link, and kado follows none; the project is not found".to_owned()
            }
            WatchFault::TooMany { found, left_out } => format!(
                "holds {}, of which kado takes {found}; the runs of the others are not seen",
                counted(found + left_out, "project")
            ),
        }
    }

    /// What mends it.
    pub(crate) fn hint(&self, how_to_grant: impl Fn(&Path) -> String) -> String {
        let is_project = matches!(self.part, WatchedPart::Below(_));
        match &self.fault {
            WatchFault::Missing => "correct `watch` in `kado.toml`, or make the folder".to_owned(),
            WatchFault::NoFolder if self.project().is_some() => {
                "remove the file, and Katalon makes the folder".to_owned()
            }
            WatchFault::NoFolder => {
                "name the folder that holds the projects in `watch` of `kado.toml`".to_owned()
            }
            WatchFault::Closed => how_to_grant(&self.to_be_opened()),
            WatchFault::Unreadable(_) => {
                "look at the disk or share that it lies on; kado tries it again at every sweep"
                    .to_owned()
            }

            WatchFault::TooDeep(_) if is_project => {
                let near = self.path.parent().unwrap_or(&self.path);
                format!("add `{}` to `watch` in `kado.toml`", near.display())
            }
            WatchFault::TooDeep(_) => format!(
                "`kado submit {}` submits it; a run nearer to `Reports` is seen",
                shell_word(self.path.display())
            ),
            WatchFault::Unsearched(_) if is_project => format!(
                "if projects lie there, add `{}` to `watch` in `kado.toml`",
                self.path.display()
            ),
            WatchFault::Unsearched(_) => {
                "`kado submit FOLDER` submits a run that lies there".to_owned()
            }

            WatchFault::Linked(to) if is_project => {
                format!("add `{}` to `watch` in `kado.toml`", to.display())
            }
            WatchFault::Linked(_) => {
                "put the folder itself in its place, or mount the other one there".to_owned()
            }
            WatchFault::LinkedProjectFile => "put the file itself in its place".to_owned(),
            WatchFault::TooMany { .. } => {
                "add the folders of those that run tests to `watch` in `kado.toml`, or move what is \
                 no project of this machine elsewhere"
                    .to_owned()
            }
        }
    }

    /// Whether what lies in it may be there all the same.
    const fn hides_content(&self) -> bool {
        matches!(self.fault, WatchFault::Closed | WatchFault::Unreadable(_))
    }

    /// Whether what is to be mended is a folder above the watched one.
    fn is_above(&self) -> bool {
        matches!(&self.part, WatchedPart::Root(root) if !same(root, &self.path))
    }

    /// What the levels are counted from.
    fn top(&self) -> String {
        match &self.part {
            WatchedPart::Root(root) | WatchedPart::Below(root) => format!("`{}`", root.display()),
            WatchedPart::Reports(_) | WatchedPart::RunFolder(_) => "`Reports`".to_owned(),
        }
    }

    /// What is said of a watched folder that is none.
    fn absence(&self) -> String {
        let path = self.path.display();
        let mut text = match (&self.fault, self.is_above()) {
            (WatchFault::NoFolder, false) => "is a file and no folder".to_owned(),
            (WatchFault::NoFolder, true) => format!("cannot be there, because `{path}` is a file"),
            (_, false) => "is not there".to_owned(),
            (_, true) => format!("is not there, and neither is `{path}`"),
        };

        if let Some(blank) = blank_in(self.object()) {
            text.push_str("; ");
            text.push_str(blank);
        }
        text
    }

    /// The folder that the account is to be given: for one below `Reports` all of that, because the
    /// account that makes such folders makes the next one as closed.
    fn to_be_opened(&self) -> PathBuf {
        match &self.part {
            WatchedPart::Root(root) => root.clone(),
            // There the right would not reach a folder that takes none over from above.
            _ if cfg!(windows) => self.path.clone(),
            WatchedPart::Reports(project) | WatchedPart::RunFolder(project)
                if is_in(&self.path, &project.join(REPORTS)) =>
            {
                project.join(REPORTS)
            }
            _ => self.path.clone(),
        }
    }
}

/// Says of a path that a blank in it may be one too many.
fn blank_in(path: &Path) -> Option<&'static str> {
    if path.to_string_lossy().ends_with(char::is_whitespace) {
        return Some("the name ends in a blank");
    }

    for part in path.components() {
        let name = part.as_os_str().to_string_lossy();
        if name.starts_with(char::is_whitespace) {
            return Some("the name begins with a blank");
        }
        if name.ends_with(char::is_whitespace) {
            return Some("the name of a folder above it ends in a blank");
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(part: WatchedPart, path: &str, fault: WatchFault) -> WatchProblem {
        let path = PathBuf::from(path);
        WatchProblem { part, path, fault }
    }

    fn told(part: WatchedPart, path: &str, fault: WatchFault) -> String {
        let told = problem(part, path, fault)
            .tell(|folder| format!("open `{}`", folder.display().to_string().replace('\\', "/")));
        let text = told.text.replace('\\', "/");
        format!("{text} → {}", told.hint)
    }

    #[test]
    fn a_watched_folder_is_told_with_what_lies_above_it() {
        let root = || WatchedPart::Root("/w/agent".into());

        let lines = [
            told(root(), "/w/agent", WatchFault::Missing),
            told(root(), "/w", WatchFault::Missing),
            told(root(), "/w/agent", WatchFault::NoFolder),
            told(root(), "/w", WatchFault::NoFolder),
            told(root(), "/w/agent", WatchFault::Closed),
            told(root(), "/w", WatchFault::Closed),
            told(
                root(),
                "/w/agent",
                WatchFault::Unreadable("stale handle".into()),
            ),
        ];

        insta::assert_snapshot!(lines.join("\n"), @r#"
        watched folder `/w/agent` is not there → correct `watch` in `kado.toml`, or make the folder
        watched folder `/w/agent` is not there, and neither is `/w` → correct `watch` in `kado.toml`, or make the folder
        watched folder `/w/agent` is a file and no folder → name the folder that holds the projects in `watch` of `kado.toml`
        watched folder `/w/agent` cannot be there, because `/w` is a file → name the folder that holds the projects in `watch` of `kado.toml`
        watched folder `/w/agent` is closed; nothing in it is seen → open `/w/agent`
        watched folder `/w/agent` cannot be reached, because `/w` above it is closed; nothing in it is seen → open `/w/agent`
        watched folder `/w/agent` cannot be read (stale handle); nothing in it is seen → look at the disk or share that it lies on; kado tries it again at every sweep
        "#);
    }

    #[test]
    fn what_lies_in_a_watched_folder_is_told_with_what_is_lost_by_it() {
        let below = || WatchedPart::Below("/w".into());
        let reports = || WatchedPart::Reports("/w/Shop".into());
        let run = || WatchedPart::RunFolder("/w/Shop".into());
        let away = || WatchFault::Linked("/away".into());

        let lines = [
            told(below(), "/w/1", WatchFault::Closed),
            told(below(), "/w/1/Shop", WatchFault::TooDeep(16)),
            told(below(), "/w/1", WatchFault::Unsearched(24)),
            told(below(), "/w/1/Shop", away()),
            told(below(), "/w/1/Shop/Shop.prj", WatchFault::LinkedProjectFile),
            told(
                reports(),
                "/w/Shop/Reports/1",
                WatchFault::Unreadable("no such device".into()),
            ),
            told(reports(), "/w/Shop/Reports", WatchFault::NoFolder),
            told(reports(), "/w/Shop/Reports/1/run", WatchFault::TooDeep(24)),
            told(reports(), "/w/Shop/Reports/1", WatchFault::Unsearched(32)),
            told(reports(), "/w/Shop/Reports/1", away()),
            told(
                run(),
                "/w/Shop/Reports/1/run/videos",
                WatchFault::Unsearched(32),
            ),
        ];

        insta::assert_snapshot!(lines.join("\n"), @r#"
        folder `/w/1` is closed; projects in it are not found → open `/w/1`
        project `/w/1/Shop` lies more than 16 levels below `/w`, deeper than kado looks; its runs are not seen → add `/w/1` to `watch` in `kado.toml`
        folder `/w/1` lies 24 levels below `/w`, and kado looks no deeper; projects in it are not found → if projects lie there, add `/w/1` to `watch` in `kado.toml`
        folder `/w/1/Shop` is a link to a Katalon project, and kado follows none; its runs are not seen → add `/away` to `watch` in `kado.toml`
        file `/w/1/Shop/Shop.prj` is a link, and kado follows none; the project is not found → put the file itself in its place
        folder `/w/Shop/Reports/1` cannot be read (no such device); runs in it are not seen → look at the disk or share that it lies on; kado tries it again at every sweep
        folder `/w/Shop/Reports` is a file and no folder → remove the file, and Katalon makes the folder
        run folder `/w/Shop/Reports/1/run` lies more than 24 levels below `Reports`, deeper than kado looks; it is not seen → `kado submit "/w/Shop/Reports/1/run"` submits it; a run nearer to `Reports` is seen
        folder `/w/Shop/Reports/1` lies 32 levels below `Reports`, and kado looks no deeper; runs in it are not seen → `kado submit FOLDER` submits a run that lies there
        folder `/w/Shop/Reports/1` is a link, and kado follows none; runs behind it are not seen → put the folder itself in its place, or mount the other one there
        folder `/w/Shop/Reports/1/run/videos` lies 32 levels below `Reports`, and kado looks no deeper; runs and attachments in it are not seen → `kado submit FOLDER` submits a run that lies there
        "#);
    }

    #[test]
    fn a_blank_too_many_is_pointed_out() {
        assert_eq!(
            blank_in(Path::new("/w/agent ")),
            Some("the name ends in a blank")
        );
        assert_eq!(
            blank_in(Path::new("/etc/ /w")),
            Some("the name begins with a blank")
        );
        assert_eq!(
            blank_in(Path::new("/w /agent")),
            Some("the name of a folder above it ends in a blank")
        );
        assert_eq!(blank_in(Path::new("/w/my agent")), None);
    }

    #[test]
    fn of_very_many_problems_the_same_are_kept_in_whatever_order_they_are_met() {
        let at = |number: usize| {
            problem(
                WatchedPart::Below("/w".into()),
                &format!("/w/{number:04}"),
                WatchFault::Closed,
            )
        };
        let mut upwards = WatchProblems::default();
        let mut downwards = WatchProblems::default();

        for number in 0..150 {
            upwards.add(at(number));
            downwards.add(at(149 - number));
        }

        assert_eq!(upwards, downwards);
        let last = upwards.tell(|_| String::new()).pop().unwrap();
        assert_eq!(
            last.text,
            "there are 50 more problems in the watched folders"
        );
    }
}
