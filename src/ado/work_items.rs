//! Work items: finding test cases, reading them in batches, and updating the automation fields of
//! test cases with optimistic locking.
//!
//! Automation fields are side matters: a token without the scope for them can still submit, so a
//! refusal is not held against it.

use futures_util::future;
use reqwest::Method;
use reqwest::header::CONTENT_TYPE;
use serde::de::{DeserializeOwned, IgnoredAny};
use serde_json::json;

use crate::ado::error::AdoError;
use crate::ado::transport::{AdoClient, Importance};
use crate::ado::version::Call;
use crate::ado::wire::{AutomatedItem, List, QueryAnswer, TitledItem, WorkItem};
use crate::plan::automation::{AutomationFields, Change, field};

/// Most work items in one request (`ado/api.md` §3).
const BATCH: usize = 200;
/// Most work items that a query finds; the server refuses one that finds more.
const MOST_FOUND: usize = 20_000;
/// A precondition, the revision, does not hold any more.
const PRECONDITION_FAILED: u16 = 412;

/// A test case with its automation fields.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct AutomatedCase {
    /// Work item id.
    pub(crate) id: u32,
    /// Revision that the fields were read at.
    pub(crate) revision: u32,
    pub(crate) fields: AutomationFields,
}

/// What became of an update.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Updated {
    /// It is made.
    Done,
    /// Somebody changed the work item since it was read; nothing is changed.
    Conflict,
}

impl AdoClient {
    /// Work items by id; those that do not exist or are hidden are missing in the answer.
    ///
    /// # Errors
    /// When the server fails.
    pub(crate) async fn work_items(
        &self,
        project: &str,
        ids: &[u32],
    ) -> Result<Vec<WorkItem>, AdoError> {
        let fields = [
            "System.Id",
            "System.Rev",
            "System.WorkItemType",
            "System.Title",
            "System.TeamProject",
        ];
        self.fields_of_items(project, ids, &fields, Importance::Essential)
            .await
    }

    /// Work items by id with what tells test cases from each other; those that do not exist or are
    /// hidden are missing in the answer.
    ///
    /// # Errors
    /// When the server fails.
    pub(crate) async fn titled_items(
        &self,
        project: &str,
        ids: &[u32],
    ) -> Result<Vec<TitledItem>, AdoError> {
        let fields = [
            "System.Id",
            "System.WorkItemType",
            "System.Title",
            "System.State",
            "System.TeamProject",
            field::NAME,
            field::STORAGE,
        ];
        self.fields_of_items(project, ids, &fields, Importance::Essential)
            .await
    }

    /// The ids of all test cases of a project, at most 20,000.
    ///
    /// # Errors
    /// When the server fails, or refuses because there are more.
    pub(crate) async fn test_case_ids(&self, project: &str) -> Result<Vec<u32>, AdoError> {
        let path = [project, "_apis", "wit", "wiql"];
        // A process may have test case types of its own, which are in the same group.
        let query = "SELECT [System.Id] FROM WorkItems WHERE [System.TeamProject] = @project AND \
                     [System.WorkItemType] IN GROUP 'Microsoft.TestCaseCategory' \
                     ORDER BY [System.Id]";
        let request = self
            .request(
                Method::POST,
                &path,
                Call::Released,
                &[("$top", MOST_FOUND.to_string())],
            )
            .json(&json!({ "query": query }));

        let answer: QueryAnswer = self.send(request, Importance::Essential).await?.content;
        Ok(answer.work_items.into_iter().map(|item| item.id).collect())
    }

    /// The automation fields of work items; those that do not exist or are hidden are missing in
    /// the answer.
    ///
    /// # Errors
    /// When the server fails or refuses.
    pub(crate) async fn automation_fields(
        &self,
        project: &str,
        ids: &[u32],
    ) -> Result<Vec<AutomatedCase>, AdoError> {
        let fields = [
            "System.Id",
            "System.Rev",
            field::STATUS,
            field::NAME,
            field::STORAGE,
            field::TYPE,
        ];

        let items = self
            .fields_of_items(project, ids, &fields, Importance::Optional)
            .await?;
        Ok(items.into_iter().map(automated_case).collect())
    }

    async fn fields_of_items<T: DeserializeOwned>(
        &self,
        project: &str,
        ids: &[u32],
        fields: &[&str],
        importance: Importance,
    ) -> Result<Vec<T>, AdoError> {
        // How many of them are under way at once is for the server's allowance to say.
        let mut batches = Vec::new();
        for ids in ids.chunks(BATCH) {
            batches.push(self.fields_of_batch(project, ids, fields, importance));
        }
        let answers = future::try_join_all(batches).await?;
        Ok(answers.into_iter().flatten().flatten().collect())
    }

    /// Fields of as many items as one request takes; one that is not there is `None`, or missing.
    async fn fields_of_batch<T: DeserializeOwned>(
        &self,
        project: &str,
        ids: &[u32],
        fields: &[&str],
        importance: Importance,
    ) -> Result<Vec<Option<T>>, AdoError> {
        let path = [project, "_apis", "wit", "workitemsbatch"];

        // With `omit` an item that is not there is `null` in the answer, and no error.
        let body = json!({ "ids": ids, "errorPolicy": "omit", "fields": fields });
        let list: List<Option<T>> = self
            .send_json(Method::POST, &path, &body, importance)
            .await?;
        Ok(list.value)
    }

    /// Sets fields of a work item, if it still has the revision that they were read at.
    ///
    /// # Errors
    /// When the server fails or refuses.
    pub(crate) async fn update_work_item(
        &self,
        project: &str,
        id: u32,
        revision: u32,
        changes: &[Change],
    ) -> Result<Updated, AdoError> {
        // ADO tests the revision and changes the fields in one go, so nobody's edit is overwritten.
        let mut operations = vec![json!({ "op": "test", "path": "/rev", "value": revision })];
        for (field, value) in changes {
            let path = format!("/fields/{field}");
            // `add` also replaces (RFC 6902), so it need not be known whether the field is there.
            operations.push(json!({ "op": "add", "path": path, "value": value }));
        }

        let path = [project, "_apis", "wit", "workitems", &id.to_string()];
        let request = self
            .request(Method::PATCH, &path, Call::Released, &[])
            .header(CONTENT_TYPE, "application/json-patch+json")
            .json(&operations);

        match self.send::<IgnoredAny>(request, Importance::Optional).await {
            Ok(_) => Ok(Updated::Done),
            Err(AdoError::Rejected { status, message }) if is_conflict(status, &message) => {
                Ok(Updated::Conflict)
            }
            Err(error) => Err(error),
        }
    }
}

/// Whether a refusal says that the work item is not any more what was read. Servers say so with the
/// status, or with 400 and one of these codes.
fn is_conflict(status: u16, message: &str) -> bool {
    status == PRECONDITION_FAILED || message.contains("VS403351") || message.contains("TF26071")
}

fn automated_case(item: AutomatedItem) -> AutomatedCase {
    AutomatedCase {
        id: item.id,
        revision: item.rev,
        fields: AutomationFields {
            status: without_blank(item.fields.status),
            name: without_blank(item.fields.name),
            storage: without_blank(item.fields.storage),
            kind: without_blank(item.fields.kind),
        },
    }
}

/// A field that somebody emptied in ADO may hold blanks.
fn without_blank(text: Option<String>) -> Option<String> {
    text.filter(|text| !text.trim().is_empty())
}
