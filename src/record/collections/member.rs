//! A gathered member as it is stored, from its own end to that of its collection.
//!
//! What this version cannot read is kept all the same, with its copies: it is told, listed by `kado
//! status`, and goes only when its run is read from the disk again or submitted on a person's word.

use std::fmt;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::discovery::run_identity::RunIdentity;
use crate::intake::{FinishedRun, SubmissionTerms};
use crate::katalon::run::lifecycle::RunState;
use crate::outbox::store::StoredMember;
use crate::outbox::{Store, StoreError};
use crate::plan::members::MemberState;
use crate::plan::snapshot::Snapshot;
use crate::spool::Spool;
use crate::workspace::ListedMember;

/// A member that is over.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Member {
    /// Id of the collection.
    pub collection: String,
    /// The collection's folder.
    pub folder: PathBuf,
    /// Folders of all members, below `Reports` and as paths of this machine.
    members: Vec<(String, PathBuf)>,
    /// Its own folder below `Reports`.
    pub prefix: String,
    /// What became of it.
    pub state: MemberState,
    /// Its run, with settings and ids.
    pub snapshot: Snapshot,
    /// On what terms it is submitted.
    #[serde(flatten)]
    standing: SubmissionTerms,
}

impl Member {
    /// A member of a collection, as it was taken in.
    pub(super) fn new(
        collection: (String, PathBuf),
        members: Vec<ListedMember>,
        prefix: String,
        taken: FinishedRun,
        state: MemberState,
    ) -> Self {
        let (collection, folder) = collection;
        let members = members
            .into_iter()
            .map(|member| (member.prefix, member.folder))
            .collect();
        Self {
            collection,
            folder,
            members,
            prefix,
            state,
            snapshot: taken.snapshot,
            standing: taken.standing,
        }
    }

    /// Where the members of its collection lie.
    pub(super) fn members(&self) -> Vec<ListedMember> {
        let listed = |(prefix, folder): &(String, PathBuf)| ListedMember {
            prefix: prefix.clone(),
            folder: folder.clone(),
        };
        self.members.iter().map(listed).collect()
    }

    /// Which run it is; `None` when its log holds no record.
    pub(super) fn run(&self) -> Option<RunIdentity> {
        RunIdentity::of(&self.snapshot.run)
    }

    /// As it was taken in.
    pub(super) fn taken(&self) -> FinishedRun {
        // Its token was noted when the member was gathered.
        FinishedRun {
            identity: self.run(),
            standing: self.standing,
            token: None,
            snapshot: self.snapshot.clone(),
        }
    }

    /// Whether a folder still holds this run.
    pub(super) fn is_same(&self, taken: &FinishedRun) -> bool {
        (&self.snapshot.run.suite, self.snapshot.started())
            == (&taken.snapshot.run.suite, taken.snapshot.started())
    }

    /// How its run ended.
    pub(super) const fn run_state(&self) -> RunState {
        match self.state {
            MemberState::Crashed => RunState::Crashed,
            MemberState::Aborted | MemberState::AbortedAndLeftOut => RunState::Aborted,
            _ => RunState::Finished,
        }
    }
}

/// A member that another version stored and this one cannot read.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Unreadable {
    /// The collection's folder.
    pub collection: String,
    /// The member's folder below `Reports`.
    pub member: String,
    /// Which run it is, as far as that can be read.
    pub run: Option<RunIdentity>,
    /// What is wrong with it.
    pub error: String,
}

impl Unreadable {
    /// What a person can do, in words; its copies lie in this spool.
    pub(crate) fn way_out(&self, spool: &Spool) -> String {
        let copies = self.run.as_ref().and_then(|run| spool.copies_of(run));
        let rest = copies.map_or_else(String::new, |folder| {
            format!(
                ", or put the copies of its files (`{}`) into a folder below `Reports` of its project and give that to \
                 `kado submit`",
                folder.display()
            )
        });
        format!("install the version of kado that stored it{rest}")
    }
}

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (member, collection, error) = (&self.member, &self.collection, &self.error);
        write!(
            f,
            "suite run `{member}` was kept for its collection `{collection}` and cannot be read by this version of kado \
             ({error}); it is not submitted"
        )
    }
}

/// Reads a stored member.
///
/// # Errors
/// When this version cannot.
pub(super) fn read(stored: &StoredMember) -> Result<Member, Box<Unreadable>> {
    let unreadable = |error: serde_json::Error| Unreadable {
        collection: stored.collection.clone(),
        member: stored.member.clone(),
        run: stored.run.clone(),
        error: error.to_string(),
    };
    serde_json::from_str(&stored.content).map_err(|error| Box::new(unreadable(error)))
}

/// The members in an outbox that this version cannot read.
///
/// # Errors
/// When the outbox cannot be read.
pub(crate) fn unreadable(store: &Store) -> Result<Vec<Unreadable>, StoreError> {
    Ok(store
        .pending_members()?
        .into_iter()
        .filter_map(|stored| read(&stored).err().map(|unreadable| *unreadable))
        .collect())
}
