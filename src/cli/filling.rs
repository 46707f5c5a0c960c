//! The options that name a test run which was begun in Azure DevOps.

use clap::Args;

use crate::cli::error::UsageError;
use crate::discovery::filled_run::{Completion, FilledRun};

/// Options of `kado submit` and `kado exec`.
#[derive(Debug, Args)]
pub(super) struct Filling {
    /// Fill this test run, which was begun in Azure DevOps, in place of a new one
    #[arg(long, value_name = "RUN", value_parser = clap::value_parser!(u32).range(1..))]
    into: Option<u32>,
    /// Complete the test run that is filled in the end
    #[arg(long)]
    complete: bool,
}

impl Filling {
    /// The test run that is filled, if one is: the one that is named, else `of_job`.
    ///
    /// # Errors
    /// When there is none to complete.
    pub(super) fn filled_run(&self, of_job: Option<u32>) -> Result<Option<FilledRun>, UsageError> {
        let completion = if self.complete {
            Completion::Complete
        } else {
            Completion::Leave
        };

        match (self.into.or(of_job), completion) {
            (Some(run), completion) => Ok(Some(FilledRun { run, completion })),
            (None, Completion::Leave) => Ok(None),
            (None, Completion::Complete) => Err(UsageError(
                "`--complete` is for a test run that was begun in Azure DevOps: name it with \
                 `--into RUN`"
                    .to_owned(),
            )),
        }
    }

    /// Whether a run to fill is named.
    pub(super) const fn is_named(&self) -> bool {
        self.into.is_some()
    }

    /// Whether it is completed.
    pub(super) const fn completes(&self) -> bool {
        self.complete
    }
}
