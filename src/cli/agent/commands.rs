//! The lines that agents take for commands, with every value escaped as they want it (Microsoft
//! Learn, "Logging commands"; GitHub Docs, "Workflow commands"). Pure.

use std::fmt;

use super::outputs::Output;
use crate::cli::plain::plain;

/// A command of Azure Pipelines.
pub(super) enum AzureCommand<'a> {
    /// A variable of the step, for later steps and jobs.
    SetVariable { name: &'a str, value: &'a str },
    /// A warning of the step.
    Warning(&'a str),
    /// A file of Markdown, for the page of the build.
    UploadSummary(&'a str),
}

impl fmt::Display for AzureCommand<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SetVariable { name, value } => write!(
                f,
                "##vso[task.setvariable variable={name};isOutput=true]{}",
                for_azure(value)
            ),
            Self::Warning(text) => {
                write!(f, "##vso[task.logissue type=warning]{}", for_azure(text))
            }
            Self::UploadSummary(path) => {
                write!(f, "##vso[task.uploadsummary]{}", for_azure(path))
            }
        }
    }
}

/// A warning of GitHub Actions.
pub(super) struct GitHubWarning<'a>(pub(super) &'a str);

impl fmt::Display for GitHubWarning<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "::warning title=kado::{}", for_github(self.0))
    }
}

/// The lines of a variable in the file `$GITHUB_OUTPUT`; `mark` is what nobody can guess, so that
/// no value ends it.
pub(super) fn github_output(output: &Output, mark: &str) -> String {
    format!(
        "{}<<kado-{mark}\n{}\nkado-{mark}\n",
        output.name, output.value
    )
}

fn for_azure(value: &str) -> String {
    plain(value)
        .replace('%', "%AZP25")
        .replace(';', "%3B")
        .replace(']', "%5D")
        .replace('\r', "%0D")
        .replace('\n', "%0A")
}

fn for_github(value: &str) -> String {
    plain(value)
        .replace('%', "%25")
        .replace('\r', "%0D")
        .replace('\n', "%0A")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_value_ends_a_command_or_begins_another() {
        let value = "50%;a]b\r\n##vso[task.complete]c\u{1b}[2J";

        let azure = AzureCommand::Warning(value).to_string();
        let github = GitHubWarning(value).to_string();

        assert_eq!(
            azure,
            "##vso[task.logissue type=warning]50%AZP25%3Ba%5Db  ##vso[task.complete%5Dc"
        );
        assert_eq!(
            github,
            "::warning title=kado::50%25;a]b  ##vso[task.complete]c"
        );
    }

    #[test]
    fn a_variable_is_one_that_other_jobs_can_read() {
        let command = AzureCommand::SetVariable {
            name: "kadoRunUrl",
            value: "https://dev.azure.com/a/_b?c=1;d",
        };

        assert_eq!(
            command.to_string(),
            "##vso[task.setvariable variable=kadoRunUrl;isOutput=true]\
             https://dev.azure.com/a/_b?c=1%3Bd"
        );
    }

    #[test]
    fn a_value_of_github_stands_between_marks() {
        let output = Output {
            name: "kadoRunId",
            value: "7".to_owned(),
        };

        assert_eq!(
            github_output(&output, "f00"),
            "kadoRunId<<kado-f00\n7\nkado-f00\n"
        );
    }
}
