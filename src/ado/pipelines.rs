//! Builds and classic releases that a run can be linked with. Nothing in here writes.
//!
//! These are side matters: a token that may not read them can still submit, so a refusal is not
//! held against it.

use crate::ado::error::AdoError;
use crate::ado::transport::AdoClient;
use crate::ado::version::Call;
use crate::ado::wire;
use crate::plan::links::{BuildLink, Release, ReleaseStage};

impl AdoClient {
    /// The build of a definition that was completed last; `None` when there is none, or no such
    /// definition.
    ///
    /// # Errors
    /// When the server fails or refuses.
    pub(crate) async fn latest_build(
        &self,
        project: &str,
        definition: u32,
    ) -> Result<Option<BuildLink>, AdoError> {
        // Not `build/latest`, which is a preview in every version (`ado/api.md` §9).
        let path = [project, "_apis", "build", "builds"];
        let query = [
            ("definitions", definition.to_string()),
            ("statusFilter", "completed".to_owned()),
            ("queryOrder", "finishTimeDescending".to_owned()),
            ("$top", "1".to_owned()),
        ];
        let builds: wire::List<wire::Build> =
            self.get_optional(&path, Call::Released, &query).await?;

        Ok(builds.value.into_iter().next().map(|build| BuildLink {
            id: build.id,
            number: build.build_number,
        }))
    }

    /// The latest active release of a classic release definition, with its stages; `None` when
    /// there is none.
    ///
    /// # Errors
    /// When the server fails or refuses.
    pub(crate) async fn latest_release(
        &self,
        project: &str,
        definition: u32,
    ) -> Result<Option<Release>, AdoError> {
        let path = [project, "_apis", "release", "releases"];
        let query = [
            ("definitionId", definition.to_string()),
            // Neither a draft nor an abandoned release is what was tested.
            ("statusFilter", "active".to_owned()),
            ("queryOrder", "descending".to_owned()),
            ("$expand", "environments".to_owned()),
            ("$top", "1".to_owned()),
        ];
        let releases: wire::List<wire::ReleaseAnswer> =
            self.get_optional(&path, Call::Release, &query).await?;

        Ok(releases.value.into_iter().next().map(release))
    }

    /// A release with all that is known of its stages; lists may leave out when these started.
    ///
    /// # Errors
    /// When the server fails or refuses.
    pub(crate) async fn release(&self, project: &str, id: u32) -> Result<Release, AdoError> {
        let path = [project, "_apis", "release", "releases", &id.to_string()];
        self.get_optional(&path, Call::Release, &[])
            .await
            .map(release)
    }
}

fn release(answer: wire::ReleaseAnswer) -> Release {
    Release {
        id: answer.id,
        name: answer.name,
        stages: answer.environments.into_iter().map(stage).collect(),
    }
}

fn stage(environment: wire::StageAnswer) -> ReleaseStage {
    // A stage that was deployed several times counts as started with the last attempt.
    let mut started = None;
    for attempt in &environment.deploy_steps {
        started = started.max(wire::moment(attempt.queued_on.as_deref()));
    }

    ReleaseStage {
        id: environment.id,
        name: environment.name,
        started,
    }
}
