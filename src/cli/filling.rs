//! The options that name a test run which was begun in Azure DevOps.

use clap::Args;

use crate::discovery::filled_run::{Completion, FilledRun};

/// Options of `kado submit` and `kado exec`.
#[derive(Debug, Args)]
pub(super) struct Filling {
    /// Fill this test run, which was begun in Azure DevOps, in place of a new one
    #[arg(long, value_name = "RUN", value_parser = clap::value_parser!(u32).range(1..))]
    into: Option<u32>,
    /// Complete the test run of --into in the end
    #[arg(long, requires = "into")]
    complete: bool,
}

impl Filling {
    /// The test run that is filled, if one is.
    pub(super) fn filled_run(&self) -> Option<FilledRun> {
        Some(FilledRun {
            run: self.into?,
            completion: if self.complete {
                Completion::Complete
            } else {
                Completion::Leave
            },
        })
    }

    /// Whether it is completed.
    pub(super) const fn completes(&self) -> bool {
        self.complete
    }
}
