//! The suites that are shown in Azure DevOps while they run (`submit.live`), and those whose test
//! runs wait for their submissions.

use std::fmt;

use serde::Serialize;

use crate::outbox::store::LiveRun;
use crate::outbox::{Store, StoreError};

/// A suite with the test run that shows it until it is submitted.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub(crate) struct LiveSuite {
    pub suite: String,
    /// The Katalon project.
    pub project: String,
    pub plan_id: u32,
    pub ado_run_id: u32,
    pub url: Option<String>,
    /// What is not shown of it.
    pub remark: Option<String>,
    /// kado's key, which its submission has.
    #[serde(skip)]
    pub key: String,
}

impl LiveSuite {
    /// All of them.
    ///
    /// # Errors
    /// When the database fails.
    pub(crate) fn read(store: &Store) -> Result<Vec<Self>, StoreError> {
        let live = store.live_runs()?;
        Ok(live.into_iter().filter_map(Self::of).collect())
    }

    /// `None` while it is not known whether the test run was made.
    pub(crate) fn of(live: LiveRun) -> Option<Self> {
        Some(Self {
            suite: live.snapshot.run.suite,
            project: live.snapshot.project_name,
            plan_id: live.plan_id,
            ado_run_id: live.ado_run_id?,
            url: live.url,
            remark: live.remark,
            key: live.key,
        })
    }
}

/// Behind the name of the suite.
impl fmt::Display for LiveSuite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "test run {} in test plan {} shows it in Azure DevOps until it is submitted",
            self.ado_run_id, self.plan_id
        )?;
        match &self.remark {
            Some(remark) => write!(f, "; {remark}"),
            None => Ok(()),
        }
    }
}
