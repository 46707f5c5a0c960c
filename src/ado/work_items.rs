//! The automation fields of test case work items: reading, and updating with optimistic locking.
//!
//! These are side matters: a token without the scope for them can still submit, so a refusal is not
//! held against it.

use reqwest::Method;
use reqwest::header::CONTENT_TYPE;
use serde::de::IgnoredAny;
use serde_json::{Value, json};

use crate::ado::error::AdoError;
use crate::ado::transport::{AdoClient, Importance};
use crate::ado::version::Call;
use crate::ado::wire::{AutomatedItem, List};
use crate::plan::automation::{AutomationFields, Change, field};

/// Most work items in one request (`ado/api.md` §3).
const WORK_ITEMS: usize = 200;
/// A precondition, the revision, does not hold any more.
const PRECONDITION_FAILED: u16 = 412;

/// A test case with its automation fields.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct AutomatedCase {
    /// Work item id.
    pub(crate) id: u32,
    /// Revision that the fields were read at.
    pub(crate) revision: u32,
    /// The fields.
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
        let mut found = Vec::new();
        for ids in ids.chunks(WORK_ITEMS) {
            let fields = [
                "System.Id",
                "System.Rev",
                field::STATUS,
                field::NAME,
                field::STORAGE,
                field::TYPE,
            ];
            let body = json!({ "ids": ids, "errorPolicy": "omit", "fields": fields });
            let path = [project, "_apis", "wit", "workitemsbatch"];
            let list: List<Option<AutomatedItem>> = self
                .send_json(Method::POST, &path, &body, Importance::Optional)
                .await?;
            found.extend(list.value.into_iter().flatten().map(automated_case));
        }
        Ok(found)
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
        let unchanged = json!({ "op": "test", "path": "/rev", "value": revision });
        let set = |(field, value): &Change| json!({ "op": "add", "path": format!("/fields/{field}"), "value": value });
        let operations: Vec<Value> = std::iter::once(unchanged)
            .chain(changes.iter().map(set))
            .collect();
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

/// Whether a refusal says that the work item is not any more what was read.
fn is_conflict(status: u16, message: &str) -> bool {
    status == PRECONDITION_FAILED
        || ["VS403351", "TF26071"]
            .iter()
            .any(|code| message.contains(code))
}

fn automated_case(item: AutomatedItem) -> AutomatedCase {
    let said = |text: Option<String>| text.filter(|text| !text.trim().is_empty());
    let fields = AutomationFields {
        status: said(item.fields.status),
        name: said(item.fields.name),
        storage: said(item.fields.storage),
        kind: said(item.fields.kind),
    };
    AutomatedCase {
        id: item.id,
        revision: item.rev,
        fields,
    }
}
