//! The job of Azure Pipelines that kado is part of, from the variables that the agent sets
//! (Microsoft Learn, "Predefined variables"). Pure: the caller hands the variables in. The job's
//! token is not part of it.

use serde::{Deserialize, Serialize};

/// A job of a pipeline (`azure-pipelines.yml`) or of a classic release.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct PipelineJob {
    /// Organization or collection (`SYSTEM_COLLECTIONURI`).
    pub collection: String,
    /// ADO project, by name (`SYSTEM_TEAMPROJECT`).
    pub project: String,
    /// ADO project, by GUID (`SYSTEM_TEAMPROJECTID`).
    pub project_id: Option<String>,
    /// The build; in a classic release none, because the build is that of an artifact there.
    pub build: Option<PipelineBuild>,
    /// The release, in a classic release.
    pub release: Option<PipelineRelease>,
}

/// The build that a job belongs to, and its place in it.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct PipelineBuild {
    /// `BUILD_BUILDID`.
    pub id: u32,
    /// `BUILD_BUILDNUMBER`, for people.
    pub number: Option<String>,
    /// `SYSTEM_STAGENAME` and `SYSTEM_STAGEATTEMPT`.
    pub stage: Option<Place>,
    /// `SYSTEM_PHASENAME` and `SYSTEM_PHASEATTEMPT`.
    pub phase: Option<Place>,
    /// `SYSTEM_JOBNAME` and `SYSTEM_JOBATTEMPT`.
    pub job: Option<Place>,
}

/// A stage, phase or job, and which attempt at it this is.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Place {
    /// Its name.
    pub name: String,
    /// From 1.
    pub attempt: u32,
}

/// The release and stage that a job of a classic release belongs to.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct PipelineRelease {
    /// `RELEASE_RELEASEID`.
    pub id: u32,
    /// `RELEASE_RELEASENAME`.
    pub name: String,
    /// `RELEASE_ENVIRONMENTID`, the stage in this release.
    pub stage_id: u32,
    /// `RELEASE_ENVIRONMENTNAME`.
    pub stage: String,
}

/// Name of the variable with the job's token; a pipeline hands it over only where its author says
/// so.
pub(crate) const TOKEN_VARIABLE: &str = "SYSTEM_ACCESSTOKEN";

impl PipelineJob {
    /// The job that these variables describe; `None` outside of Azure Pipelines (`TF_BUILD` is not
    /// `True`), and where neither build nor release is named.
    pub fn read(variable: impl Fn(&str) -> Option<String>) -> Option<Self> {
        let said = |name: &str| {
            variable(name)
                .map(|value| value.trim().to_owned())
                .filter(|value| is_value(value))
        };
        said("TF_BUILD").filter(|value| value.eq_ignore_ascii_case("true"))?;
        let release = release(&said);
        let build = if release.is_none() {
            build(&said)
        } else {
            None
        };
        if build.is_none() && release.is_none() {
            return None;
        }
        Some(Self {
            collection: said("SYSTEM_COLLECTIONURI")
                .or_else(|| said("SYSTEM_TEAMFOUNDATIONCOLLECTIONURI"))?,
            project: said("SYSTEM_TEAMPROJECT")?,
            project_id: said("SYSTEM_TEAMPROJECTID"),
            build,
            release,
        })
    }

    /// Whether an ADO project, given by name or GUID, is the pipeline's own.
    pub fn is_own_project(&self, project: &str) -> bool {
        let same = |own: &str| own.to_lowercase() == project.trim().to_lowercase();
        same(&self.project) || self.project_id.as_deref().is_some_and(same)
    }
}

/// An agent leaves a macro that it cannot resolve as it is: `$(System.StageName)`.
fn is_value(value: &str) -> bool {
    !value.is_empty() && !value.starts_with("$(")
}

fn build(said: &impl Fn(&str) -> Option<String>) -> Option<PipelineBuild> {
    let place = |name: &str, attempt: &str| {
        let attempt = number(said(attempt)).unwrap_or(1);
        said(name).map(|name| Place { name, attempt })
    };
    Some(PipelineBuild {
        id: number(said("BUILD_BUILDID"))?,
        number: said("BUILD_BUILDNUMBER"),
        stage: place("SYSTEM_STAGENAME", "SYSTEM_STAGEATTEMPT"),
        phase: place("SYSTEM_PHASENAME", "SYSTEM_PHASEATTEMPT"),
        job: place("SYSTEM_JOBNAME", "SYSTEM_JOBATTEMPT"),
    })
}

fn release(said: &impl Fn(&str) -> Option<String>) -> Option<PipelineRelease> {
    let (id, stage_id) = (
        number(said("RELEASE_RELEASEID"))?,
        number(said("RELEASE_ENVIRONMENTID"))?,
    );
    let name = said("RELEASE_RELEASENAME").unwrap_or_else(|| id.to_string());
    let stage = said("RELEASE_ENVIRONMENTNAME").unwrap_or_else(|| stage_id.to_string());
    Some(PipelineRelease {
        id,
        name,
        stage_id,
        stage,
    })
}

fn number(text: Option<String>) -> Option<u32> {
    text?.parse().ok().filter(|number| *number > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const YAML: [(&str, &str); 12] = [
        ("TF_BUILD", "True"),
        ("SYSTEM_COLLECTIONURI", "https://dev.azure.com/acme/"),
        ("SYSTEM_TEAMPROJECT", "Shop"),
        (
            "SYSTEM_TEAMPROJECTID",
            "a54c5ff9-0d8e-4d7f-bd5a-52f10d5b9c11",
        ),
        ("BUILD_BUILDID", "637"),
        ("BUILD_BUILDNUMBER", "20260506.3"),
        ("SYSTEM_STAGENAME", "Test"),
        ("SYSTEM_STAGEATTEMPT", "2"),
        ("SYSTEM_PHASENAME", "katalon"),
        ("SYSTEM_PHASEATTEMPT", "1"),
        ("SYSTEM_JOBNAME", "__default"),
        ("SYSTEM_JOBATTEMPT", "1"),
    ];

    fn job(change: &[(&str, Option<&str>)]) -> Option<PipelineJob> {
        PipelineJob::read(|name| {
            let changed = change
                .iter()
                .find(|(changed, _)| *changed == name)
                .map(|(_, value)| *value);
            let set = YAML
                .iter()
                .find(|(set, _)| *set == name)
                .map(|(_, value)| *value);
            changed.unwrap_or(set).map(str::to_owned)
        })
    }

    #[test]
    fn a_job_is_told_with_its_build_and_its_place_in_it() {
        let job = job(&[]).unwrap();
        assert_eq!(
            (job.collection.as_str(), job.project.as_str()),
            ("https://dev.azure.com/acme/", "Shop")
        );
        let build = job.build.unwrap();
        assert_eq!(
            (build.id, build.number.as_deref()),
            (637, Some("20260506.3"))
        );
        assert_eq!(
            build.stage,
            Some(Place {
                name: "Test".into(),
                attempt: 2
            })
        );
        assert_eq!(
            build.phase,
            Some(Place {
                name: "katalon".into(),
                attempt: 1
            })
        );
        assert_eq!(
            build.job,
            Some(Place {
                name: "__default".into(),
                attempt: 1
            })
        );
    }

    #[test]
    fn elsewhere_there_is_no_job() {
        assert_eq!(job(&[("TF_BUILD", None)]), None);
        assert_eq!(job(&[("TF_BUILD", Some("False"))]), None);
        assert_eq!(job(&[("BUILD_BUILDID", None)]), None);
        assert_eq!(job(&[("BUILD_BUILDID", Some("$(Build.BuildId)"))]), None);
        assert_eq!(job(&[("SYSTEM_COLLECTIONURI", None)]), None);
    }

    #[test]
    fn an_older_agent_names_its_collection_otherwise() {
        let change = [
            ("SYSTEM_COLLECTIONURI", None),
            (
                "SYSTEM_TEAMFOUNDATIONCOLLECTIONURI",
                Some("https://tfs/tfs/Main/"),
            ),
        ];
        assert_eq!(job(&change).unwrap().collection, "https://tfs/tfs/Main/");
    }

    #[test]
    fn a_classic_release_is_a_release_and_not_the_build_of_its_artifact() {
        let release = [
            ("RELEASE_RELEASEID", Some("3")),
            ("RELEASE_ENVIRONMENTID", Some("9")),
            ("RELEASE_ENVIRONMENTNAME", Some("QA")),
        ];
        let job = job(&release).unwrap();
        let expected = PipelineRelease {
            id: 3,
            name: "3".into(),
            stage_id: 9,
            stage: "QA".into(),
        };
        assert_eq!((job.build, job.release), (None, Some(expected)));
    }

    #[test]
    fn the_own_project_is_known_by_name_and_by_guid() {
        let job = job(&[]).unwrap();
        assert!(job.is_own_project("shop"));
        assert!(job.is_own_project("A54C5FF9-0d8e-4d7f-bd5a-52f10d5b9c11"));
        assert!(!job.is_own_project("Shop 2"));
    }
}
