//! Which settings are in force for a run: the project's, overridden by `kado.toml`, overridden by
//! the `ado*` options given to katalonc (product contract, section 3).

use std::collections::BTreeMap;
use std::time::Duration;

use crate::katalon::run::{FileKind, RunOptions};
use crate::katalon::settings::{AzureSettings, SendingRule};
use crate::plan::automation::AutomationRule;
use crate::plan::katalon_rule::{DEFAULT_WAIT, KatalonRule};
use crate::plan::links::{BuildChoice, ReleaseChoice};
use crate::plan::options::{AttachmentRule, Options, RunName, Unmapped};
use crate::plan::run_name::{self, NamePattern};

/// Largest attachment in bytes when nothing says otherwise: what the Microsoft agent keeps to
/// (`ado/api.md` §7).
pub(crate) const DEFAULT_MAX_ATTACHMENT: u64 = 75 * 1024 * 1024;

/// Kinds that are sent when the project names none.
const DEFAULT_KINDS: [FileKind; 4] = [FileKind::Log, FileKind::Png, FileKind::Html, FileKind::Pdf];

/// What `kado.toml` overrides for a project; `None` leaves the project's own setting.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct Overrides {
    /// `azure.server_url`.
    pub server_url: Option<String>,
    /// `azure.project`.
    pub project: Option<String>,
    /// `azure.automated`.
    pub automated: Option<bool>,
    /// `azure.max_attachment`, in bytes.
    pub max_attachment: Option<u64>,
    /// `submit.auto_submit`.
    pub auto_submit: Option<bool>,
    /// `submit.katalon_submits`.
    pub katalon_submits: Option<KatalonSubmits>,
    /// `submit.katalon_wait`.
    pub katalon_wait: Option<Duration>,
    /// `submit.collections`.
    pub collections: Option<Collections>,
    /// `submit.test_plans`.
    pub test_plans: Option<Vec<u32>>,
    /// `submit.test_run_name`, with placeholders.
    pub test_run_name: Option<NamePattern>,
    /// `submit.tags`.
    pub tags: Option<Vec<String>>,
    /// `submit.unmapped`.
    pub unmapped: Option<Unmapped>,
    /// `submit.build_definition`.
    pub build_definition: Option<Definition>,
    /// `submit.release_definition`.
    pub release_definition: Option<Definition>,
    /// `submit.release_stage`.
    pub release_stage: Option<String>,
    /// `submit.automation_fields`.
    pub automation: Option<AutomationChoice>,
    /// `submit.attachments`; an empty list sends none.
    pub attachments: Option<Vec<FileKind>>,
    /// `submit.attach`.
    pub attach: Option<SendingRule>,
    /// `submit.multiple_points`.
    pub multiple_points: Option<bool>,
}

/// What becomes of the automation fields of test cases.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum AutomationChoice {
    /// They are left alone.
    Off,
    /// They are set by this rule.
    On(AutomationRule),
}

/// A pipeline definition to link runs with.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Definition {
    /// Katalon's −1: no link.
    None,
    /// The definition of this id.
    Of(u32),
}

/// What kado expects of Katalon's own, licensed submission (`submit.katalon_submits`).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) enum KatalonSubmits {
    /// Katalon may submit by itself.
    #[default]
    Detect,
    /// It never does.
    Never,
    /// It always does; kado only records.
    Always,
}

/// What a test suite collection becomes in ADO (`submit.collections`).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) enum Collections {
    /// A test run for each member, as Katalon makes them.
    #[default]
    Each,
    /// One test run for the whole, when the collection has ended.
    One,
}

/// The settings in force for one run.
pub(crate) fn effective(
    settings: &AzureSettings,
    overrides: &Overrides,
    run: &RunOptions,
) -> Options {
    let (plans, invalid_plan) = plans(settings, overrides, run);
    let mut invalid_links = Vec::new();
    let mut definition = |what, option: &Option<String>, ours, theirs| {
        definition(option.as_deref(), ours, theirs).unwrap_or_else(|text| {
            invalid_links.push(format!(
                "the run was started with the {what} definition `{text}`, which is not an id"
            ));
            None
        })
    };
    let build = definition(
        "build",
        &run.build_definition,
        overrides.build_definition,
        settings.build_definition,
    );
    let release = definition(
        "release",
        &run.release_definition,
        overrides.release_definition,
        settings.release_definition,
    );
    Options {
        server_url: overrides
            .server_url
            .clone()
            .or_else(|| settings.server_url.clone()),
        project: overrides.project.clone().or_else(|| {
            settings
                .project
                .as_ref()
                .map(|project| project.name.clone())
        }),
        plans,
        invalid_plan,
        unclear_options: None,
        unclear_plan: None,
        run_name: run_name(settings, overrides, run),
        outcomes: settings
            .status_mappings
            .iter()
            .cloned()
            .collect::<BTreeMap<_, _>>(),
        configuration_rows: settings.configuration_rows.clone(),
        multiple_points: overrides
            .multiple_points
            .or(settings.multiple_points)
            .unwrap_or(false),
        attachments: attachments(settings, overrides),
        automated: overrides.automated.unwrap_or(true),
        build: build.map(BuildChoice::LatestOf),
        release: release.map(|definition| ReleaseChoice::LatestOf {
            definition,
            stage: overrides.release_stage.clone(),
        }),
        pipeline: None,
        automation: automation(settings, overrides),
        invalid_links,
        tags: overrides.tags.clone().unwrap_or_default(),
        unmapped: overrides.unmapped.unwrap_or_default(),
        api_version: None,
        invalid_project_file: None,
        katalon: katalon(settings, overrides, run),
    }
}

fn katalon(settings: &AzureSettings, overrides: &Overrides, run: &RunOptions) -> KatalonRule {
    let own_name = run
        .run_name
        .as_deref()
        .or(settings.test_run_name.as_deref())
        .unwrap_or(run_name::DEFAULT);
    let wait = overrides.katalon_wait.unwrap_or(DEFAULT_WAIT);
    KatalonRule {
        // A person may upload a run by hand, so it is looked for even where Katalon does not submit
        // by itself; and one that is left to Katalon is sent on a person's word, in case Katalon
        // failed.
        look: overrides.katalon_submits != Some(KatalonSubmits::Never),
        expected: katalon_may_submit(settings, overrides),
        run_name: own_name.to_owned(),
        wait_ms: u64::try_from(wait.as_millis()).unwrap_or(u64::MAX),
    }
}

/// Whether runs are submitted without a person's command: `autoSubmitTestRun`, which is on by
/// default.
pub(crate) fn auto_submit(settings: &AzureSettings, overrides: &Overrides) -> bool {
    overrides
        .auto_submit
        .or(settings.auto_submit)
        .unwrap_or(true)
}

/// Whether Katalon itself may submit the runs of this project as well, so that both would.
pub(crate) fn katalon_may_submit(settings: &AzureSettings, overrides: &Overrides) -> bool {
    settings.enabled
        && settings.auto_submit.unwrap_or(true)
        && overrides.katalon_submits.unwrap_or_default() == KatalonSubmits::Detect
}

fn plans(
    settings: &AzureSettings,
    overrides: &Overrides,
    run: &RunOptions,
) -> (Vec<u32>, Option<String>) {
    if let Some(text) = &run.plan {
        return match text.trim().parse::<u32>() {
            Ok(id) if id > 0 => (vec![id], None),
            _ => (Vec::new(), Some(text.clone())),
        };
    }
    let mut plans = match &overrides.test_plans {
        Some(plans) => plans.clone(),
        None => settings.test_plans.iter().map(|plan| plan.id).collect(),
    };
    let mut seen = std::collections::BTreeSet::new();
    plans.retain(|plan| seen.insert(*plan));
    (plans, None)
}

/// Katalon's switch says by being there that the fields are set (10.3.1 and later).
fn automation(settings: &AzureSettings, overrides: &Overrides) -> Option<AutomationRule> {
    match (overrides.automation, settings.override_automation_fields) {
        (Some(AutomationChoice::Off), _) | (None, None) => None,
        (Some(AutomationChoice::On(rule)), _) => Some(rule),
        (None, Some(true)) => Some(AutomationRule::Override),
        (None, Some(false)) => Some(AutomationRule::Fill),
    }
}

/// The definition in force: of the run, else of `kado.toml`, else of the project. −1 is Katalon's
/// word for none.
///
/// # Errors
/// The text of the run's option when it is no id; kado does not fall back to another definition.
fn definition(
    option: Option<&str>,
    ours: Option<Definition>,
    theirs: Option<u32>,
) -> Result<Option<u32>, String> {
    let Some(text) = option else {
        return Ok(match ours {
            Some(Definition::None) => None,
            Some(Definition::Of(id)) => Some(id),
            None => theirs,
        });
    };
    match text.trim().parse::<i64>() {
        Ok(-1) => Ok(None),
        Ok(id @ 1..) => u32::try_from(id).map(Some).map_err(|_| text.to_owned()),
        _ => Err(text.to_owned()),
    }
}

fn run_name(settings: &AzureSettings, overrides: &Overrides, run: &RunOptions) -> RunName {
    let plain = |text: &String| RunName {
        text: text.clone(),
        ..RunName::default()
    };
    let ours = |pattern: &NamePattern| RunName {
        text: pattern.text.clone(),
        placeholders: true,
        environment: pattern.environment,
        ..RunName::default()
    };
    run.run_name
        .as_ref()
        .map(plain)
        .or_else(|| overrides.test_run_name.as_ref().map(ours))
        .or_else(|| settings.test_run_name.as_ref().map(plain))
        .unwrap_or_else(|| plain(&run_name::DEFAULT.to_owned()))
}

fn attachments(settings: &AzureSettings, overrides: &Overrides) -> AttachmentRule {
    let of_project = || match (
        settings.include_attachments,
        settings.attachment_kinds.as_slice(),
    ) {
        (Some(false), _) => Vec::new(),
        (_, []) => DEFAULT_KINDS.to_vec(),
        (_, kinds) => kinds.to_vec(),
    };
    AttachmentRule {
        kinds: overrides.attachments.clone().unwrap_or_else(of_project),
        when: overrides
            .attach
            .or(settings.sending)
            .unwrap_or(SendingRule::Failed),
        max_bytes: overrides.max_attachment.unwrap_or(DEFAULT_MAX_ATTACHMENT),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::katalon::settings::PlanReference;

    fn project() -> AzureSettings {
        AzureSettings {
            enabled: true,
            test_plans: vec![PlanReference { id: 18, name: None }],
            test_run_name: Some("Nightly {suite} ".to_owned()),
            ..AzureSettings::default()
        }
    }

    #[test]
    fn the_run_beats_kados_configuration_which_beats_the_project() {
        let overrides = Overrides {
            test_plans: Some(vec![19, 19, 20]),
            ..Overrides::default()
        };
        let run = RunOptions {
            plan: Some(" 21 ".to_owned()),
            ..RunOptions::default()
        };
        let none = RunOptions::default();
        assert_eq!(
            effective(&project(), &Overrides::default(), &none).plans,
            [18]
        );
        assert_eq!(effective(&project(), &overrides, &none).plans, [19, 20]);
        assert_eq!(effective(&project(), &overrides, &run).plans, [21]);
    }

    #[test]
    fn an_invalid_plan_option_never_falls_back_to_another_plan() {
        for text in ["abc", "0", "-1", "18,19"] {
            let run = RunOptions {
                plan: Some(text.to_owned()),
                ..RunOptions::default()
            };
            let options = effective(&project(), &Overrides::default(), &run);
            assert_eq!(
                (options.plans, options.invalid_plan.as_deref()),
                (Vec::new(), Some(text))
            );
        }
    }

    #[test]
    fn a_name_of_the_project_is_taken_exactly_as_written() {
        let options = effective(&project(), &Overrides::default(), &RunOptions::default());
        assert_eq!(
            options.run_name,
            RunName {
                text: "Nightly {suite} ".to_owned(),
                ..RunName::default()
            }
        );
    }

    #[test]
    fn the_definition_of_the_run_beats_kados_which_beats_the_projects() {
        let settings = AzureSettings {
            build_definition: Some(1),
            release_definition: Some(7),
            ..project()
        };
        let ours = Overrides {
            build_definition: Some(Definition::Of(2)),
            ..Overrides::default()
        };
        let off = Overrides {
            build_definition: Some(Definition::None),
            ..Overrides::default()
        };
        let option = |text: &str| RunOptions {
            build_definition: Some(text.to_owned()),
            ..RunOptions::default()
        };
        let build =
            |overrides: &Overrides, run: &RunOptions| effective(&settings, overrides, run).build;
        let none = RunOptions::default();
        assert_eq!(
            build(&Overrides::default(), &none),
            Some(BuildChoice::LatestOf(1))
        );
        assert_eq!(build(&ours, &none), Some(BuildChoice::LatestOf(2)));
        assert_eq!(build(&off, &none), None);
        assert_eq!(build(&ours, &option("3")), Some(BuildChoice::LatestOf(3)));
        assert_eq!(build(&ours, &option("-1")), None);
        let stage = Overrides {
            release_stage: Some("QA".to_owned()),
            ..Overrides::default()
        };
        let release = ReleaseChoice::LatestOf {
            definition: 7,
            stage: Some("QA".to_owned()),
        };
        assert_eq!(effective(&settings, &stage, &none).release, Some(release));
    }

    #[test]
    fn an_invalid_definition_option_costs_the_link_and_never_falls_back() {
        let settings = AzureSettings {
            build_definition: Some(1),
            ..project()
        };
        for text in ["abc", "0", "-2", "1.5", "99999999999"] {
            let run = RunOptions {
                build_definition: Some(text.to_owned()),
                ..RunOptions::default()
            };
            let options = effective(&settings, &Overrides::default(), &run);
            assert!(
                options.invalid_links[0].contains(&format!("build definition `{text}`")),
                "{options:?}"
            );
            assert_eq!((options.build, options.plans), (None, vec![18]), "{text}");
        }
    }

    #[test]
    fn attachments_default_to_four_kinds_and_an_empty_list_of_kado_sends_none() {
        let run = RunOptions::default();
        assert_eq!(
            effective(&project(), &Overrides::default(), &run)
                .attachments
                .kinds,
            DEFAULT_KINDS
        );
        let none = Overrides {
            attachments: Some(Vec::new()),
            ..Overrides::default()
        };
        assert!(
            effective(&project(), &none, &run)
                .attachments
                .kinds
                .is_empty()
        );
        let off = AzureSettings {
            include_attachments: Some(false),
            ..project()
        };
        assert!(
            effective(&off, &Overrides::default(), &run)
                .attachments
                .kinds
                .is_empty()
        );
    }
}
