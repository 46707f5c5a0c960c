//! What a command tells the agent of the pipeline that it runs in, so that later steps and people
//! find the test runs: variables, a summary as Markdown, and warnings for what is missing.
//!
//! Azure Pipelines takes commands from lines of the step, of standard error as well as of standard
//! output: its tasks write both to where it reads, and so does GitHub's runner. Everything goes to
//! standard error, so that a document of `--json` stays one. GitHub takes variables and the summary
//! from files. Jenkins has no way of its own that needs no plug-in; it gets nothing.
//!
//! Where the agent cannot be told, that is said, and the command ends as it would have.

#![expect(
    clippy::disallowed_methods,
    reason = "agents are told through their variables and files"
)]

mod commands;
mod outputs;
mod summary;

use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use aws_lc_rs::rand;

use crate::cli::output::command;
use crate::cli::tell::tell as say;
use crate::outbox::submission::SubmissionSummary;
use crate::pipeline::JobAgent;

use commands::{AzureCommand, GitHubWarning};
use outputs::Output;

/// Most warnings of one command: Azure Pipelines shows ten of a step, and so does GitHub.
const WARNINGS: usize = 10;

/// A variable of the environment, where it is a text.
pub(super) fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// Tells the agent what became of these submissions, and what went wrong beside them. Does nothing
/// outside of a pipeline.
pub(super) fn tell(rows: &[SubmissionSummary], problems: &[String]) {
    let told = match JobAgent::read(variable) {
        Some(JobAgent::AzurePipelines) => tell_azure_pipelines(rows, problems),
        Some(JobAgent::GitHubActions) => tell_github(rows, problems),
        Some(JobAgent::Jenkins) | None => Ok(()),
    };

    if let Err(error) = told {
        say(&format!(
            "kado: the pipeline's agent cannot be told of the test runs: {error}"
        ));
    }
}

/// Why an agent cannot be told.
#[derive(Debug, thiserror::Error)]
enum UntoldError {
    #[error("`{path}`: {error}")]
    File { path: PathBuf, error: io::Error },
}

fn tell_azure_pipelines(
    rows: &[SubmissionSummary],
    problems: &[String],
) -> Result<(), UntoldError> {
    for Output { name, value } in outputs::of(rows, problems) {
        command(
            &AzureCommand::SetVariable {
                name,
                value: &value,
            }
            .to_string(),
        );
    }
    for warning in summary::warnings(rows, problems, WARNINGS) {
        command(&AzureCommand::Warning(&warning).to_string());
    }

    // The agent takes the file when the step is over, and empties this folder after the job.
    let Some(folder) = variable("AGENT_TEMPDIRECTORY") else {
        return Ok(());
    };
    let file = Path::new(&folder).join(format!("kado-{}.md", &random()[..8]));
    append(&file, &summary::markdown(rows, problems))?;
    command(&AzureCommand::UploadSummary(&file.to_string_lossy()).to_string());
    Ok(())
}

fn tell_github(rows: &[SubmissionSummary], problems: &[String]) -> Result<(), UntoldError> {
    for warning in summary::warnings(rows, problems, WARNINGS) {
        command(&GitHubWarning(&warning).to_string());
    }

    let mut written = Ok(());
    if let Some(file) = variable("GITHUB_OUTPUT") {
        let mut lines = String::new();
        for output in outputs::of(rows, problems) {
            lines.push_str(&commands::github_output(&output, &random()));
        }
        written = append(Path::new(&file), &lines);
    }

    // One that cannot be written does not cost the other.
    if let Some(file) = variable("GITHUB_STEP_SUMMARY") {
        let summarized = append(Path::new(&file), &summary::markdown(rows, problems));
        written = written.and(summarized);
    }
    written
}

fn append(path: &Path, text: &str) -> Result<(), UntoldError> {
    let file = OpenOptions::new().append(true).create(true).open(path);
    file.and_then(|mut file| file.write_all(text.as_bytes()))
        .map_err(|error| UntoldError::File {
            path: path.to_owned(),
            error,
        })
}

/// A text that nobody can guess, as letters and digits.
fn random() -> String {
    let mut bytes = [0; 16];
    // Without randomness no connection can be made either.
    rand::fill(&mut bytes).expect("the system gives random bytes");
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
