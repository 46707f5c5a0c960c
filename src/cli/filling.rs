//! The options that name a test run which was begun in Azure DevOps.

use clap::Args;

use crate::cli::error::UsageError;
use crate::discovery::filled_run::{Completion, FilledRun};

/// Options of `kado submit` and `kado exec`.
#[derive(Debug, Args)]
pub(super) struct Filling {
    /// Fill this test run, which was begun in Azure DevOps, in place of a new one
    #[arg(long, value_name = "RUN", value_parser = test_run)]
    into: Option<u32>,
    /// Complete the test run that is filled in the end
    #[arg(long)]
    complete: bool,
}

/// The number of a test run.
fn test_run(text: &str) -> Result<u32, &'static str> {
    const EXPECTED: &str = "must be the number of a test run: in Azure DevOps it stands in the \
                            address of its page, behind `runId=`";

    let run = text.trim().parse().map_err(|_| EXPECTED)?;
    if run == 0 { Err(EXPECTED) } else { Ok(run) }
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
