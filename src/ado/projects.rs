//! What a project has: plans, configurations, kinds of work items. Nothing in here writes.

use crate::ado::error::{AdoError, Missing, Refusal};
use crate::ado::gone;
use crate::ado::transport::AdoClient;
use crate::ado::version::Call;
use crate::ado::wire::{
    ConnectionData, TeamProject, TestConfiguration, TestPlan, TypeCategory, User,
};

/// The id of everybody who did not sign in.
const ANONYMOUS: &str = "aaaaaaaa-aaaa-aaaa-aaaa-aaaaaaaaaaaa";

impl AdoClient {
    /// Tests the connection: who the token belongs to.
    ///
    /// # Errors
    /// When the server cannot be reached or does not know the token; an organization with public
    /// projects answers strangers too, so an anonymous answer is a refusal.
    pub(crate) async fn connection(&self) -> Result<User, AdoError> {
        // This call needs no permission in any project, so that what is refused here is the token.
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
                accepted: None,
            }),
        }
    }

    /// A web page in place of the first answer of all may mean that the URL is wrong.
    fn at_this_url(&self, error: AdoError) -> AdoError {
        match error {
            AdoError::InBetween {
                server,
                answer,
                wait,
                ..
            } => AdoError::InBetween {
                server,
                answer,
                correction: Some(gone::correct_url(self.server())),
                wait,
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
        match self.get(&path, Call::Released, &[]).await {
            Ok(page) => Ok(page.content),
            // The call names nothing but the project, so nothing else can be missing.
            Err(AdoError::Gone { what, .. }) if what != Missing::Server => Err(AdoError::Gone {
                what: Missing::Project,
                message: gone::no_project(self.server(), project),
            }),
            Err(error) => Err(error),
        }
    }

    /// A test plan.
    ///
    /// # Errors
    /// [`Missing::Plan`] when the project has no such plan.
    pub(crate) async fn test_plan(&self, project: &str, plan: u32) -> Result<TestPlan, AdoError> {
        let path = [project, "_apis", "testplan", "plans", &plan.to_string()];
        let message = match self.get(&path, Call::TestPlan, &[]).await {
            Ok(page) => return Ok(page.content),
            // A missing project would otherwise be told as a missing plan, and people would look
            // for the wrong thing.
            Err(AdoError::Gone { what, message })
                if !matches!(what, Missing::Server | Missing::Project) =>
            {
                message
            }
            Err(error) => return Err(error),
        };

        Err(AdoError::Gone {
            what: Missing::Plan(plan),
            message: format!(
                "test plan {plan} not found in project `{project}` ({message}); `kado list plans` \
                 shows what this token can see"
            ),
        })
    }

    /// All test configurations of a project.
    ///
    /// # Errors
    /// When the server fails.
    pub(crate) async fn configurations(
        &self,
        project: &str,
    ) -> Result<Vec<TestConfiguration>, AdoError> {
        let path = [project, "_apis", "testplan", "configurations"];
        self.all(&path, Call::TestPlan, &[]).await
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
            .map(|work_item_type| work_item_type.name)
            .collect())
    }
}

fn is_anonymous(user: &User) -> bool {
    match &user.id {
        Some(id) => id.eq_ignore_ascii_case(ANONYMOUS),
        None => true,
    }
}
