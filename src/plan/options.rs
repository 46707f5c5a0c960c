//! The settings in force for one run. They are stored in its snapshot, so that what is changed
//! later does not touch work in flight; the serde names do not change.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::discovery::filled_run::FilledRun;
use crate::katalon::run::FileKind;
use crate::katalon::settings::{ConfigurationRow, SendingRule};
use crate::katalon::status::Status;
use crate::pipeline::{PipelineBuild, RunOrigin};
use crate::plan::automation::AutomationRule;
use crate::plan::katalon_rule::KatalonRule;
use crate::plan::links::{BuildChoice, ReleaseChoice};
use crate::plan::plan_choice::{PlanChoice, RunOfPlan};
use crate::plan::recount::Verify;

/// `submit.give_up_files_after` when nothing says otherwise: a day.
pub(crate) const GIVE_UP_FILES_MS: u64 = 24 * 60 * 60 * 1000;

/// What snapshots of older versions leave open.
const fn give_up_files_ms() -> u64 {
    GIVE_UP_FILES_MS
}

/// Submission settings after all overrides: project, `kado.toml`, options of the run
/// (`plan/overrides.rs`).
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub(crate) struct Options {
    /// URL of the organization or collection; `None` when no setting names one.
    pub server_url: Option<String>,
    /// ADO project, by name or GUID.
    pub project: Option<String>,
    /// The GUID that Katalon stored beside the name: a project that was renamed is found by it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project_guid: Option<String>,
    /// Test plans to submit to, without duplicates. Those that are not named by their id are found
    /// in ADO before the run is planned, and stand here by their id from then on.
    pub plans: Vec<PlanChoice>,
    /// A plan option of the run that is not a plan id; it parks the run instead of falling back to
    /// another plan.
    pub invalid_plan: Option<String>,
    /// Why options of the run's command are not used: others ran at once, and they differ.
    #[serde(default)]
    pub unclear_options: Option<String>,
    /// Why it cannot be told which plan the run was started with; it parks the run.
    #[serde(default)]
    pub unclear_plan: Option<String>,
    /// The plan that a person said the run is to go to, for as long as they say no other.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chosen_plan: Option<ChosenPlan>,
    /// Name of the ADO test run.
    pub run_name: RunName,
    /// ADO's outcome word for each of Katalon's; a status without an entry has its default.
    pub outcomes: BTreeMap<Status, String>,
    /// The test configuration mapping, in file order.
    pub configuration_rows: Vec<ConfigurationRow>,
    /// Whether a test case with several points gets a result for each of them.
    pub multiple_points: bool,
    /// Whether comments of results say what kado remembers of their tests (`submit.history_line`).
    #[serde(default)]
    pub history_line: bool,
    /// Whether ADO's failure type is set where it is certain (`submit.failure_type`).
    #[serde(default)]
    pub failure_type: bool,
    /// When the results of a completed run are read again (`submit.verify`).
    #[serde(default)]
    pub verify: Verify,
    /// Which files are sent.
    pub attachments: AttachmentRule,
    /// How long a file is tried whose upload always breaks off while the server answers everything
    /// else, in milliseconds (`submit.give_up_files_after`).
    #[serde(default = "give_up_files_ms")]
    pub give_up_files_ms: u64,
    /// Whether the ADO run is marked as automated.
    pub automated: bool,
    /// Which build the run is linked with.
    #[serde(default)]
    pub build: Option<BuildChoice>,
    /// Which release the run is linked with.
    #[serde(default)]
    pub release: Option<ReleaseChoice>,
    /// The stage, phase and job of the pipeline that made the run; its build is the linked one.
    #[serde(default)]
    pub pipeline: Option<PipelineBuild>,
    /// The test run that is filled in place of one that kado makes (`--into`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub into: Option<FilledRun>,
    /// Where people find what made the run.
    #[serde(default, skip_serializing_if = "RunOrigin::is_empty")]
    pub origin: RunOrigin,
    /// What becomes of the automation fields of the test cases; `None` leaves them alone.
    #[serde(default)]
    pub automation: Option<AutomationRule>,
    /// Tags of the ADO run.
    #[serde(default)]
    pub tags: Vec<String>,
    /// What test cases without ids mean.
    #[serde(default)]
    pub unmapped: Unmapped,
    /// `azure.api_version` of the project's own file; the machine's is stronger.
    #[serde(default)]
    pub api_version: Option<String>,
    /// Why the project's own file cannot be used; it parks the run.
    #[serde(default)]
    pub invalid_project_file: Option<String>,
    /// Why the project's settings in Katalon cannot be used: their file lacks its end. It parks the
    /// run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cut_settings: Option<String>,
    /// What Katalon's file lacks that may mean that more of it is missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub doubted_settings: Option<String>,
    /// Why a link that an option of the run asks for cannot be looked up: its definition is no id.
    #[serde(default)]
    pub invalid_links: Vec<String>,
    /// What is expected of Katalon's own submission; snapshots of older versions expect nothing.
    #[serde(default)]
    pub katalon: KatalonRule,
}

impl Options {
    /// The test plans whose ids are known, in the order of the settings.
    pub(crate) fn plan_ids(&self) -> Vec<u32> {
        self.plans.iter().filter_map(PlanChoice::id).collect()
    }

    /// Whether ADO has to be asked which test plans are meant.
    pub(crate) fn has_open_plans(&self) -> bool {
        self.plans.iter().any(|choice| choice.id().is_none())
    }

    /// Puts the ids of test plans into the place of what they were called.
    pub(crate) fn settle_plans(&mut self, settled: &[(PlanChoice, u32)]) {
        let mut plans: Vec<PlanChoice> = Vec::new();
        for choice in &self.plans {
            let found = settled.iter().find(|(settled, _)| settled == choice);
            let choice = match found {
                Some((_, id)) => PlanChoice::Id(*id),
                None => choice.clone(),
            };

            // Two entries may mean the same plan, which then gets the run once.
            if !plans.contains(&choice) {
                plans.push(choice);
            }
        }
        self.plans = plans;
    }

    /// Lets the run go to this plan in place of another one, as a person said. That also settles
    /// what was wrong with the plan that the run was started with.
    pub(crate) fn go_to(&mut self, chosen: u32, in_place_of: Option<&PlanChoice>) {
        let plan = PlanChoice::Id(chosen);
        self.plans
            .retain(|choice| *choice != plan && Some(choice) != in_place_of);
        // In front: the first plan that gets a result tells what concerns the run as a whole.
        self.plans.insert(0, plan);
        self.into = None;
        self.chosen_plan = Some(ChosenPlan {
            plan: chosen,
            in_place_of: in_place_of.cloned(),
        });

        self.invalid_plan = None;
        self.unclear_plan = None;
    }

    /// Lets the run fill a test run that is there, as a person said: it goes to the plan of that
    /// one, whatever settings and options say of plans.
    pub(crate) fn fill(&mut self, into: FilledRun) {
        self.plans = vec![PlanChoice::OfRun(RunOfPlan {
            of_test_run: into.run,
        })];
        self.into = Some(into);

        self.invalid_plan = None;
        self.unclear_plan = None;
    }
}

/// A test plan that a person chose for one run (`kado runs retry --plan`).
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(crate) struct ChosenPlan {
    /// Its id.
    pub plan: u32,
    /// What settings and options say in its place, where that is known.
    pub in_place_of: Option<PlanChoice>,
}

/// What test cases without ids mean (`submit.unmapped`).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Unmapped {
    /// They are counted.
    #[default]
    Ignore,
    /// Each is named as something that was left out.
    Fail,
}

/// Name of the ADO test run.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub(crate) struct RunName {
    /// The text as configured.
    pub text: String,
    /// Whether `{suite}` and its like are filled in: only in names from `kado.toml`, because
    /// Katalon knows none.
    pub placeholders: bool,
    /// Whether environment variables are among them.
    #[serde(default)]
    pub environment: bool,
    /// Their values when the snapshot was made; one that must not be shown is missing.
    #[serde(default)]
    pub variables: BTreeMap<String, String>,
}

/// Which files of a run are sent.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(crate) struct AttachmentRule {
    /// The kinds of files; empty sends none.
    pub kinds: Vec<FileKind>,
    /// For which runs.
    pub when: SendingRule,
    /// Largest file in bytes; a larger one is named instead.
    pub max_bytes: u64,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::discovery::filled_run::Completion;
    use crate::katalon::settings::AzureSettings;
    use crate::plan::sample;

    fn named(name: &str) -> PlanChoice {
        PlanChoice::Name(name.to_owned())
    }

    /// Options whose run could not go to these plans.
    fn options(plans: &[PlanChoice]) -> Options {
        let run = sample::run("Smoke", 0, 9000);
        let mut options = sample::snapshot(run, &AzureSettings::default()).options;
        options.plans = plans.to_vec();
        options.invalid_plan = Some("nineteen".to_owned());
        options.unclear_plan = Some("several".to_owned());
        options
    }

    fn says_nothing_of_plans(options: &Options) -> bool {
        options.invalid_plan.is_none() && options.unclear_plan.is_none()
    }

    #[test]
    fn a_plan_is_open_until_its_id_is_known() {
        assert!(options(&[PlanChoice::Id(1), named("Sprint")]).has_open_plans());
        assert!(!options(&[PlanChoice::Id(1), PlanChoice::Id(2)]).has_open_plans());
    }

    #[test]
    fn what_a_plan_was_called_becomes_its_id_in_its_place_and_each_plan_is_there_once() {
        let mut options = options(&[
            named("Sprint"),
            PlanChoice::Id(18),
            named("Open"),
            named("Eighteen"),
        ]);

        options.settle_plans(&[(named("Eighteen"), 18), (named("Sprint"), 20)]);

        assert_eq!(
            options.plans,
            [PlanChoice::Id(20), PlanChoice::Id(18), named("Open")]
        );
    }

    #[test]
    fn a_run_that_a_person_sends_elsewhere_goes_there_first_and_no_more_where_it_went() {
        let mut options = options(&[PlanChoice::Id(1), named("Sprint"), PlanChoice::Id(2)]);
        options.into = Some(FilledRun {
            run: 81,
            completion: Completion::Leave,
        });

        options.go_to(2, Some(&named("Sprint")));

        assert_eq!(options.plans, [PlanChoice::Id(2), PlanChoice::Id(1)]);
        assert_eq!(options.into, None);
        assert!(says_nothing_of_plans(&options));
    }

    #[test]
    fn a_run_that_fills_a_test_run_goes_to_the_plan_of_that_one_alone() {
        let mut options = options(&[PlanChoice::Id(1)]);
        let into = FilledRun {
            run: 81,
            completion: Completion::Complete,
        };

        options.fill(into);

        let of_run = RunOfPlan { of_test_run: 81 };
        assert_eq!(options.plans, [PlanChoice::OfRun(of_run)]);
        assert_eq!(options.into, Some(into));
        assert!(says_nothing_of_plans(&options));
    }
}
