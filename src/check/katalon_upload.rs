//! Katalon's own submission: whether both could submit, and what kado saw of it so far.

use crate::check::report::Report;
use crate::config::Config;
use crate::config::project_file::ProjectFile;
use crate::katalon::project::Project;
use crate::katalon::settings::AzureSettings;
use crate::outbox::store::{DoubleSubmission, Extent};
use crate::outbox::{Store, StoreError};
use crate::plan::katalon_rule::UploadHistory;
use crate::plan::katalon_upload::project_key;
use crate::plan::options::Options;
use crate::plan::overrides::{self, KatalonSubmits, Overrides};

/// Name of the check.
const NAME: &str = "Katalon's own submission";

/// Says whether Katalon could submit the same runs, and what was seen; or, where submitting is left
/// to it, whether it does.
pub(super) fn own_submission(
    project: &Project,
    config: &Config,
    options: &Options,
    report: &mut Report,
) {
    let overrides = config.overrides_over(&project.root, &ProjectFile::of(&project.root, config));
    if overrides.katalon_submits == Some(KatalonSubmits::Always) {
        return left_to_katalon(&project.settings, &overrides, report);
    }
    if !overrides::katalon_may_submit(&project.settings, &overrides) {
        return;
    }
    // What cannot be read here is told by the checks of the machine.
    let (known, doubles) = seen(project, config, options).unwrap_or_default();
    let detail = match known.last_upload {
        Some((run, at)) => format!(
            "Katalon submits runs of this project itself: test run {run} was seen at {at}; such runs are recorded and not \
             sent again"
        ),
        None if known.looks_in_vain > 0 => format!(
            "automatic submission is on (autoSubmitTestRun), and none of Katalon's own was found in {} looks",
            known.looks_in_vain
        ),
        None => {
            "Katalon submits the same runs if it has a licence for it (autoSubmitTestRun is on); kado looks for its \
                 test run before it sends"
                .to_owned()
        }
    };
    report.note(
        NAME,
        detail,
        "without that licence set `submit.katalon_submits = \"never\"`; with it, switch automatic submission off in \
         Katalon and on with `submit.auto_submit = true`, or leave it to Katalon with \"always\"",
    );
    if let Some(newest) = doubles.first() {
        tell_of_both(newest, doubles.len(), report);
    }
}

/// Says that both submitted runs; `newest` is the last of so many.
fn tell_of_both(newest: &DoubleSubmission, count: usize, report: &mut Report) {
    let detail = format!(
        "submitted by both: {count} so far, last test run {} by kado and {} by Katalon (run {} of `kado runs`)",
        newest.ado_run_id, newest.katalon_run, newest.submission
    );
    let hint = match newest.extent {
        Extent::Whole => {
            "a longer `submit.katalon_wait` lets Katalon be first; kado deletes no test run"
        }
        Extent::Part => {
            "Katalon's upload broke off, so kado sent the whole run; kado deletes no test run"
        }
    };
    report.note(NAME, detail, hint);
}

/// With `katalon_submits = "always"` the service submits nothing, so Katalon has to.
fn left_to_katalon(settings: &AzureSettings, overrides: &Overrides, report: &mut Report) {
    const WHERE: &str =
        "switch it on in Katalon under Project > Settings > Integrations > Azure DevOps";
    let ours = if overrides::auto_submit(settings, overrides) {
        ""
    } else {
        " and set `submit.auto_submit = true`"
    };
    let (off, way_out) = match (settings.enabled, settings.auto_submit.unwrap_or(true)) {
        (true, true) => {
            let detail = "`submit.katalon_submits` is \"always\": the service lists runs of this project as ignored, and \
                          Katalon submits them if it has a licence for it";
            return report.note(
                NAME,
                detail,
                "without that licence nobody submits: remove the key, kado then does",
            );
        }
        (false, _) => (
            "the integration is switched off (enableIntegration)",
            WHERE.to_owned(),
        ),
        (true, false) => (
            "automatic submission is off (autoSubmitTestRun)",
            format!("{WHERE}; or let kado submit: remove `submit.katalon_submits`{ours}"),
        ),
    };
    let detail =
        format!("nobody submits: `submit.katalon_submits` is \"always\", but in Katalon {off}");
    report.wrong(NAME, detail, way_out);
}

fn seen(
    project: &Project,
    config: &Config,
    options: &Options,
) -> Result<(UploadHistory, Vec<DoubleSubmission>), StoreError> {
    let Ok(Some(store)) = Store::open_to_read(&config.state_dir) else {
        return Ok(Default::default());
    };
    let known = store.katalon_known(&project_key(options, &project.name))?;
    Ok((known, store.doubles(&project.name)?))
}
