//! What becomes of a run that is over: submitted, listed with a reason, or just remembered.

use serde::{Deserialize, Serialize};

use crate::katalon::run::SuiteRun;
use crate::katalon::run::lifecycle::RunState;
use crate::moment::Moment;

/// Which finished runs the service submits (`history`).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum History {
    /// Those that ended after kado first saw the machine.
    New,
    /// All.
    All,
    /// Those that ended at or after an instant.
    Since(Moment),
}

/// From which machines runs are submitted (`runs_from`).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum RunsFrom {
    /// Only from this one.
    ThisHost,
    /// From any.
    Any,
}

/// The rules of this machine.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Rules {
    /// `history`.
    pub history: History,
    /// `runs_from`.
    pub runs_from: RunsFrom,
    /// `submit_aborted`.
    pub submit_aborted: bool,
    /// When kado first saw this machine.
    pub first_seen: Moment,
    /// Name of this machine.
    pub host: String,
}

/// What is known of a run that is over.
#[derive(Clone, Copy, Debug)]
pub struct Candidate<'a> {
    /// The run.
    pub run: &'a SuiteRun,
    /// Its state; never queued or running.
    pub state: RunState,
    /// Its folder as a path of this machine, with `/`.
    pub folder: &'a str,
    /// `enableIntegration`.
    pub enabled: bool,
    /// Whether automatic submission is on.
    pub auto_submit: bool,
    /// `katalon_submits = "always"`.
    pub left_to_katalon: bool,
}

/// What becomes of a run.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Verdict {
    /// It is submitted.
    Submit,
    /// It is listed as ignored, with the reason and what would change it.
    Ignore(String),
    /// It is remembered so that it is not looked at again, and not listed.
    Remember,
}

/// Folder below `Reports` that holds runs of other machines.
const DOWNLOADED: &str = "/downloaded from katalon testops/";

/// Decides for the service. The order of the questions is the order of what a person would want to hear first.
pub fn decide(candidate: &Candidate<'_>, rules: &Rules) -> Verdict {
    let run = candidate.run;
    if is_history(run, rules) {
        return Verdict::Remember;
    }
    let refused = [
        downloaded(candidate),
        not_enabled(candidate),
        other_host(candidate, rules),
        aborted(candidate, rules),
        not_automatic(candidate),
    ];
    refused.into_iter().flatten().next().map_or(Verdict::Submit, Verdict::Ignore)
}

fn is_history(run: &SuiteRun, rules: &Rules) -> bool {
    let Some(ended) = run.ended.or(run.last_record) else { return false };
    match rules.history {
        History::All => false,
        History::New => ended < rules.first_seen,
        History::Since(instant) => ended < instant,
    }
}

fn downloaded(candidate: &Candidate<'_>) -> Option<String> {
    candidate.folder.to_lowercase().contains(DOWNLOADED).then(|| {
        "downloaded from Katalon TestOps, so it ran elsewhere; `kado submit FOLDER` submits it all the same".to_owned()
    })
}

fn not_enabled(candidate: &Candidate<'_>) -> Option<String> {
    (!candidate.enabled).then(|| {
        "the Azure DevOps integration of this project is switched off; switch it on in Katalon under Project > Settings \
         > Integrations > Azure DevOps"
            .to_owned()
    })
}

fn not_automatic(candidate: &Candidate<'_>) -> Option<String> {
    if candidate.left_to_katalon {
        return Some("left to Katalon's own submission (`submit.katalon_submits = \"always\"`)".to_owned());
    }
    (!candidate.auto_submit).then(|| {
        "automatic submission is off for this project; `submit.auto_submit = true` switches it on, `kado submit FOLDER` \
         submits this run"
            .to_owned()
    })
}

fn aborted(candidate: &Candidate<'_>, rules: &Rules) -> Option<String> {
    (candidate.state == RunState::Aborted && !rules.submit_aborted).then(|| {
        "aborted: the log has no end and Katalon wrote no report; `kado submit FOLDER` submits it, `submit_aborted = \
         true` all such runs"
            .to_owned()
    })
}

fn other_host(candidate: &Candidate<'_>, rules: &Rules) -> Option<String> {
    if rules.runs_from == RunsFrom::Any || ran_here(candidate, rules) {
        return None;
    }
    let host = candidate.run.environment.host.as_deref().unwrap_or("an unnamed machine");
    Some(format!(
        "ran on {host}, this is {}; `runs_from = \"any\"` submits runs of other machines and containers",
        rules.host
    ))
}

fn ran_here(candidate: &Candidate<'_>, rules: &Rules) -> bool {
    let environment = &candidate.run.environment;
    let same_host = environment.host.as_deref().is_some_and(|host| short(host) == short(&rules.host));
    // A recorded folder tells the machine too: nobody else's folder has this path, unless it is not there.
    let same_folder = environment.recorded_folder.as_deref().is_some_and(|recorded| {
        let plain = |path: &str| path.replace('\\', "/").trim_end_matches('/').to_lowercase();
        plain(recorded) == plain(candidate.folder)
    });
    same_host || same_folder
}

/// A host name without its domain and case.
fn short(host: &str) -> String {
    host.trim().split('.').next().unwrap_or_default().to_lowercase()
}
