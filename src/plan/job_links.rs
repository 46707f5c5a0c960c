//! Links of a run to the job of Azure Pipelines that made it (product contract, section 3, "Build"
//! and "Release"; a run in a pipeline needs no definition).

use crate::katalon::run::RunOptions;
use crate::pipeline::PipelineJob;
use crate::plan::links::{BuildChoice, BuildLink, ReleaseChoice, ReleaseLink};
use crate::plan::options::Options;
use crate::server::{Server, ServerIdentity};

/// Links a run with the build or release of the job that made it. A definition that the run was
/// started with comes first, those of the settings come after: the job is nearer to the run than
/// they are.
///
/// Gives why there is no link, as a warning of the run.
pub(crate) fn link(options: &mut Options, run: &RunOptions, job: &PipelineJob) -> Option<String> {
    if !goes_to_project_of(options, job) {
        let project = options.project.as_deref().unwrap_or("no project");
        return Some(format!(
            "the run is not linked with the pipeline's job: the job belongs to project {} of {}, \
             the run goes to {project} of {}, and Azure DevOps links within a project only",
            job.project,
            job.collection.trim_end_matches('/'),
            options.server_url.as_deref().unwrap_or("no server")
        ));
    }

    if let Some(build) = &job.build
        && run.build_definition.is_none()
    {
        options.build = Some(BuildChoice::Exactly(BuildLink {
            id: build.id,
            number: build.number.clone(),
        }));

        // Only beside its own build: ADO wants stage, phase and job to be of the build that the run
        // is linked with (`ado/api.md` §5).
        options.pipeline = Some(build.clone());
    }

    if let Some(release) = &job.release
        && run.release_definition.is_none()
    {
        options.release = Some(ReleaseChoice::Exactly(ReleaseLink {
            id: release.id,
            name: release.name.clone(),
            stage_id: release.stage_id,
            stage: release.stage.clone(),
        }));
    }

    None
}

/// Whether the run goes to the job's own project.
fn goes_to_project_of(options: &Options, job: &PipelineJob) -> bool {
    let (Some(server_url), Some(project)) = (&options.server_url, &options.project) else {
        return false;
    };
    let (Some(of_run), Some(of_job)) = (server(server_url), server(&job.collection)) else {
        return false;
    };
    of_run == of_job && job.is_own_project(project)
}

/// The server of a URL, whichever of its names the URL uses.
fn server(url: &str) -> Option<ServerIdentity> {
    let server = Server::parse(url).ok()?;
    Some(server.identity().clone())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::katalon::settings::AzureSettings;
    use crate::pipeline::{PipelineBuild, PipelineRelease};
    use crate::plan::overrides::{Overrides, effective};

    fn options(server: &str, project: &str, run: &RunOptions) -> Options {
        let settings = AzureSettings {
            build_definition: Some(7),
            release_definition: Some(8),
            ..Default::default()
        };
        let overrides = Overrides {
            server_url: Some(server.to_owned()),
            project: Some(project.to_owned()),
            ..Overrides::default()
        };
        effective(&settings, &overrides, run)
    }

    fn job() -> PipelineJob {
        PipelineJob {
            collection: "https://dev.azure.com/acme/".to_owned(),
            project: "Shop".to_owned(),
            project_id: None,
            build: Some(PipelineBuild {
                id: 637,
                number: Some("20260506.3".to_owned()),
                ..PipelineBuild::default()
            }),
            release: None,
        }
    }

    #[test]
    fn the_build_of_the_job_stands_before_that_of_the_settings() {
        let run = RunOptions::default();
        let mut options = options("https://acme.visualstudio.com", "shop", &run);

        assert_eq!(link(&mut options, &run, &job()), None);

        let build = BuildLink {
            id: 637,
            number: Some("20260506.3".to_owned()),
        };
        assert_eq!(options.build, Some(BuildChoice::Exactly(build)));
        assert_eq!(options.pipeline.map(|build| build.id), Some(637));
    }

    #[test]
    fn a_definition_that_the_run_was_started_with_stands_before_the_job() {
        let run = RunOptions {
            build_definition: Some("9".to_owned()),
            ..RunOptions::default()
        };
        let mut options = options("https://dev.azure.com/acme", "Shop", &run);

        assert_eq!(link(&mut options, &run, &job()), None);

        assert_eq!(options.build, Some(BuildChoice::LatestOf(9)));
        assert_eq!(options.pipeline, None);
    }

    #[test]
    fn a_run_of_another_project_or_server_is_not_linked_and_says_so() {
        let elsewhere = [
            ("https://dev.azure.com/acme", "Other"),
            ("https://dev.azure.com/other", "Shop"),
        ];
        for (server, project) in elsewhere {
            let run = RunOptions::default();
            let mut options = options(server, project, &run);

            let warning = link(&mut options, &run, &job()).unwrap();

            assert!(warning.contains(server), "{warning}");
            assert!(warning.contains(project), "{warning}");
            assert_eq!(options.build, Some(BuildChoice::LatestOf(7)));
            assert_eq!(options.pipeline, None);
        }
    }

    #[test]
    fn a_classic_release_links_its_release_and_stage() {
        let run = RunOptions::default();
        let mut options = options("https://dev.azure.com/acme", "Shop", &run);
        let release = PipelineRelease {
            id: 3,
            name: "Release-3".to_owned(),
            stage_id: 9,
            stage: "QA".to_owned(),
        };
        let job = PipelineJob {
            build: None,
            release: Some(release),
            ..job()
        };

        assert_eq!(link(&mut options, &run, &job), None);

        let expected = ReleaseLink {
            id: 3,
            name: "Release-3".to_owned(),
            stage_id: 9,
            stage: "QA".to_owned(),
        };
        assert_eq!(options.release, Some(ReleaseChoice::Exactly(expected)));
    }
}
