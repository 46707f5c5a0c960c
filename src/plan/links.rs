//! Links of a test run to a build and to a release (product contract, section 3, "Build" and
//! "Release").
//!
//! The project names definitions (`buildDefinitionId`, `releaseDefinitionId`); what stands behind
//! them is looked up when the points are read. A link that cannot be made is left out with its
//! reason and costs nothing else.

use serde::{Deserialize, Serialize};

use crate::moment::Moment;

/// Which build a run is linked with.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum BuildChoice {
    /// The latest completed build of this definition, at the moment of planning.
    LatestOf(u32),
    /// Just this build, such as that of the pipeline job which runs the tests; nothing is looked
    /// up.
    Exactly(BuildLink),
}

/// Which release a run is linked with.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ReleaseChoice {
    /// The latest one of a definition, at the moment of planning.
    LatestOf {
        /// The classic release definition.
        definition: u32,
        /// Name of its stage (`submit.release_stage`); `None` takes the stage that started last.
        stage: Option<String>,
    },
    /// Just this release, such as that of the job which runs the tests; nothing is looked up.
    Exactly(ReleaseLink),
}

/// A build that a run is linked with.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(crate) struct BuildLink {
    /// Its id; a build of the run's own project (`ado/api.md` §5).
    pub id: u32,
    /// Its number, as people see it.
    pub number: Option<String>,
}

/// A release that a run is linked with, in one of its stages.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(crate) struct ReleaseLink {
    /// Its id.
    pub id: u32,
    /// Its name.
    pub name: String,
    /// Id of the stage ("environment").
    pub stage_id: u32,
    /// Name of the stage.
    pub stage: String,
}

impl ReleaseLink {
    /// The release as ADO wants it in a run (`ado/api.md` §9).
    pub(crate) fn release_uri(&self) -> String {
        format!("vstfs:///ReleaseManagement/Release/{}", self.id)
    }

    /// Its stage as ADO wants it in a run; without it a run's page shows no release.
    pub(crate) fn stage_uri(&self) -> String {
        format!("vstfs:///ReleaseManagement/Environment/{}", self.stage_id)
    }
}

/// What became of looking something up.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) enum LookUp<T> {
    /// Nothing was to be looked up.
    #[default]
    NotAsked,
    /// This was found.
    Found(T),
    /// Why there is none, in words for a tester.
    Failed(String),
}

impl<T> LookUp<T> {
    /// What was found.
    pub(crate) const fn found(&self) -> Option<&T> {
        match self {
            Self::Found(found) => Some(found),
            Self::NotAsked | Self::Failed(_) => None,
        }
    }

    /// Why nothing was found although something was asked for.
    pub(crate) fn failure(&self) -> Option<&str> {
        match self {
            Self::Failed(reason) => Some(reason),
            Self::NotAsked | Self::Found(_) => None,
        }
    }
}

/// Why a release cannot be linked.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub(crate) enum NoSuchStage {
    /// It has no stage of that name (`submit.release_stage`).
    #[error("release {release} has no stage `{stage}`, only {}", quoted(stages))]
    Named {
        /// Name of the release.
        release: String,
        /// The stage that was asked for.
        stage: String,
        /// The stages that there are.
        stages: Vec<String>,
    },
    /// The release of this name has no stage at all.
    #[error("release {0} has no stage")]
    Any(String),
}

fn quoted(names: &[String]) -> String {
    let names: Vec<_> = names.iter().map(|name| format!("`{name}`")).collect();
    names.join(", ")
}

/// A release as ADO lists it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Release {
    /// Its id.
    pub id: u32,
    /// Its name.
    pub name: String,
    /// Its stages, in their order.
    pub stages: Vec<ReleaseStage>,
}

/// A stage of a release.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct ReleaseStage {
    /// Its id.
    pub id: u32,
    /// Its name.
    pub name: String,
    /// When its last deployment started; `None` if none did, or if the answer does not say.
    pub started: Option<Moment>,
}

impl Release {
    /// The link to this release in the stage of that name, else in the stage that started last,
    /// else in the first.
    ///
    /// # Errors
    /// When there is no such stage.
    pub(crate) fn link(&self, stage: Option<&str>) -> Result<ReleaseLink, NoSuchStage> {
        let chosen = match stage.map(str::trim) {
            Some(name) => self.stage_named(name).ok_or_else(|| NoSuchStage::Named {
                release: self.name.clone(),
                stage: name.to_owned(),
                stages: self.stages.iter().map(|stage| stage.name.clone()).collect(),
            })?,
            None => self
                .started_last()
                .ok_or_else(|| NoSuchStage::Any(self.name.clone()))?,
        };

        Ok(ReleaseLink {
            id: self.id,
            name: self.name.clone(),
            stage_id: chosen.id,
            stage: chosen.name.clone(),
        })
    }

    fn stage_named(&self, name: &str) -> Option<&ReleaseStage> {
        let name = name.to_lowercase();
        self.stages
            .iter()
            .find(|stage| stage.name.to_lowercase() == name)
    }

    /// Of stages that started at the same time the first counts, as where none did.
    fn started_last(&self) -> Option<&ReleaseStage> {
        // `max_by_key` gives the last of equal ones, hence from the back.
        self.stages.iter().rev().max_by_key(|stage| stage.started)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A release with a stage for each of these starts.
    fn release(started: &[Option<i64>]) -> Release {
        let mut stages = Vec::new();
        for (number, started) in started.iter().enumerate() {
            stages.push(ReleaseStage {
                id: 10 + number as u32,
                name: format!("Stage {number}"),
                started: started.map(Moment::from_millis),
            });
        }
        Release {
            id: 3,
            name: "Release-3".to_owned(),
            stages,
        }
    }

    fn linked_stage(started: &[Option<i64>]) -> u32 {
        release(started).link(None).unwrap().stage_id
    }

    #[test]
    fn the_stage_that_started_last_counts_and_where_none_did_the_first() {
        assert_eq!(linked_stage(&[Some(1), Some(9), Some(5), None]), 11);
        assert_eq!(linked_stage(&[None, None, None]), 10);
        assert_eq!(linked_stage(&[None, Some(7), Some(7)]), 11);
    }

    #[test]
    fn a_release_without_stages_cannot_be_linked() {
        let error = release(&[]).link(None).unwrap_err();

        assert_eq!(error.to_string(), "release Release-3 has no stage");
    }

    #[test]
    fn a_named_stage_counts_whatever_started() {
        let release = release(&[Some(1), Some(2)]);

        assert_eq!(release.link(Some(" stage 0 ")).unwrap().stage_id, 10);
    }

    #[test]
    fn a_missing_stage_is_told_with_those_that_are_there() {
        let error = release(&[Some(1), Some(2)]).link(Some("Prod")).unwrap_err();

        assert_eq!(
            error.to_string(),
            "release Release-3 has no stage `Prod`, only `Stage 0`, `Stage 1`"
        );
    }

    #[test]
    fn the_uris_are_those_of_release_management() {
        let link = release(&[None]).link(None).unwrap();

        assert_eq!(link.release_uri(), "vstfs:///ReleaseManagement/Release/3");
        assert_eq!(
            link.stage_uri(),
            "vstfs:///ReleaseManagement/Environment/10"
        );
    }
}
