//! The switches of a world: page sizes, limits and behaviours that are unknown in reality.

use serde::{Deserialize, Serialize};

/// How the service behaves where the real one differs by version, or where nobody knows.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// The highest API version this server knows, such as `7.1`.
    pub max_api_version: String,
    /// Entries on a page of the `testplan` area (TestPoint, plans, suites, configurations).
    pub page_size: usize,
    /// Most entries that a list by `$top` and `$skip` gives at once, however many were asked for;
    /// the rest has to be asked for.
    pub most_on_a_page: usize,
    /// Entries `POST test/points` and `GET …/points` give when no `$top` is sent: the rest is cut
    /// silently.
    pub points_default_top: usize,
    /// Whether missing work items are left out (`true`) or `null` (`false`) with `errorPolicy:
    /// omit`.
    pub omit_leaves_out: bool,
    /// Whether attachments of results are refused once the run is completed.
    pub refuse_result_attachments_after_completed: bool,
    /// Whether `automated: true` is refused for test cases that are not automated.
    pub refuse_automated_run_of_manual_cases: bool,
    /// Whether results with a failure type are refused: the words are those of one version.
    pub refuse_failure_types: bool,
    /// Whether lists of releases leave out when their stages were deployed.
    pub release_list_without_steps: bool,
    /// How many more times somebody else changes a work item just before an update of it arrives.
    pub rival_edits: u32,
    /// Milliseconds a new run stays invisible to the lists of runs.
    pub run_list_lag_ms: u64,
    /// Whether lists of runs leave out every comment, also with details.
    pub run_list_without_comments: bool,
    /// Milliseconds after a change of results during which the run's totals still tell the old
    /// state.
    pub statistics_lag_ms: u64,
    /// The point whose result a run loses when it is completed, as by a defect of the server.
    pub lose_result_of_point: Option<u32>,
    /// The point whose result has another outcome, `Inconclusive`, once the run is completed.
    pub change_result_of_point: Option<u32>,
    /// Attachments above this size keep only size and digest.
    pub keep_attachment_bytes: usize,
    /// The largest attachment, decoded.
    pub max_attachment_bytes: usize,
    /// Error messages and stack traces are cut silently at this many UTF-16 units.
    pub error_text_limit: usize,
    /// What `deploymentType` says: `hosted` or `onPremises`.
    pub deployment_type: String,
    /// Whether all routes but `connectionData` answer a version that is too new with 404 as plain
    /// text.
    pub too_new_is_no_route: bool,
    /// Whether a token of Entra is refused to clients that suppress the sign-in page, as in tenants
    /// with Conditional Access.
    pub conditional_access: bool,
    /// The status for a token whose scopes do not cover a call: 401 is what people report, 403 is
    /// known of permissions.
    pub missing_scope_status: u16,
    /// The test case types of the process, first the default one.
    pub test_case_types: Vec<String>,
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            max_api_version: "7.1".into(),
            page_size: 200,
            most_on_a_page: usize::MAX,
            points_default_top: 200,
            omit_leaves_out: false,
            refuse_result_attachments_after_completed: false,
            refuse_automated_run_of_manual_cases: false,
            refuse_failure_types: false,
            release_list_without_steps: false,
            rival_edits: 0,
            run_list_lag_ms: 0,
            run_list_without_comments: false,
            statistics_lag_ms: 0,
            lose_result_of_point: None,
            change_result_of_point: None,
            keep_attachment_bytes: 8 << 20,
            max_attachment_bytes: 104_857_600,
            error_text_limit: 4000,
            deployment_type: "hosted".into(),
            too_new_is_no_route: false,
            conditional_access: false,
            missing_scope_status: 401,
            test_case_types: vec!["Test Case".into()],
        }
    }
}
