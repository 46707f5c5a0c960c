//! The members of a collection that is submitted as one run (`submit.collections = "one"`).
//!
//! A joined snapshot keeps them with what became of each: tests know their member by its index,
//! because members can run on different browsers and then belong to different test points; files
//! are found through the folder of their member, because every member has an `execution0.log`.
//!
//! They are stored in the snapshot as JSON: the serde names do not change.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::discovery::run_identity::RunIdentity;
use crate::file_names::{FolderId, KnownFolder};
use crate::katalon::run::Environment;
use crate::katalon::run::lifecycle::RunState;

/// The suite runs that a joined snapshot is made of.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Members {
    /// In the order of the collection's report; those without a result as well.
    pub members: Vec<Member>,
}

/// A suite run of a collection.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub(crate) struct Member {
    /// Id of the suite.
    pub suite: String,
    /// What people call it: distinct among the members.
    pub name: String,
    /// How the paths of its files begin: its folder below `Reports`, with `/`.
    pub prefix: String,
    /// Its run folder, as a path of this machine.
    pub folder: String,
    /// Which folder that was; `None` where it was not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub folder_id: Option<FolderId>,
    /// What became of it.
    pub state: MemberState,
    /// Which run it is; `None` when its log holds no record.
    pub identity: Option<RunIdentity>,
    /// Where and with what it ran.
    pub environment: Environment,
}

impl Member {
    /// The folder that its files lie in.
    pub(crate) fn run_folder(&self) -> RunFolder {
        RunFolder {
            prefix: self.prefix.clone(),
            path: self.folder.clone(),
            id: self.folder_id,
            run: self.identity.clone(),
        }
    }

    /// A path of the snapshot as one inside its folder; `None` when the file lies elsewhere.
    pub(crate) fn inside<'p>(&self, path: &'p str) -> Option<&'p str> {
        inside(&self.prefix, path)
    }

    /// What a tester is to know of a member whose results are missing; `None` when it takes part.
    pub(crate) fn left_out(&self) -> Option<String> {
        let reason = self.state.left_out()?;

        // Its name says more than the last part of its suite only where several members share one.
        let last_part = self.suite.rsplit('/').next().unwrap_or_default();
        if self.name == last_part {
            Some(format!("suite `{}` {reason}", self.suite))
        } else {
            Some(format!("suite `{}` ({}) {reason}", self.suite, self.name))
        }
    }
}

/// What became of a member.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum MemberState {
    /// It ended by itself.
    Finished,
    /// It crashed: its open tests count as INCOMPLETE.
    Crashed,
    /// It was aborted, and its results are taken all the same.
    Aborted,
    /// It was aborted, and its results are left out.
    AbortedAndLeftOut,
    /// It never started.
    NeverStarted,
    /// Its folder vanished before it was over.
    Vanished,
    /// It was submitted as a run of its own before.
    Alone,
    /// Another version of kado kept it, and this one cannot read it.
    Unreadable,
}

/// What becomes of members that were aborted (`submit_aborted`).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum AbortedMembers {
    /// Their results are part of the whole.
    Taken,
    /// Their results are left out.
    LeftOut,
}

impl MemberState {
    /// What a member counts as of which nothing goes on any more, by how far its run came.
    pub(crate) const fn of(run: RunState, aborted: AbortedMembers) -> Self {
        match (run, aborted) {
            (RunState::Queued, _) => Self::NeverStarted,
            (RunState::Finished, _) => Self::Finished,
            (RunState::Crashed, _) => Self::Crashed,
            (RunState::Running | RunState::Aborted, AbortedMembers::Taken) => Self::Aborted,
            (RunState::Running | RunState::Aborted, AbortedMembers::LeftOut) => {
                Self::AbortedAndLeftOut
            }
        }
    }

    /// Whether the results of such a member are part of the whole.
    pub(crate) const fn takes_part(self) -> bool {
        matches!(self, Self::Finished | Self::Crashed | Self::Aborted)
    }

    /// Why the results of such a member are left out.
    const fn left_out(self) -> Option<&'static str> {
        Some(match self {
            Self::Finished | Self::Crashed | Self::Aborted => return None,
            Self::AbortedAndLeftOut => {
                "was aborted; `submit_aborted = true`, or `kado submit --again` on the \
                 collection's folder, takes what there is of it"
            }

            Self::NeverStarted => "never started",
            Self::Vanished => "vanished before it was over",
            Self::Alone => "was submitted as a run of its own before",
            Self::Unreadable => {
                "was kept by another version of kado and cannot be read by this one; \
                 `kado status` says what to do"
            }
        })
    }

    /// What the comment adds to a member that takes part and has no end.
    pub(crate) const fn remark(self) -> &'static str {
        match self {
            Self::Crashed => ", without an end in its log",
            Self::Aborted => ", aborted",
            _ => "",
        }
    }
}

/// A folder below `Reports` that files of a snapshot lie in.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct RunFolder {
    /// How the paths of its files begin in the snapshot; empty for the run of a single suite.
    pub prefix: String,
    /// The folder, as a path of this machine.
    pub path: String,
    /// Which folder that was; `None` where it was not known.
    pub id: Option<FolderId>,
    /// Which run it holds, by which the spool finds its copies; `None` when its log holds no
    /// record.
    pub run: Option<RunIdentity>,
}

impl RunFolder {
    /// The folder as it is opened again.
    pub(crate) fn known(&self) -> KnownFolder {
        KnownFolder {
            path: PathBuf::from(&self.path),
            id: self.id,
        }
    }

    /// A path of the snapshot as one inside this folder; `None` when the file lies elsewhere.
    pub(crate) fn inside<'p>(&self, path: &'p str) -> Option<&'p str> {
        inside(&self.prefix, path)
    }

    /// A path inside this folder as the snapshot calls it.
    pub(crate) fn path_of(&self, inside: &str) -> String {
        if self.prefix.is_empty() {
            inside.to_owned()
        } else {
            format!("{}/{inside}", self.prefix)
        }
    }
}

/// A path as one inside the folder with this prefix; `None` when it lies elsewhere.
fn inside<'p>(prefix: &str, path: &'p str) -> Option<&'p str> {
    if prefix.is_empty() {
        return Some(path);
    }

    // `A/1` is no folder of `A/12/execution0.log`.
    path.strip_prefix(prefix)?.strip_prefix('/')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(prefix: &str) -> RunFolder {
        RunFolder {
            prefix: prefix.to_owned(),
            path: "/shop/Reports/1".to_owned(),
            id: None,
            run: None,
        }
    }

    #[test]
    fn a_file_is_found_in_its_folder_by_what_the_snapshot_calls_it() {
        let (alone, member) = (folder(""), folder("A/1"));

        assert_eq!(alone.path_of("execution0.log"), "execution0.log");
        assert_eq!(member.path_of("execution0.log"), "A/1/execution0.log");
        for folder in [alone, member.clone()] {
            let path = folder.path_of("execution0.log");
            assert_eq!(folder.inside(&path), Some("execution0.log"));
        }
        assert_eq!(member.inside("A/12/execution0.log"), None);
        assert_eq!(member.inside("B/1/execution0.log"), None);
    }

    #[test]
    fn a_member_that_takes_part_is_left_out_by_nothing_and_one_cut_short_is_marked() {
        for (state, remark) in [
            (MemberState::Finished, Some("")),
            (MemberState::Crashed, Some(", without an end in its log")),
            (MemberState::Aborted, Some(", aborted")),
            (MemberState::AbortedAndLeftOut, None),
            (MemberState::NeverStarted, None),
            (MemberState::Vanished, None),
            (MemberState::Alone, None),
            (MemberState::Unreadable, None),
        ] {
            assert_eq!(state.takes_part(), remark.is_some(), "{state:?}");
            assert_eq!(state.left_out().is_none(), remark.is_some(), "{state:?}");
            assert_eq!(state.remark(), remark.unwrap_or_default(), "{state:?}");
        }
    }
}
