//! Links of a test run to a build and to a release.
//!
//! The project names definitions (`buildDefinitionId`, `releaseDefinitionId`); what stands behind
//! them is looked up when the points are read. A link that cannot be made is left out with its
//! reason and costs nothing else.

use serde::{Deserialize, Serialize};

use crate::moment::Moment;

/// Which build a run is linked with.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BuildChoice {
    /// The latest completed build of this definition, at the moment of planning.
    LatestOf(u32),
    /// Just this build, such as that of the pipeline job which runs the tests; nothing is looked
    /// up.
    Exactly(BuildLink),
}

/// Which release a run is linked with.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReleaseChoice {
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
pub struct BuildLink {
    /// Its id; a build of the run's own project (`ado/api.md` §5).
    pub id: u32,
    /// Its number, as people see it.
    pub number: Option<String>,
}

/// A release that a run is linked with, in one of its stages.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ReleaseLink {
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
    pub fn release_uri(&self) -> String {
        format!("vstfs:///ReleaseManagement/Release/{}", self.id)
    }

    /// Its stage as ADO wants it in a run; without it a run's page shows no release.
    pub fn stage_uri(&self) -> String {
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

/// A release as ADO lists it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Release {
    /// Its id.
    pub id: u32,
    /// Its name.
    pub name: String,
    /// Its stages, in their order.
    pub stages: Vec<Stage>,
}

/// A stage of a release.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Stage {
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
    /// Why there is no such stage.
    pub fn link(&self, stage: Option<&str>) -> Result<ReleaseLink, String> {
        let named = |name: &str| {
            self.stages
                .iter()
                .find(|stage| stage.name.to_lowercase() == name.to_lowercase())
        };
        let chosen = match stage.map(str::trim) {
            Some(name) => named(name).ok_or_else(|| {
                let known: Vec<_> = self
                    .stages
                    .iter()
                    .map(|stage| format!("`{}`", stage.name))
                    .collect();
                format!(
                    "release {} has no stage `{name}`, only {}",
                    self.name,
                    known.join(", ")
                )
            }),
            None => self
                .started_last()
                .ok_or_else(|| format!("release {} has no stage", self.name)),
        }?;
        Ok(ReleaseLink {
            id: self.id,
            name: self.name.clone(),
            stage_id: chosen.id,
            stage: chosen.name.clone(),
        })
    }

    /// Of stages that started at the same time the first counts, as where none did.
    fn started_last(&self) -> Option<&Stage> {
        self.stages.iter().rev().max_by_key(|stage| stage.started)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn release(started: &[Option<i64>]) -> Release {
        let stage = |(place, started): (usize, &Option<i64>)| Stage {
            id: 10 + place as u32,
            name: format!("Stage {place}"),
            started: started.map(Moment::from_millis),
        };
        Release {
            id: 3,
            name: "Release-3".to_owned(),
            stages: started.iter().enumerate().map(stage).collect(),
        }
    }

    fn stage(started: &[Option<i64>]) -> u32 {
        release(started).link(None).unwrap().stage_id
    }

    #[test]
    fn the_stage_that_started_last_counts_and_where_none_did_the_first() {
        assert_eq!(stage(&[Some(1), Some(9), Some(5), None]), 11);
        assert_eq!(stage(&[None, None, None]), 10);
        assert_eq!(stage(&[None, Some(7), Some(7)]), 11);
        assert!(
            release(&[])
                .link(None)
                .unwrap_err()
                .contains("Release-3 has no stage")
        );
    }

    #[test]
    fn a_named_stage_counts_whatever_started_and_a_missing_one_is_told_with_those_that_are_there() {
        let release = release(&[Some(1), Some(2)]);
        assert_eq!(release.link(Some(" stage 0 ")).unwrap().stage_id, 10);
        assert_eq!(
            release.link(Some("Prod")).unwrap_err(),
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
