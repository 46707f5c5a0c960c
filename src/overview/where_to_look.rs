//! Where people find in Azure DevOps what kado sent.

/// Said once wherever a run that kado made was just sent: the list of runs hides it from who does
/// not know this. Not of one that kado filled, which may be a manual one.
/// The default filters are the run type *Manual* and the past seven days
/// (`MicrosoftDocs/azure-devops-docs`, `docs/test/test-runs.md`).
pub(crate) const WHERE_TO_LOOK: &str = "Test Plans > Runs in Azure DevOps shows manual runs of the \
    past 7 days at first: set its filter `Run type` to `Automated` to find these there.";
