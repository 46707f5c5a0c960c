//! Katalon's own upload: whether both could submit, and what kado saw of it so far.

use crate::check::report::Report;
use crate::config::Config;
use crate::katalon::project::Project;
use crate::katalon::settings::AzureSettings;
use crate::outbox::store::{DoubleSubmission, Overlap};
use crate::outbox::{Store, StoreError};
use crate::plan::katalon_rule::UploadHistory;
use crate::plan::katalon_upload::project_key;
use crate::plan::options::Options;
use crate::plan::overrides::{self, KatalonSubmits, Overrides};
use crate::plural::counted;

/// Name of the check.
const NAME: &str = "Katalon's own submission";

/// Says whether Katalon could submit the same runs, and what was seen of that; or, where submitting
/// is left to Katalon, whether it does.
pub(super) fn check_katalon_upload(
    project: &Project,
    config: &Config,
    overrides: &Overrides,
    options: &Options,
    report: &mut Report,
) {
    if overrides.katalon_submits == Some(KatalonSubmits::Always) {
        return check_left_to_katalon(&project.settings, overrides, report);
    }
    if !overrides::katalon_may_submit(&project.settings, overrides) {
        return;
    }

    // An outbox that cannot be read is reported by the checks of the machine.
    let history = history(project, config, options).unwrap_or_default();
    let detail = match history.known.last_upload {
        Some((run, at)) => format!(
            "Katalon submits runs of this project itself: test run {run} was seen at {at}; such \
             runs are recorded and not sent again"
        ),
        None if history.known.looks_in_vain > 0 => format!(
            "automatic submission is on (autoSubmitTestRun), but kado looked for Katalon's test run \
             after {} and found none",
            counted(history.known.looks_in_vain, "run")
        ),
        None => "Katalon submits the same runs if it has a licence for it (autoSubmitTestRun is \
                 on); kado looks for its test run before it sends"
            .to_owned(),
    };

    // Never more than a note: no file of a project says whether its Katalon has the licence.
    report.note(
        NAME,
        detail,
        "without that licence set `submit.katalon_submits = \"never\"`; with it, switch automatic \
         submission off in Katalon and on with `submit.auto_submit = true`, or leave it to Katalon \
         with \"always\"",
    );

    if let Some(newest) = history.doubles.first() {
        note_doubles(newest, history.doubles.len(), report);
    }
}

/// Says that both submitted runs; `newest` is the last of so many.
fn note_doubles(newest: &DoubleSubmission, count: usize, report: &mut Report) {
    let detail = format!(
        "submitted by both: {count} so far, last test run {} by kado and {} by Katalon (run {} of \
         `kado runs`)",
        newest.ado_run_id, newest.katalon_run, newest.submission
    );
    let hint = match newest.extent {
        Overlap::Whole => {
            "a longer `submit.katalon_wait` lets Katalon be first; kado deletes no test run"
        }
        Overlap::Part => {
            "Katalon's upload broke off, so kado sent the whole run; kado deletes no test run"
        }
    };

    report.note(NAME, detail, hint);
}

/// With `katalon_submits = "always"` the service submits nothing, so Katalon has to.
pub(super) fn check_left_to_katalon(
    settings: &AzureSettings,
    overrides: &Overrides,
    report: &mut Report,
) {
    const SWITCH_ON: &str =
        "switch it on in Katalon under Project > Settings > Integrations > Azure DevOps";

    if !settings.enabled {
        return nobody_submits(
            "the integration is switched off (enableIntegration)",
            SWITCH_ON.to_owned(),
            report,
        );
    }

    // Katalon's default where the file does not hold the key.
    let katalon_submits = settings.auto_submit.unwrap_or(true);
    if !katalon_submits {
        let and_switch_on = if overrides::auto_submit(settings, overrides) {
            ""
        } else {
            " and set `submit.auto_submit = true`"
        };

        return nobody_submits(
            "automatic submission is off (autoSubmitTestRun)",
            format!(
                "{SWITCH_ON}; or let kado submit: remove `submit.katalon_submits`{and_switch_on}"
            ),
            report,
        );
    }

    report.note(
        NAME,
        "`submit.katalon_submits` is \"always\": the service lists runs of this project as \
         ignored, and Katalon submits them if it has a licence for it",
        "without that licence nobody submits: remove the key, then kado does",
    );
}

fn nobody_submits(why: &str, way_out: String, report: &mut Report) {
    report.wrong(
        NAME,
        format!("nobody submits: `submit.katalon_submits` is \"always\", but in Katalon {why}"),
        way_out,
    );
}

/// What kado saw of Katalon's uploads in a project.
#[derive(Default)]
struct UploadsSeen {
    known: UploadHistory,
    /// Runs that both submitted, the newest first.
    doubles: Vec<DoubleSubmission>,
}

fn history(
    project: &Project,
    config: &Config,
    options: &Options,
) -> Result<UploadsSeen, StoreError> {
    // Opened for reading only: a check makes no outbox, and the service may be writing to it.
    let Ok(Some(store)) = Store::open_to_read(&config.state_dir) else {
        return Ok(UploadsSeen::default());
    };

    Ok(UploadsSeen {
        known: store.katalon_known(&project_key(options, &project.name))?,
        doubles: store.doubles(&project.name)?,
    })
}
