//! Everything that a plan depends on besides the points: stored when a run is finished, so that
//! later edits of the project do not change work in flight (invariant I3).
//!
//! It is stored as JSON: the serde names do not change, and what is added needs a default.

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::discovery::run_identity::RunIdentity;
use crate::file_names::{FolderId, key};
use crate::katalon::damage::Damage;
use crate::katalon::id_source::IdSource;
use crate::katalon::run::{Attempt, SuiteRun, TestResult};
use crate::moment::Moment;
use crate::plan::left_out::LeftOut;
use crate::plan::members::{Member, Members, RunFolder};
use crate::plan::options::Options;

/// A finished run together with the settings and ids of that moment. It holds no secret.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub(crate) struct Snapshot {
    /// The run as it was read from its folder.
    pub run: SuiteRun,
    /// The run folder, as a path of this machine; of a collection its own folder.
    pub folder: String,
    /// Which folder that was, whatever lies at its path later; `None` of a collection, and where it
    /// was not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub folder_id: Option<FolderId>,
    /// Name of the Katalon project.
    pub project_name: String,
    /// Folder of the Katalon project, as a path of this machine.
    pub project_root: String,
    /// The settings that are in force for this run.
    pub options: Options,
    /// Id of the collection that the run is a member of, `Test Suites/…`.
    #[serde(default)]
    pub collection: Option<String>,
    /// `numberOfRerun` of the suite's file: how many runs may follow a failed one.
    #[serde(default)]
    pub reruns: Option<u32>,
    /// Ids of the test cases that the run executed; a test that is missing here has no `.tc` file.
    pub cases: BTreeMap<String, CaseIds>,
    /// Pieces of the run's names that are hidden where they are sent, the longest first
    /// (`katalon/redaction.rs`).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hidden: Vec<String>,
    /// Of a collection that is submitted as one run: its members.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub joined: Option<Members>,
}

/// What the `.tc` file of a test says about its ADO test cases.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub(crate) struct CaseIds {
    /// `azure.testcase.ids` as written, or the ids that were found elsewhere in that form.
    pub azure_ids: Option<String>,
    /// Where they stand.
    #[serde(default, skip_serializing_if = "IdSource::is_integration")]
    pub source: IdSource,
    /// Default values of the variables, as Groovy expressions.
    pub defaults: BTreeMap<String, String>,
    /// Why the ids cannot be known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub damage: Option<Damage>,
}

impl Snapshot {
    /// Which run it is. A collection is its id, its host and the first start of its members, also
    /// of those that do not take part: so it stays the same run when others of them do. `None` when
    /// no log holds a record.
    pub(crate) fn identity(&self) -> Option<RunIdentity> {
        if !self.is_collection() {
            return RunIdentity::of(&self.run);
        }

        let runs: Vec<&RunIdentity> = self
            .members()
            .iter()
            .filter_map(|member| member.identity.as_ref())
            .collect();

        Some(RunIdentity {
            suite: self.run.suite.clone(),
            started: runs.iter().map(|run| run.started).min()?,
            host: runs.first()?.host.clone(),
            // All members share it (`katalon/behaviour.md` §4.1), but one that was killed has none.
            execution_uuid: runs.iter().find_map(|run| run.execution_uuid.clone()),
        })
    }

    /// Root of the project, as it compares.
    pub(crate) fn root(&self) -> String {
        key(Path::new(&self.project_root))
    }

    /// When the suite started, or the nearest time that is known.
    pub(crate) fn started(&self) -> Moment {
        self.run
            .started
            .or(self.run.last_record)
            .unwrap_or_default()
    }

    /// When the suite ended; of a run that never ended the time of its last record.
    pub(crate) fn ended(&self) -> Moment {
        self.run
            .ended
            .or(self.run.last_record)
            .unwrap_or_else(|| self.started())
    }

    /// When an attempt ended, never before it started; one that never ended did so with the run.
    pub(crate) fn end_of(&self, attempt: &Attempt) -> Moment {
        attempt
            .ended
            .unwrap_or_else(|| self.ended())
            .max(attempt.started)
    }

    /// Whether it is a collection that is submitted as one run.
    pub(crate) const fn is_collection(&self) -> bool {
        self.joined.is_some()
    }

    /// The members of a collection; none for the run of a single suite.
    pub(crate) fn members(&self) -> &[Member] {
        match &self.joined {
            Some(joined) => &joined.members,
            None => &[],
        }
    }

    /// The member that a test ran in; `None` for the run of a single suite.
    pub(crate) fn member_of(&self, test: &TestResult) -> Option<&Member> {
        self.members().get(test.member)
    }

    /// The members of a collection whose results are missing, each with its reason.
    pub(crate) fn missing_members(&self) -> Vec<LeftOut> {
        self.members()
            .iter()
            .filter_map(Member::left_out)
            .map(LeftOut::suite)
            .collect()
    }

    /// The run folders that it was read from: one, or those of the members that take part.
    pub(crate) fn run_folders(&self) -> Vec<RunFolder> {
        if !self.is_collection() {
            return vec![RunFolder {
                prefix: String::new(),
                path: self.folder.clone(),
                id: self.folder_id,
                run: RunIdentity::of(&self.run),
            }];
        }

        self.members()
            .iter()
            .filter(|member| member.state.takes_part())
            .map(Member::run_folder)
            .collect()
    }

    /// Which runs those folders hold, as far as their logs tell.
    pub(crate) fn run_identities(&self) -> Vec<RunIdentity> {
        self.run_folders()
            .into_iter()
            .filter_map(|run_folder| run_folder.run)
            .collect()
    }

    /// The run folder that a file of the snapshot lies in, and its path in there.
    pub(crate) fn run_folder_of<'p>(&self, path: &'p str) -> Option<(RunFolder, &'p str)> {
        if !self.is_collection() {
            let folder = self.run_folders().pop()?;
            return Some((folder, path));
        }

        // Asked for each file, so that only its own folder is made of the members.
        for member in self.members() {
            if member.state.takes_part()
                && let Some(inside) = member.inside(path)
            {
                return Some((member.run_folder(), inside));
            }
        }
        None
    }
}
