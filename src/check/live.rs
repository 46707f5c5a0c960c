//! Whether the suites of a project are shown in Azure DevOps while they run (`submit.live`).

use crate::check::report::Report;
use crate::intake::SubmissionTerms;
use crate::katalon::settings::AzureSettings;
use crate::live::rules::why_not;
use crate::plan::overrides::{self, KatalonSubmits, Overrides};

/// Says of a project that is to be live whether it is, and why not.
pub(super) fn check_live(settings: &AzureSettings, overrides: &Overrides, report: &mut Report) {
    if overrides.live != Some(true) {
        return;
    }

    let terms = SubmissionTerms {
        enabled: settings.enabled,
        lacks_settings: settings.is_missing,
        auto_submit: overrides::auto_submit(settings, overrides),
        left_to_katalon: overrides.katalon_submits == Some(KatalonSubmits::Always),
        katalon_may_submit: overrides::katalon_may_submit(settings, overrides),
        claimed: false,
        live: false,
    };
    match why_not(&terms, overrides) {
        None => report.fine("live", "suites are shown in Azure DevOps while they run"),
        Some(why) => report.note(
            "live",
            format!("`submit.live` has no effect for this project: {why}"),
            why.way_out(),
        ),
    }
}
