//! A member of a collection as it is stored, from its own end to that of its collection.
//!
//! It is stored as JSON, and versions follow each other: a field that is added needs a default, and
//! none may change its name or meaning. What this version cannot read is kept all the same, with
//! its copies: it is said in the log, listed by `kado status`, and goes only when its run is read
//! from the disk again or submitted on a person's word.

use std::fmt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::clock;
use crate::discovery::run_identity::RunIdentity;
use crate::intake::{FinishedRun, SubmissionTerms};
use crate::katalon::run::lifecycle::RunState;
use crate::outbox::store::StoredMember;
use crate::outbox::{Store, StoreError};
use crate::plan::members::MemberState;
use crate::plan::snapshot::Snapshot;
use crate::spool::Spool;
use crate::workspace::{CollectionFolder, ListedMember};

/// A member that is over.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Member {
    /// Id of the collection.
    pub collection: String,
    /// The collection's folder.
    pub folder: PathBuf,
    /// Folders of all members, below `Reports` and as paths of this machine: what is left of the
    /// collection's report when the workspace was wiped.
    members: Vec<(String, PathBuf)>,
    /// Its own folder below `Reports`.
    pub prefix: String,
    /// What became of it.
    pub state: MemberState,
    /// Its run, with settings and ids.
    pub snapshot: Snapshot,
    /// On what terms it is submitted.
    #[serde(flatten)]
    terms: SubmissionTerms,
}

impl Member {
    /// The member in a folder, as it was read; `None` when the collection does not list it.
    pub(super) fn of(
        collection: &CollectionFolder,
        folder: &Path,
        run: FinishedRun,
        state: MemberState,
    ) -> Option<Self> {
        let listed = collection.members();
        let own = listed.iter().find(|member| member.folder == folder)?;

        Some(Self {
            collection: collection.id(),
            folder: collection.folder.clone(),
            prefix: own.prefix.clone(),
            state,
            snapshot: run.snapshot,
            terms: run.terms,
            members: listed
                .into_iter()
                .map(|member| (member.prefix, member.folder))
                .collect(),
        })
    }

    /// Where the members of its collection lie.
    pub(super) fn listed(&self) -> Vec<ListedMember> {
        let mut listed = Vec::new();
        for (prefix, folder) in &self.members {
            listed.push(ListedMember {
                prefix: prefix.clone(),
                folder: folder.clone(),
            });
        }
        listed
    }

    /// Which run it is; `None` when its log holds no record.
    pub(super) fn run(&self) -> Option<RunIdentity> {
        RunIdentity::of(&self.snapshot.run)
    }

    /// As it was read, but for its token, which was noted when the member was kept.
    pub(super) fn finished_run(&self) -> FinishedRun {
        FinishedRun {
            identity: self.run(),
            // What is known is only that it was over before.
            noticed: clock::now(),
            terms: self.terms,
            token: None,
            snapshot: self.snapshot.clone(),
        }
    }

    /// Whether a folder still holds this run.
    pub(super) fn is_same(&self, run: &FinishedRun) -> bool {
        // The uuid is left out: Katalon writes it after the run, perhaps after the member was kept.
        self.snapshot.run.suite == run.snapshot.run.suite
            && self.snapshot.started() == run.snapshot.started()
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
        let install = "install the version of kado that stored it";

        match self.run.as_ref().and_then(|run| spool.copies_of(run)) {
            None => install.to_owned(),
            Some(copies) => format!(
                "{install}, or put the copies of its files (`{}`) into a folder below `Reports` of \
                 its project and give that to `kado submit`",
                copies.display()
            ),
        }
    }
}

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            member,
            collection,
            error,
            ..
        } = self;

        write!(
            f,
            "suite run `{member}` was kept for its collection `{collection}` and cannot be read by \
             this version of kado ({error}); it is not submitted"
        )
    }
}

/// Reads a stored member.
///
/// # Errors
/// When this version cannot.
pub(super) fn read(stored: &StoredMember) -> Result<Member, Box<Unreadable>> {
    serde_json::from_str(&stored.content).map_err(|error| {
        Box::new(Unreadable {
            collection: stored.collection.clone(),
            member: stored.member.clone(),
            run: stored.run.clone(),
            error: error.to_string(),
        })
    })
}

/// The members in an outbox that this version cannot read.
///
/// # Errors
/// When the outbox cannot be read.
pub(crate) fn unreadable(store: &Store) -> Result<Vec<Unreadable>, StoreError> {
    let mut all = Vec::new();
    for stored in store.pending_members()? {
        if let Err(unreadable) = read(&stored) {
            all.push(*unreadable);
        }
    }
    Ok(all)
}
