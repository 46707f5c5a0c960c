//! What a project has: plans, points, configurations, work items. Nothing in here writes.

use reqwest::Method;
use serde_json::json;

use crate::ado::error::{AdoError, Missing, Refusal};
use crate::ado::gone;
use crate::ado::transport::{AdoClient, Importance};
use crate::ado::version::Call;
use crate::ado::wire::{
    ConnectionData, Identity, List, TeamProject, TestConfiguration, TestPlan, TypeCategory,
    WorkItem,
};

/// Most work items in one request (`ado/api.md` §3).
const WORK_ITEMS: usize = 200;
/// The id of everybody who did not sign in.
const ANONYMOUS: &str = "aaaaaaaa-aaaa-aaaa-aaaa-aaaaaaaaaaaa";
/// Most pages that are followed; beyond it the server must be going in circles.
const PAGES: usize = 100_000;

impl AdoClient {
    /// Tests the connection: who the token belongs to.
    ///
    /// # Errors
    /// When the server cannot be reached or does not know the token; an organization with public
    /// projects answers strangers too, so an anonymous answer is a refusal.
    pub(crate) async fn connection(&self) -> Result<Identity, AdoError> {
        let answer = self
            .get::<ConnectionData>(&["_apis", "connectionData"], Call::ConnectionData, &[])
            .await;
        let data = answer.map_err(|error| self.at_this_url(error))?.content;

        match data.authenticated_user {
            Some(user) if !is_anonymous(&user) => Ok(user),
            _ => Err(AdoError::CredentialsRefused {
                server: self.server().base().to_owned(),
                refusal: Refusal::new(
                    "the server treats the token as that of a stranger",
                    "it is wrong, expired or revoked",
                ),
                repeated: false,
            }),
        }
    }

    /// A web page in place of the first answer of all may mean that the URL is wrong.
    fn at_this_url(&self, error: AdoError) -> AdoError {
        match error {
            AdoError::Unavailable {
                message,
                wait,
                web_page: true,
            } => AdoError::Unavailable {
                message: gone::web_page(self.server(), &message),
                wait,
                web_page: true,
            },
            other => other,
        }
    }

    /// A project, by name or GUID.
    ///
    /// # Errors
    /// [`Missing::Project`] when there is none, or when this token cannot see it.
    pub(crate) async fn project(&self, project: &str) -> Result<TeamProject, AdoError> {
        let path = ["_apis", "projects", project];
        let answer = self.get(&path, Call::Released, &[]).await;
        Ok(answer
            .map_err(|error| match error {
                AdoError::Gone { what, .. } if what != Missing::Server => AdoError::Gone {
                    what: Missing::Project,
                    message: gone::no_project(self.server(), project),
                },
                other => other,
            })?
            .content)
    }

    /// A test plan.
    ///
    /// # Errors
    /// [`Missing::Plan`] when the project has no such plan.
    pub(crate) async fn test_plan(&self, project: &str, plan: u32) -> Result<TestPlan, AdoError> {
        let path = [project, "_apis", "testplan", "plans", &plan.to_string()];
        let answer = self.get(&path, Call::TestPlan, &[]).await;
        Ok(answer
            .map_err(|error| match error {
                AdoError::Gone { what, message }
                    if !matches!(what, Missing::Server | Missing::Project) =>
                {
                    AdoError::Gone {
                        what: Missing::Plan(plan),
                        message: format!(
                            "test plan {plan} not found in project `{project}` ({message}); \
                             `kado list plans` shows what this token can see"
                        ),
                    }
                }
                other => other,
            })?
            .content)
    }

    /// All test configurations of a project.
    ///
    /// # Errors
    /// When the server fails.
    pub(crate) async fn configurations(
        &self,
        project: &str,
    ) -> Result<Vec<TestConfiguration>, AdoError> {
        self.all(
            &[project, "_apis", "testplan", "configurations"],
            Call::TestPlan,
            &[],
        )
        .await
    }

    /// Work items by id; those that do not exist or are hidden are missing in the answer.
    ///
    /// # Errors
    /// When the server fails.
    pub(crate) async fn work_items(
        &self,
        project: &str,
        ids: &[u32],
    ) -> Result<Vec<WorkItem>, AdoError> {
        let mut found = Vec::new();
        for ids in ids.chunks(WORK_ITEMS) {
            let fields = [
                "System.Id",
                "System.Rev",
                "System.WorkItemType",
                "System.Title",
                "System.TeamProject",
            ];
            let body = json!({ "ids": ids, "errorPolicy": "omit", "fields": fields });
            let path = [project, "_apis", "wit", "workitemsbatch"];
            let list: List<Option<WorkItem>> = self
                .send_json(Method::POST, &path, &body, Importance::Essential)
                .await?;
            found.extend(list.value.into_iter().flatten());
        }
        Ok(found)
    }

    /// Names of the work item types that are test cases, in the process and language of the
    /// project.
    ///
    /// # Errors
    /// When the server fails.
    pub(crate) async fn test_case_types(&self, project: &str) -> Result<Vec<String>, AdoError> {
        let path = [
            project,
            "_apis",
            "wit",
            "workitemtypecategories",
            "Microsoft.TestCaseCategory",
        ];
        let category: TypeCategory = self.get(&path, Call::Released, &[]).await?.content;
        Ok(category
            .work_item_types
            .into_iter()
            .map(|named| named.name)
            .collect())
    }

    /// All pages of a list that hands out continuation tokens.
    pub(super) async fn all<T: serde::de::DeserializeOwned>(
        &self,
        path: &[&str],
        call: Call,
        query: &[(&str, String)],
    ) -> Result<Vec<T>, AdoError> {
        let mut items = Vec::new();
        let mut token: Option<String> = None;
        for _ in 0..PAGES {
            let mut query = query.to_vec();
            query.extend(token.clone().map(|token| ("continuationToken", token)));
            let page = self.get::<List<T>>(path, call, &query).await?;
            items.extend(page.content.value);
            match page
                .next
                .filter(|next| !next.is_empty() && token.as_ref() != Some(next))
            {
                Some(next) => token = Some(next),
                None => return Ok(items),
            }
        }
        Err(AdoError::unavailable(
            "Azure DevOps hands out pages without end",
        ))
    }
}

fn is_anonymous(user: &Identity) -> bool {
    match &user.id {
        Some(id) => id.eq_ignore_ascii_case(ANONYMOUS),
        None => true,
    }
}
