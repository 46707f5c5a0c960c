//! The job that kado is part of, from the variables that its agent sets: Azure Pipelines (Microsoft
//! Learn, "Predefined variables"), GitHub Actions ("Variables reference"), Jenkins ("Using a
//! Jenkinsfile", environment variables). Pure: the caller hands the variables in. The job's token
//! is not part of it.

use std::str::FromStr;

use serde::{Deserialize, Serialize};
use url::Url;

/// Whose agent runs a job.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum JobAgent {
    AzurePipelines,
    GitHubActions,
    Jenkins,
}

impl JobAgent {
    /// The agent that set these variables; `None` outside of any job.
    pub(crate) fn read(variable: impl Fn(&str) -> Option<String>) -> Option<Self> {
        let variables = Variables(variable);
        if variables.is_true("TF_BUILD") {
            return Some(Self::AzurePipelines);
        }
        if variables.is_true("GITHUB_ACTIONS") {
            return Some(Self::GitHubActions);
        }
        variables.text("JENKINS_URL").map(|_| Self::Jenkins)
    }
}

/// The page of the job that made a run, for people.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(crate) struct JobPage {
    /// What it is called, such as `build 20260506.3`.
    pub name: String,
    /// Its address.
    pub url: String,
}

impl JobPage {
    /// The page of the job that these variables describe; `None` outside of any job, and where they
    /// give no address of a server.
    pub(crate) fn read(variable: impl Fn(&str) -> Option<String>) -> Option<Self> {
        let agent = JobAgent::read(&variable)?;
        let variables = Variables(variable);

        match agent {
            JobAgent::AzurePipelines => Self::of_azure_pipelines(&variables),
            JobAgent::GitHubActions => Self::of_github_actions(&variables),
            JobAgent::Jenkins => Self::new(
                format!("Jenkins build {}", variables.text("BUILD_TAG")?),
                &variables.text("BUILD_URL")?,
            ),
        }
    }

    fn of_azure_pipelines<F: Fn(&str) -> Option<String>>(variables: &Variables<F>) -> Option<Self> {
        let build = variables.build()?;
        let base = variables.collection()?;
        let project = variables.text("SYSTEM_TEAMPROJECT")?;

        Self::new(
            match &build.number {
                Some(number) => format!("build {number}"),
                None => format!("build id {}", build.id),
            },
            &build_page(&base, &project, build.id)?,
        )
    }

    fn of_github_actions<F: Fn(&str) -> Option<String>>(variables: &Variables<F>) -> Option<Self> {
        let base = variables.text("GITHUB_SERVER_URL")?;
        let repository = variables.text("GITHUB_REPOSITORY")?;
        // Their ids have long been beyond 32 bits.
        let run: u64 = variables.number("GITHUB_RUN_ID")?;
        let attempt: u64 = variables.number("GITHUB_RUN_ATTEMPT").unwrap_or(1);
        let number = variables.number("GITHUB_RUN_NUMBER").unwrap_or(run);

        Self::new(
            match variables.text("GITHUB_WORKFLOW") {
                Some(workflow) => format!("run {number} of {workflow}"),
                None => format!("run {number}"),
            },
            &format!(
                "{}/{repository}/actions/runs/{run}/attempts/{attempt}",
                base.trim_end_matches('/')
            ),
        )
    }

    fn new(name: String, url: &str) -> Option<Self> {
        Some(Self {
            name,
            url: page_address(url)?,
        })
    }
}

/// The test run for which somebody started this job of Azure Pipelines in *Test Plans*: its job
/// finds it as `$(test.RunId)` (Microsoft Learn, "Run automated tests from test plans").
pub(crate) fn test_run_of_job(variable: impl Fn(&str) -> Option<String>) -> Option<u32> {
    let variables = Variables(variable);
    if !variables.is_true("TF_BUILD") {
        return None;
    }
    variables.number("TEST_RUNID")
}

/// Where people find what made a run, and what it left behind.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub(crate) struct RunOrigin {
    /// The job that it was made in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub job: Option<JobPage>,
    /// Where the job publishes Katalon's report (`kado exec --report-url`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub report: Option<String>,
}

impl RunOrigin {
    /// Whether there is nothing to find.
    pub(crate) fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// An address that a browser opens, as it is written without a user's name and password.
pub(crate) fn page_address(text: &str) -> Option<String> {
    let mut url = Url::parse(text).ok()?;
    if !matches!(url.scheme(), "http" | "https") {
        return None;
    }

    url.set_username("").ok()?;
    url.set_password(None).ok()?;
    Some(url.into())
}

/// The page of a build; `base` is the address of its organization or collection.
pub(crate) fn build_page(base: &str, project: &str, build: u32) -> Option<String> {
    let mut page = Url::parse(base).ok()?;
    page.path_segments_mut()
        .ok()?
        .pop_if_empty()
        .extend([project, "_build", "results"]);
    page.set_query(Some(&format!("buildId={build}")));
    page_address(page.as_str())
}

/// A job of a pipeline (`azure-pipelines.yml`) or of a classic release.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(crate) struct PipelineJob {
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
pub(crate) struct PipelineBuild {
    /// `BUILD_BUILDID`.
    pub id: u32,
    /// `BUILD_BUILDNUMBER`, for people.
    pub number: Option<String>,
    /// `SYSTEM_STAGENAME` and `SYSTEM_STAGEATTEMPT`.
    pub stage: Option<JobAttempt>,
    /// `SYSTEM_PHASENAME` and `SYSTEM_PHASEATTEMPT`.
    pub phase: Option<JobAttempt>,
    /// `SYSTEM_JOBNAME` and `SYSTEM_JOBATTEMPT`.
    pub job: Option<JobAttempt>,
}

/// A stage, phase or job, and which attempt at it this is.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(crate) struct JobAttempt {
    pub name: String,
    /// From 1.
    pub attempt: u32,
}

/// The release and stage that a job of a classic release belongs to.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(crate) struct PipelineRelease {
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
    pub(crate) fn read(variable: impl Fn(&str) -> Option<String>) -> Option<Self> {
        let variables = Variables(variable);
        if !variables.is_true("TF_BUILD") {
            return None;
        }

        // In a classic release BUILD_BUILDID is that of an artifact.
        let release = variables.release();
        let build = match release {
            Some(_) => None,
            None => Some(variables.build()?),
        };

        Some(Self {
            collection: variables.collection()?,
            project: variables.text("SYSTEM_TEAMPROJECT")?,
            project_id: variables.text("SYSTEM_TEAMPROJECTID"),
            build,
            release,
        })
    }

    /// Whether an ADO project, given by name or GUID, is the pipeline's own.
    pub(crate) fn is_own_project(&self, project: &str) -> bool {
        let project = project.trim().to_lowercase();
        let id = self.project_id.as_deref().unwrap_or_default();
        self.project.to_lowercase() == project || (!id.is_empty() && id.to_lowercase() == project)
    }
}

/// The variables of a job.
struct Variables<F>(F);

impl<F: Fn(&str) -> Option<String>> Variables<F> {
    fn text(&self, name: &str) -> Option<String> {
        let value = (self.0)(name)?.trim().to_owned();
        // An agent leaves a macro that it cannot resolve as it is: `$(System.StageName)`.
        if value.is_empty() || value.starts_with("$(") {
            return None;
        }
        Some(value)
    }

    fn is_true(&self, name: &str) -> bool {
        self.text(name)
            .is_some_and(|value| value.eq_ignore_ascii_case("true"))
    }

    /// Organization or collection.
    fn collection(&self) -> Option<String> {
        self.text("SYSTEM_COLLECTIONURI")
            // Older agents know only this one.
            .or_else(|| self.text("SYSTEM_TEAMFOUNDATIONCOLLECTIONURI"))
    }

    /// An id or the number of an attempt; all of them begin with 1.
    fn number<N: FromStr + PartialOrd + From<u8>>(&self, name: &str) -> Option<N> {
        let number: N = self.text(name)?.parse().ok()?;
        (number > N::from(0)).then_some(number)
    }

    fn attempt(&self, name: &str, attempt: &str) -> Option<JobAttempt> {
        Some(JobAttempt {
            name: self.text(name)?,
            attempt: self.number(attempt).unwrap_or(1),
        })
    }

    fn build(&self) -> Option<PipelineBuild> {
        Some(PipelineBuild {
            id: self.number("BUILD_BUILDID")?,
            number: self.text("BUILD_BUILDNUMBER"),
            stage: self.attempt("SYSTEM_STAGENAME", "SYSTEM_STAGEATTEMPT"),
            phase: self.attempt("SYSTEM_PHASENAME", "SYSTEM_PHASEATTEMPT"),
            job: self.attempt("SYSTEM_JOBNAME", "SYSTEM_JOBATTEMPT"),
        })
    }

    fn release(&self) -> Option<PipelineRelease> {
        let id = self.number("RELEASE_RELEASEID")?;
        let stage_id = self.number("RELEASE_ENVIRONMENTID")?;
        Some(PipelineRelease {
            id,
            name: self
                .text("RELEASE_RELEASENAME")
                .unwrap_or_else(|| id.to_string()),
            stage_id,
            stage: self
                .text("RELEASE_ENVIRONMENTNAME")
                .unwrap_or_else(|| stage_id.to_string()),
        })
    }
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

    #[test]
    fn an_origin_says_something_by_a_job_or_a_report() {
        let with_report = RunOrigin {
            job: None,
            report: Some("https://reports.example/7".to_owned()),
        };

        assert!(RunOrigin::default().is_empty());
        assert!(!with_report.is_empty());
    }

    #[test]
    fn a_variable_that_is_blank_or_was_never_resolved_says_nothing() {
        for value in ["  ", "$(System.StageName)"] {
            let build = job(&[("SYSTEM_STAGENAME", Some(value))]).unwrap().build;

            assert_eq!(build.unwrap().stage, None, "{value:?}");
        }
    }

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
    fn a_job_is_read_with_its_build_and_its_place_in_it() {
        let job = job(&[]).unwrap();
        assert_eq!(job.collection, "https://dev.azure.com/acme/");
        assert_eq!(job.project, "Shop");

        let build = job.build.unwrap();
        assert_eq!(build.id, 637);
        assert_eq!(build.number.as_deref(), Some("20260506.3"));
        assert_eq!(
            build.stage,
            Some(JobAttempt {
                name: "Test".into(),
                attempt: 2
            })
        );
        assert_eq!(
            build.phase,
            Some(JobAttempt {
                name: "katalon".into(),
                attempt: 1
            })
        );
        assert_eq!(
            build.job,
            Some(JobAttempt {
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
        assert_eq!(job.build, None);
        assert_eq!(job.release, Some(expected));
    }

    fn page(variables: &[(&str, &str)]) -> Option<JobPage> {
        JobPage::read(|name| {
            let set = variables.iter().find(|(set, _)| *set == name);
            set.map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn each_job_has_the_page_that_people_know_it_by() {
        let azure = page(&YAML).unwrap();
        let github = page(&[
            ("GITHUB_ACTIONS", "true"),
            ("GITHUB_SERVER_URL", "https://github.com"),
            ("GITHUB_REPOSITORY", "acme/shop"),
            ("GITHUB_RUN_ID", "15000000001"),
            ("GITHUB_RUN_NUMBER", "42"),
            ("GITHUB_WORKFLOW", "Smoke tests"),
        ]);
        let jenkins = page(&[
            ("JENKINS_URL", "https://ci.example/"),
            ("BUILD_TAG", "jenkins-shop-12"),
            ("BUILD_URL", "https://user:secret@ci.example/job/shop/12/"),
        ]);

        assert_eq!(azure.name, "build 20260506.3");
        assert_eq!(
            azure.url,
            "https://dev.azure.com/acme/Shop/_build/results?buildId=637"
        );
        assert_eq!(
            github.unwrap(),
            JobPage {
                name: "run 42 of Smoke tests".to_owned(),
                url: "https://github.com/acme/shop/actions/runs/15000000001/attempts/1".to_owned(),
            }
        );
        assert_eq!(jenkins.unwrap().url, "https://ci.example/job/shop/12/");
    }

    #[test]
    fn a_job_that_was_started_for_a_test_run_knows_it() {
        let of = |job: &str, run: &str| {
            test_run_of_job(|name| match name {
                "TF_BUILD" => Some(job.to_owned()),
                "TEST_RUNID" => Some(run.to_owned()),
                _ => None,
            })
        };

        assert_eq!(of("True", "512"), Some(512));
        assert_eq!(of("True", "$(test.RunId)"), None);
        assert_eq!(of("True", "0"), None);
        assert_eq!(of("False", "512"), None);
    }

    #[test]
    fn what_leads_to_no_server_is_no_page() {
        let page = page(&[
            ("JENKINS_URL", "x"),
            ("BUILD_TAG", "x"),
            ("BUILD_URL", "javascript:alert(1)"),
        ]);

        assert_eq!(page, None);
    }

    #[test]
    fn the_own_project_is_known_by_name_and_by_guid() {
        let job = job(&[]).unwrap();
        assert!(job.is_own_project("shop"));
        assert!(job.is_own_project("A54C5FF9-0d8e-4d7f-bd5a-52f10d5b9c11"));
        assert!(!job.is_own_project("Shop 2"));
    }
}
