//! What becomes of a run that is over: submitted, listed with a reason, or just remembered.
//!
//! Each reason names the setting or the command that would change it.

use serde::{Deserialize, Serialize};

use crate::katalon::run::lifecycle::RunState;
use crate::katalon::run::{Environment, SuiteRun};
use crate::katalon::settings::FILE as SETTINGS;
use crate::moment::Moment;

/// Which finished runs the service submits (`history`).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum History {
    /// Those that ended after kado first saw the machine.
    New,
    /// All.
    All,
    /// Those that ended at or after an instant.
    Since(Moment),
}

impl History {
    /// When the history begins; `None` when all runs count. `first_seen` is when kado first saw
    /// this machine.
    pub(crate) fn begin(self, first_seen: Moment) -> Option<Moment> {
        match self {
            Self::All => None,
            Self::New => Some(first_seen),
            Self::Since(instant) => Some(instant),
        }
    }
}

/// From which machines runs are submitted (`runs_from`).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum RunsFrom {
    /// Only from this one.
    ThisHost,
    /// From any.
    Any,
}

/// The rules of this machine.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Rules {
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
pub(crate) struct RunToJudge<'a> {
    /// The run.
    pub run: &'a SuiteRun,
    /// Its state; never queued or running.
    pub state: RunState,
    /// Its folder as a path of this machine, with `/`.
    pub folder: &'a str,
    /// `enableIntegration`.
    pub enabled: bool,
    /// Whether there is no file of settings that would say it.
    pub lacks_settings: bool,
    /// Whether automatic submission is on.
    pub auto_submit: bool,
    /// `katalon_submits = "always"`.
    pub left_to_katalon: bool,
    /// Whether `kado exec` started it, so that it is submitted as on a person's command.
    pub claimed: bool,
}

/// What becomes of a run.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(crate) enum Eligibility {
    /// It is submitted.
    Submit,
    /// It is listed as ignored, with the reason and what would change it.
    Ignore(String),
    /// It is remembered so that it is not looked at again, and not listed.
    Remember,
}

/// Folder below `Reports` that holds runs of other machines.
const DOWNLOADED: &str = "/downloaded from katalon testops/";
/// What the integration takes, beside other settings.
const SWITCHED_ON: &str = "the integration switched on in Katalon (Project > Settings > \
                           Integrations > Azure DevOps)";

/// Something that keeps a run from being submitted.
struct Hindrance {
    /// What it is.
    what: String,
    /// What a person may do, where it is the only one.
    way_out: &'static str,
    mend: Mend,
}

/// What takes a hindrance away.
enum Mend {
    /// The integration, switched on in Katalon. It alone hinders `kado submit` as well.
    Integration,
    /// A setting of kado; or `kado submit` for the one run.
    Setting(&'static str),
    /// Nothing but `kado submit`.
    OnlyCommand,
}

impl Mend {
    /// What a person has to set; `None` where nothing helps that is set.
    const fn setting(&self) -> Option<&'static str> {
        match self {
            Self::Integration => Some(SWITCHED_ON),
            Self::Setting(setting) => Some(setting),
            Self::OnlyCommand => None,
        }
    }
}

/// Decides for the service.
pub(crate) fn decide(run: &RunToJudge<'_>, rules: &Rules) -> Eligibility {
    if !run.claimed && history(run, rules).is_some() {
        return Eligibility::Remember;
    }

    match why_left_out(run, rules) {
        Some(reason) => Eligibility::Ignore(reason),
        None => Eligibility::Submit,
    }
}

/// Why the service leaves a run out, with what would change that: everything that is in the way, so
/// that nobody follows an advice that does not help by itself. `None` when it is submitted.
pub(crate) fn why_left_out(run: &RunToJudge<'_>, rules: &Rules) -> Option<String> {
    let mut hindrances = Vec::new();

    // In the order of what a person would want to hear first.
    if !run.claimed {
        hindrances.extend(downloaded(run));
    }
    hindrances.extend(not_enabled(run));

    // What a person started with `kado exec` is asked for, wherever and whenever it ran.
    if !run.claimed {
        hindrances.extend(history(run, rules));
        hindrances.extend(other_host(run, rules));
    }
    hindrances.extend(aborted(run, rules));
    hindrances.extend(left_to_katalon(run));
    if !run.claimed {
        hindrances.extend(not_automatic(run));
    }

    // Where only the command helps, what it does not mind is of no interest.
    if hindrances
        .iter()
        .any(|hindrance| matches!(hindrance.mend, Mend::OnlyCommand))
    {
        hindrances.retain(|hindrance| !matches!(hindrance.mend, Mend::Setting(_)));
    }
    in_words(&hindrances)
}

/// All that is in the way, and what it takes together.
fn in_words(hindrances: &[Hindrance]) -> Option<String> {
    let (first, others) = hindrances.split_first()?;
    if others.is_empty() {
        return Some(format!("{}; {}", first.what, first.way_out));
    }

    let all: Vec<&str> = hindrances
        .iter()
        .map(|hindrance| hindrance.what.as_str())
        .collect();
    let settings: Vec<&str> = hindrances
        .iter()
        .filter_map(|hindrance| hindrance.mend.setting())
        .collect();

    let is_off = hindrances
        .iter()
        .any(|hindrance| matches!(hindrance.mend, Mend::Integration));
    let takes = match (settings.as_slice(), is_off) {
        ([only], true) => format!("it takes {only}, and then `kado submit FOLDER`"),
        (_, true) => format!("it takes {} together", settings.join(" and ")),
        (_, false) => format!(
            "it takes {} together, or `kado submit FOLDER` for this run",
            settings.join(" and ")
        ),
    };
    Some(format!("{}; {takes}", all.join("; besides, ")))
}

/// A run that lies before the history; one whose log has no record of any time does not.
fn history(run: &RunToJudge<'_>, rules: &Rules) -> Option<Hindrance> {
    let ended = run.run.ended.or(run.run.last_record)?;
    let begin = rules.history.begin(rules.first_seen)?;
    (ended < begin).then(|| Hindrance {
        what: format!("ended before the history begins, which is {begin}"),
        way_out: "`history = \"all\"` or an earlier instant submits such runs, `kado submit FOLDER` \
                  this one",
        mend: Mend::Setting("`history = \"all\"` or an earlier instant"),
    })
}

fn downloaded(run: &RunToJudge<'_>) -> Option<Hindrance> {
    run.folder
        .to_lowercase()
        .contains(DOWNLOADED)
        .then(|| Hindrance {
            what: "downloaded from Katalon TestOps, so it ran elsewhere".to_owned(),
            way_out: "`kado submit FOLDER` submits it all the same",
            mend: Mend::OnlyCommand,
        })
}

fn not_enabled(run: &RunToJudge<'_>) -> Option<Hindrance> {
    if run.enabled {
        return None;
    }

    let (what, way_out) = if run.lacks_settings {
        (
            format!("the project has no Azure DevOps settings, because `{SETTINGS}` is missing"),
            "`kado setup PROJECT` writes it, and so does Katalon under Project > Settings > \
             Integrations > Azure DevOps; where the project is checked out it has to be in the \
             repository",
        )
    } else {
        (
            "the Azure DevOps integration of this project is switched off".to_owned(),
            "switch it on in Katalon under Project > Settings > Integrations > Azure DevOps",
        )
    };
    Some(Hindrance {
        what,
        way_out,
        mend: Mend::Integration,
    })
}

fn left_to_katalon(run: &RunToJudge<'_>) -> Option<Hindrance> {
    run.left_to_katalon.then(|| Hindrance {
        what: "left to Katalon's own submission (`submit.katalon_submits = \"always\"`)".to_owned(),
        way_out: "`kado submit FOLDER` submits this run if Katalon did not",
        mend: Mend::Setting("`submit.katalon_submits = \"detect\"`"),
    })
}

fn not_automatic(run: &RunToJudge<'_>) -> Option<Hindrance> {
    (!run.auto_submit).then(|| Hindrance {
        what: "automatic submission is off for this project".to_owned(),
        way_out: "`submit.auto_submit = true` switches it on, `kado submit FOLDER` submits this run",
        mend: Mend::Setting("`submit.auto_submit = true`"),
    })
}

fn aborted(run: &RunToJudge<'_>, rules: &Rules) -> Option<Hindrance> {
    // Katalon leaves such runs out as well: of a terminated run its launcher makes no report and
    // uploads nothing.
    (run.state == RunState::Aborted && !rules.submit_aborted).then(|| Hindrance {
        what: "aborted: the log has no end and Katalon wrote no report".to_owned(),
        way_out: "`kado submit FOLDER` submits it, `submit_aborted = true` all such runs",
        mend: Mend::Setting("`submit_aborted = true`"),
    })
}

fn other_host(run: &RunToJudge<'_>, rules: &Rules) -> Option<Hindrance> {
    if rules.runs_from == RunsFrom::Any || ran_here(run.run, run.folder, &rules.host) {
        return None;
    }

    let host = run
        .run
        .environment
        .machine()
        .unwrap_or("an unnamed machine");
    Some(Hindrance {
        what: format!("ran on {host}, this is {}", rules.host),
        way_out: "`runs_from = \"any\"` submits runs of other machines and containers",
        mend: Mend::Setting("`runs_from = \"any\"`"),
    })
}

/// Whether a run ran on this machine, whose name is `host`; `folder` is where it lies, with `/`.
pub(crate) fn ran_here(run: &SuiteRun, folder: &str, host: &str) -> bool {
    // A name such as `localhost` or an address says nothing about which machine it was.
    let environment = &run.environment;
    if let Some(machine) = environment.machine()
        && !is_anybody(machine)
        && short(machine) == short(host)
    {
        return true;
    }

    // A recorded folder names the machine too: nobody else's folder has this path, unless it is not
    // there.
    match &environment.recorded_folder {
        Some(recorded) => comparable(recorded) == comparable(folder),
        None => false,
    }
}

/// Whether a run whose log names this machine may have run on the one whose name is `host`.
pub(crate) fn may_have_run_here(named: &str, host: &str) -> bool {
    let environment = Environment {
        host: Some(named.to_owned()),
        ..Environment::default()
    };
    let machine = environment.machine().unwrap_or_default();
    is_anybody(machine) || short(machine) == short(host)
}

/// A path as it compares on Windows, which is where folders are recorded in several spellings.
fn comparable(path: &str) -> String {
    path.replace('\\', "/").trim_end_matches('/').to_lowercase()
}

/// Whether a host name is what every machine may call itself.
fn is_anybody(name: &str) -> bool {
    name.parse::<std::net::IpAddr>().is_ok() || matches!(short(name).as_str(), "localhost" | "")
}

/// A host name without its domain and case.
fn short(host: &str) -> String {
    // The log has what Java takes for the machine's name, which has a domain on some machines only.
    let name = match host.trim().split_once('.') {
        Some((name, _domain)) => name,
        None => host.trim(),
    };
    name.to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::katalon::sample;

    fn run(host: &str, folder: &str, ended: i64) -> SuiteRun {
        let mut run = sample::run("A", 0, ended);
        run.environment.host = Some(host.to_owned());
        run.environment.recorded_folder = Some(folder.to_owned());
        run
    }

    fn to_judge(run: &SuiteRun) -> RunToJudge<'_> {
        RunToJudge {
            run,
            state: RunState::Finished,
            folder: "C:/agent/Shop/Reports/1/A/1",
            enabled: true,
            lacks_settings: false,
            auto_submit: true,
            left_to_katalon: false,
            claimed: false,
        }
    }

    fn rules() -> Rules {
        Rules {
            history: History::New,
            runs_from: RunsFrom::ThisHost,
            submit_aborted: false,
            first_seen: Moment::from_millis(100),
            host: "Agent-7".to_owned(),
        }
    }

    fn reason(run: &RunToJudge<'_>, rules: &Rules) -> String {
        match decide(run, rules) {
            Eligibility::Ignore(reason) => reason,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_run_of_this_machine_is_submitted_whatever_user_domain_or_case_its_name_has() {
        for host in ["agent-7", "jo - AGENT-7", "jo - agent-7.corp.example"] {
            assert_eq!(
                decide(&to_judge(&run(host, "", 200)), &rules()),
                Eligibility::Submit,
                "{host}"
            );
        }
    }

    #[test]
    fn a_run_is_of_this_machine_too_when_it_recorded_this_folder() {
        let run = run("jo - localhost", "c:\\agent\\Shop\\Reports\\1\\A\\1\\", 200);
        assert_eq!(decide(&to_judge(&run), &rules()), Eligibility::Submit);
    }

    #[test]
    fn a_run_of_another_machine_is_ignored_with_the_setting_that_changes_it() {
        let localhost = Rules {
            host: "localhost".to_owned(),
            ..rules()
        };

        for (host, rules) in [
            ("jo - PC2", &rules()),
            ("jo - localhost", &localhost),
            ("jo - 10.0.0.1", &rules()),
        ] {
            let reason = reason(&to_judge(&run(host, "/elsewhere", 200)), rules);
            assert!(reason.contains("runs_from = \"any\""), "{reason}");
        }

        let any = Rules {
            runs_from: RunsFrom::Any,
            ..rules()
        };
        assert_eq!(
            decide(&to_judge(&run("jo - PC2", "", 200)), &any),
            Eligibility::Submit
        );
    }

    #[test]
    fn runs_before_the_history_are_remembered_and_not_listed() {
        let old = run("agent-7", "", 99);
        assert_eq!(decide(&to_judge(&old), &rules()), Eligibility::Remember);
        let all = Rules {
            history: History::All,
            ..rules()
        };
        assert_eq!(decide(&to_judge(&old), &all), Eligibility::Submit);
        let since = Rules {
            history: History::Since(Moment::from_millis(99)),
            ..rules()
        };
        assert_eq!(decide(&to_judge(&old), &since), Eligibility::Submit);
    }

    #[test]
    fn downloaded_runs_are_never_submitted_by_the_service() {
        let run = run("agent-7", "", 200);
        let folder = "C:/Shop/Reports/Downloaded From Katalon TestOps/1_2/A/1";
        let any = Rules {
            runs_from: RunsFrom::Any,
            ..rules()
        };

        let downloaded = RunToJudge {
            folder,
            ..to_judge(&run)
        };
        assert!(reason(&downloaded, &any).contains("TestOps"));
    }

    #[test]
    fn what_is_switched_off_or_aborted_is_listed_with_the_way_to_change_it() {
        let run = run("agent-7", "", 200);
        let disabled = RunToJudge {
            enabled: false,
            ..to_judge(&run)
        };
        let manual = RunToJudge {
            auto_submit: false,
            ..to_judge(&run)
        };
        let left = RunToJudge {
            left_to_katalon: true,
            ..to_judge(&run)
        };
        let aborted = RunToJudge {
            state: RunState::Aborted,
            ..to_judge(&run)
        };

        assert!(reason(&disabled, &rules()).contains("switched off"));
        assert!(reason(&manual, &rules()).contains("submit.auto_submit"));
        assert!(reason(&left, &rules()).contains("katalon_submits"));
        assert!(reason(&aborted, &rules()).contains("submit_aborted"));

        let with_aborted = Rules {
            submit_aborted: true,
            ..rules()
        };
        assert_eq!(decide(&aborted, &with_aborted), Eligibility::Submit);
    }

    #[test]
    fn a_run_that_kado_exec_started_is_submitted_whatever_history_host_and_automatic_submission_say()
     {
        let run = run("jo - PC2", "/elsewhere", 99);
        let claimed = RunToJudge {
            claimed: true,
            auto_submit: false,
            ..to_judge(&run)
        };
        assert_eq!(decide(&claimed, &rules()), Eligibility::Submit);

        let disabled = RunToJudge {
            enabled: false,
            ..claimed
        };
        let aborted = RunToJudge {
            state: RunState::Aborted,
            ..claimed
        };
        let left = RunToJudge {
            left_to_katalon: true,
            ..claimed
        };
        assert!(reason(&disabled, &rules()).contains("switched off"));
        assert!(reason(&aborted, &rules()).contains("submit_aborted"));
        assert!(reason(&left, &rules()).contains("katalon_submits"));
    }

    #[test]
    fn of_several_hindrances_no_advice_is_given_that_does_not_help_by_itself() {
        let elsewhere = run("jo - PC2", "/elsewhere", 99);
        let two = RunToJudge {
            auto_submit: false,
            ..to_judge(&elsewhere)
        };
        let all = Rules {
            history: History::All,
            ..rules()
        };
        assert_eq!(
            reason(&two, &all),
            "ran on PC2, this is Agent-7; besides, automatic submission is off for this project; it \
             takes `runs_from = \"any\"` and `submit.auto_submit = true` together, or `kado submit \
             FOLDER` for this run"
        );

        let off = RunToJudge {
            enabled: false,
            ..two
        };
        let reason = why_left_out(&off, &rules()).unwrap();
        assert!(!reason.contains("kado submit"), "{reason}");
        for setting in [
            "switched on",
            "`history",
            "`runs_from",
            "`submit.auto_submit",
        ] {
            assert!(reason.contains(setting), "{reason}");
        }
    }

    #[test]
    fn of_what_was_downloaded_nothing_is_said_but_what_keeps_the_command_from_submitting_it() {
        let run = run("jo - PC2", "/elsewhere", 200);
        let downloaded = RunToJudge {
            folder: "C:/Shop/Reports/Downloaded From Katalon TestOps/1_2/A/1",
            enabled: false,
            auto_submit: false,
            ..to_judge(&run)
        };

        let reason = reason(&downloaded, &rules());

        assert!(
            reason.ends_with("and then `kado submit FOLDER`"),
            "{reason}"
        );
        assert!(!reason.contains("runs_from"), "{reason}");
    }
}
