//! Which settings are in force for a run: the project's, overridden by `kado.toml`, overridden by
//! the `ado*` options given to katalonc (product contract, section 3).

use std::collections::BTreeSet;
use std::time::Duration;

use crate::katalon::id_rule::{IdPattern, IdRule};
use crate::katalon::id_source::IdSource;
use crate::katalon::run::{FileKind, RunOptions};
use crate::katalon::settings::{AzureSettings, SendingRule};
use crate::pipeline::RunOrigin;
use crate::plan::automation::AutomationRule;
use crate::plan::katalon_rule::{DEFAULT_WAIT, KatalonRule};
use crate::plan::links::{BuildChoice, ReleaseChoice};
use crate::plan::options::{AttachmentRule, GIVE_UP_FILES_MS, Options, RunName, Unmapped};
use crate::plan::plan_choice::PlanChoice;
use crate::plan::recount::Verify;
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
    /// `submit.give_up_files_after`.
    pub give_up_files_after: Option<Duration>,
    /// `submit.live`.
    pub live: Option<bool>,
    /// `submit.collections`.
    pub collections: Option<Collections>,
    /// `submit.test_plans`.
    pub test_plans: Option<Vec<PlanChoice>>,
    /// `submit.test_run_name`, with placeholders.
    pub test_run_name: Option<NamePattern>,
    /// `submit.tags`.
    pub tags: Option<Vec<String>>,
    /// `submit.ids_from`.
    pub ids_from: Option<Vec<IdSource>>,
    /// `submit.ids_pattern`.
    pub ids_pattern: Option<IdPattern>,
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
    /// `submit.history_line`.
    pub history_line: Option<bool>,
    /// `submit.failure_type`.
    pub failure_type: Option<bool>,
    /// `submit.verify`.
    pub verify: Option<Verify>,
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

impl Overrides {
    /// Where the ids of test cases stand.
    pub(crate) fn id_rule(&self) -> IdRule {
        let default = IdRule::default();
        IdRule {
            from: self.ids_from.clone().unwrap_or(default.from),
            pattern: self.ids_pattern.clone().unwrap_or(default.pattern),
        }
    }
}

/// The settings in force for one run.
pub(crate) fn effective(
    settings: &AzureSettings,
    overrides: &Overrides,
    run: &RunOptions,
) -> Options {
    let project = settings.project.as_ref();
    let links = links(settings, overrides, run);

    let mut options = Options {
        server_url: overrides
            .server_url
            .clone()
            .or_else(|| settings.server_url.clone()),
        project: overrides
            .project
            .clone()
            .or_else(|| project.map(|project| project.name.clone())),
        project_guid: project_guid(settings, overrides),
        plans: plans(settings, overrides),
        invalid_plan: None,
        unclear_options: None,
        unclear_plan: None,
        chosen_plan: None,
        run_name: run_name(settings, overrides, run),
        outcomes: settings.status_mappings.iter().cloned().collect(),
        configuration_rows: settings.configuration_rows.clone(),
        multiple_points: overrides
            .multiple_points
            .or(settings.multiple_points)
            .unwrap_or(false),
        history_line: overrides.history_line.unwrap_or(true),
        // What people see as a judgement of a tester is set only where somebody wants that.
        failure_type: overrides.failure_type.unwrap_or(false),
        verify: overrides.verify.unwrap_or_default(),
        attachments: attachments(settings, overrides),
        give_up_files_ms: give_up_files_ms(overrides),
        // One client reports that ADO refuses an automated run of test cases without an automation,
        // others send them without trouble (`ado/api.md` §5): hence a setting.
        automated: overrides.automated.unwrap_or(true),
        build: links.build,
        release: links.release,
        pipeline: None,
        into: None,
        origin: RunOrigin::default(),
        automation: automation(settings, overrides),
        invalid_links: links.invalid,
        tags: overrides.tags.clone().unwrap_or_default(),
        unmapped: overrides.unmapped.unwrap_or_default(),
        // Neither settings nor options say this; `intake` adds it from the project's own file.
        api_version: None,
        invalid_project_file: None,
        cut_settings: settings.told_cut(),
        doubted_settings: settings.told_doubt(),
        katalon: katalon(settings, overrides, run),
    };

    // A plan that is no id parks the run: it never falls back to another plan.
    if let Some(text) = &run.plan {
        match text.trim().parse::<u32>() {
            Ok(id) if id > 0 => options.plans = vec![PlanChoice::Id(id)],
            _ => {
                options.plans = Vec::new();
                options.invalid_plan = Some(text.clone());
            }
        }
    } else if let Some(damage) = &run.unread {
        // Nor does one that may have been given, and cannot be read any more.
        options.unclear_plan = Some(format!(
            "{damage}, so it is not known whether the run was started for another test plan"
        ));
    }

    options
}

/// The GUID of the ADO project, which Katalon stored beside the name; of another name than
/// Katalon's nothing is known.
fn project_guid(settings: &AzureSettings, overrides: &Overrides) -> Option<String> {
    let project = settings.project.as_ref()?;
    if let Some(name) = &overrides.project
        && name.to_lowercase() != project.name.to_lowercase()
    {
        return None;
    }

    project.guid().map(str::to_owned)
}

/// The test plans of `kado.toml`, else of the project, without duplicates.
fn plans(settings: &AzureSettings, overrides: &Overrides) -> Vec<PlanChoice> {
    let mut plans = match &overrides.test_plans {
        Some(plans) => plans.clone(),
        None => settings
            .test_plans
            .iter()
            .map(|plan| PlanChoice::Id(plan.id))
            .collect(),
    };

    let mut listed = BTreeSet::new();
    plans.retain(|plan| listed.insert(plan.clone()));
    plans
}

/// The name of the run: of its options, else of `kado.toml`, else of the project, else Katalon's.
fn run_name(settings: &AzureSettings, overrides: &Overrides, run: &RunOptions) -> RunName {
    if run.run_name.is_none()
        && let Some(pattern) = &overrides.test_run_name
    {
        return RunName {
            text: pattern.text.clone(),
            placeholders: true,
            environment: pattern.environment,
            ..RunName::default()
        };
    }

    RunName {
        text: katalons_run_name(settings, run).to_owned(),
        ..RunName::default()
    }
}

/// The name that Katalon itself gives the run, which knows nothing of `kado.toml`.
fn katalons_run_name<'a>(settings: &'a AzureSettings, run: &'a RunOptions) -> &'a str {
    run.run_name
        .as_deref()
        .or(settings.test_run_name.as_deref())
        .unwrap_or(run_name::DEFAULT)
}

/// Which files are sent.
fn attachments(settings: &AzureSettings, overrides: &Overrides) -> AttachmentRule {
    let kinds = if let Some(kinds) = &overrides.attachments {
        kinds.clone()
    } else if settings.include_attachments == Some(false) {
        Vec::new()
    } else if settings.attachment_kinds.is_empty() {
        // Fresh projects lack the key, and some that are set up too; what Katalon sends then is not
        // known (`katalon/behaviour.md` §2).
        DEFAULT_KINDS.to_vec()
    } else {
        settings.attachment_kinds.clone()
    };

    AttachmentRule {
        kinds,
        when: overrides
            .attach
            .or(settings.sending)
            .unwrap_or(SendingRule::Failed),
        max_bytes: overrides.max_attachment.unwrap_or(DEFAULT_MAX_ATTACHMENT),
    }
}

/// Katalon's switch says by being there that the fields are set (10.3.1 and later).
fn automation(settings: &AzureSettings, overrides: &Overrides) -> Option<AutomationRule> {
    match overrides.automation {
        Some(AutomationChoice::Off) => None,
        Some(AutomationChoice::On(rule)) => Some(rule),
        None => match settings.override_automation_fields? {
            true => Some(AutomationRule::Override),
            false => Some(AutomationRule::Fill),
        },
    }
}

/// Which build and release the run is linked with.
struct Links {
    build: Option<BuildChoice>,
    release: Option<ReleaseChoice>,
    /// Why a link that an option of the run asks for cannot be looked up.
    invalid: Vec<String>,
}

fn links(settings: &AzureSettings, overrides: &Overrides, run: &RunOptions) -> Links {
    let mut links = Links {
        build: None,
        release: None,
        invalid: Vec::new(),
    };

    let build = definition(
        run.build_definition.as_deref(),
        overrides.build_definition,
        settings.build_definition,
    );
    match build {
        Ok(definition) => links.build = definition.map(BuildChoice::LatestOf),
        Err(NoDefinitionId(text)) => links.invalid.push(format!(
            "the run was started with the build definition `{text}`, which is not an id"
        )),
    }

    let release = definition(
        run.release_definition.as_deref(),
        overrides.release_definition,
        settings.release_definition,
    );
    match release {
        Ok(definition) => {
            links.release = definition.map(|definition| ReleaseChoice::LatestOf {
                definition,
                stage: overrides.release_stage.clone(),
            });
        }

        Err(NoDefinitionId(text)) => links.invalid.push(format!(
            "the run was started with the release definition `{text}`, which is not an id"
        )),
    }

    links
}

/// The text of an option of the run that is no id of a definition.
struct NoDefinitionId<'a>(&'a str);

/// The definition in force: of the run, else of `kado.toml`, else of the project.
///
/// # Errors
/// When the run's option is no id; kado does not fall back to another definition.
fn definition(
    of_run: Option<&str>,
    of_kado: Option<Definition>,
    of_project: Option<u32>,
) -> Result<Option<u32>, NoDefinitionId<'_>> {
    let Some(text) = of_run else {
        return Ok(match of_kado {
            Some(Definition::None) => None,
            Some(Definition::Of(id)) => Some(id),
            None => of_project,
        });
    };

    match text.trim().parse::<i64>() {
        // Katalon's word for none.
        Ok(-1) => Ok(None),
        Ok(id @ 1..) => match u32::try_from(id) {
            Ok(id) => Ok(Some(id)),
            Err(_) => Err(NoDefinitionId(text)),
        },
        _ => Err(NoDefinitionId(text)),
    }
}

fn give_up_files_ms(overrides: &Overrides) -> u64 {
    match overrides.give_up_files_after {
        Some(limit) => u64::try_from(limit.as_millis()).unwrap_or(u64::MAX),
        None => GIVE_UP_FILES_MS,
    }
}

/// What is expected of Katalon's own submission.
fn katalon(settings: &AzureSettings, overrides: &Overrides, run: &RunOptions) -> KatalonRule {
    let wait = overrides.katalon_wait.unwrap_or(DEFAULT_WAIT);
    KatalonRule {
        // A person may upload a run by hand, so it is looked for even where Katalon does not submit
        // by itself; and one that is left to Katalon is sent on a person's word, in case Katalon
        // failed.
        look: overrides.katalon_submits != Some(KatalonSubmits::Never),
        expected: katalon_may_submit(settings, overrides),
        run_name: katalons_run_name(settings, run).to_owned(),
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::katalon::settings::{PlanReference, ProjectReference};

    fn project() -> AzureSettings {
        AzureSettings {
            enabled: true,
            test_plans: vec![PlanReference { id: 18, name: None }],
            test_run_name: Some("Nightly {suite} ".to_owned()),
            ..AzureSettings::default()
        }
    }

    #[test]
    fn the_plan_of_the_run_beats_kados_which_beats_the_projects() {
        let overrides = Overrides {
            test_plans: Some([19, 19, 20].map(PlanChoice::Id).to_vec()),
            ..Overrides::default()
        };
        let with_plan = RunOptions {
            plan: Some(" 21 ".to_owned()),
            ..RunOptions::default()
        };
        let plain = RunOptions::default();

        let of_project = effective(&project(), &Overrides::default(), &plain);
        let of_kado = effective(&project(), &overrides, &plain);
        let of_run = effective(&project(), &overrides, &with_plan);

        assert_eq!(of_project.plan_ids(), [18]);
        assert_eq!(of_kado.plan_ids(), [19, 20]);
        assert_eq!(of_run.plan_ids(), [21]);
    }

    #[test]
    fn an_invalid_plan_option_never_falls_back_to_another_plan() {
        for text in ["abc", "0", "-1", "18,19"] {
            let run = RunOptions {
                plan: Some(text.to_owned()),
                ..RunOptions::default()
            };

            let options = effective(&project(), &Overrides::default(), &run);

            assert_eq!(options.plans, []);
            assert_eq!(options.invalid_plan.as_deref(), Some(text));
        }
    }

    #[test]
    fn a_name_of_the_project_is_used_exactly_as_written() {
        let options = effective(&project(), &Overrides::default(), &RunOptions::default());

        let as_written = RunName {
            text: "Nightly {suite} ".to_owned(),
            ..RunName::default()
        };
        assert_eq!(options.run_name, as_written);
    }

    /// The build link of a project with build definition 1.
    fn build(of_kado: Option<Definition>, of_run: Option<&str>) -> Option<BuildChoice> {
        let settings = AzureSettings {
            build_definition: Some(1),
            ..project()
        };
        let overrides = Overrides {
            build_definition: of_kado,
            ..Overrides::default()
        };
        let run = RunOptions {
            build_definition: of_run.map(str::to_owned),
            ..RunOptions::default()
        };
        effective(&settings, &overrides, &run).build
    }

    #[test]
    fn the_definition_of_the_run_beats_kados_which_beats_the_projects() {
        let of_kado = Some(Definition::Of(2));

        assert_eq!(build(None, None), Some(BuildChoice::LatestOf(1)));
        assert_eq!(build(of_kado, None), Some(BuildChoice::LatestOf(2)));
        assert_eq!(build(of_kado, Some("3")), Some(BuildChoice::LatestOf(3)));
    }

    #[test]
    fn a_run_or_kado_can_say_that_there_is_no_link() {
        assert_eq!(build(Some(Definition::None), None), None);
        assert_eq!(build(Some(Definition::Of(2)), Some("-1")), None);
    }

    #[test]
    fn minus_one_is_katalons_word_for_no_definition_and_no_mistake() {
        let run = RunOptions {
            build_definition: Some(" -1 ".to_owned()),
            ..RunOptions::default()
        };

        let options = effective(&project(), &Overrides::default(), &run);

        assert_eq!(options.build, None);
        assert!(options.invalid_links.is_empty(), "{options:?}");
    }

    #[test]
    fn the_stage_of_a_release_is_that_of_kado() {
        let settings = AzureSettings {
            release_definition: Some(7),
            ..project()
        };
        let overrides = Overrides {
            release_stage: Some("QA".to_owned()),
            ..Overrides::default()
        };

        let options = effective(&settings, &overrides, &RunOptions::default());

        let release = ReleaseChoice::LatestOf {
            definition: 7,
            stage: Some("QA".to_owned()),
        };
        assert_eq!(options.release, Some(release));
    }

    #[test]
    fn the_guid_of_a_project_goes_with_its_name_alone() {
        let guid = "6ce954b1-ce1f-45d1-b94d-e6bf2464ba2c";
        let mut settings = project();
        settings.project = Some(ProjectReference {
            id: Some(guid.to_owned()),
            name: "Shop".to_owned(),
        });
        let of = |name: Option<&str>, settings: &AzureSettings| {
            let overrides = Overrides {
                project: name.map(str::to_owned),
                ..Overrides::default()
            };
            project_guid(settings, &overrides)
        };

        assert_eq!(of(None, &settings).as_deref(), Some(guid));
        assert_eq!(of(Some("sHOP"), &settings).as_deref(), Some(guid));
        assert_eq!(of(Some("Bank"), &settings), None);
        assert_eq!(of(None, &project()), None);
    }

    #[test]
    fn automation_fields_are_set_as_kado_says_or_by_katalons_switch_where_there_is_one() {
        let by_katalon = |switch| AzureSettings {
            override_automation_fields: switch,
            ..project()
        };
        let by_kado = |choice| Overrides {
            automation: Some(choice),
            ..Overrides::default()
        };
        let (fill, all) = (AutomationRule::Fill, AutomationRule::Override);
        let nothing = Overrides::default();

        assert_eq!(automation(&by_katalon(None), &nothing), None);
        assert_eq!(automation(&by_katalon(Some(false)), &nothing), Some(fill));
        assert_eq!(automation(&by_katalon(Some(true)), &nothing), Some(all));
        let off = by_kado(AutomationChoice::Off);
        assert_eq!(automation(&by_katalon(Some(true)), &off), None);
        let on = by_kado(AutomationChoice::On(all));
        assert_eq!(automation(&by_katalon(None), &on), Some(all));
    }

    #[test]
    fn katalon_is_expected_to_submit_where_it_would_and_nobody_says_that_it_does_not() {
        let of = |enabled, auto_submit, says: Option<KatalonSubmits>| {
            let settings = AzureSettings {
                enabled,
                auto_submit,
                ..project()
            };
            let overrides = Overrides {
                katalon_submits: says,
                ..Overrides::default()
            };
            katalon(&settings, &overrides, &RunOptions::default())
        };

        assert!(of(true, None, None).expected);
        assert!(of(true, Some(true), Some(KatalonSubmits::Detect)).expected);
        assert!(!of(false, None, None).expected);
        assert!(!of(true, Some(false), None).expected);
        assert!(!of(true, None, Some(KatalonSubmits::Never)).expected);

        // A person may upload a run by hand.
        assert!(of(false, None, None).look);
        assert!(!of(true, None, Some(KatalonSubmits::Never)).look);
    }

    #[test]
    fn runs_are_submitted_by_kados_word_else_by_the_projects_else_at_once() {
        for (of_kado, of_project, expected) in [
            (None, None, true),
            (None, Some(false), false),
            (Some(true), Some(false), true),
            (Some(false), Some(true), false),
        ] {
            let settings = AzureSettings {
                auto_submit: of_project,
                ..project()
            };
            let overrides = Overrides {
                auto_submit: of_kado,
                ..Overrides::default()
            };

            assert_eq!(auto_submit(&settings, &overrides), expected);
        }
    }

    #[test]
    fn files_are_given_up_when_kado_says_so_else_after_the_default() {
        let after = |limit| {
            give_up_files_ms(&Overrides {
                give_up_files_after: limit,
                ..Overrides::default()
            })
        };

        assert_eq!(after(Some(Duration::from_secs(7))), 7000);
        assert_eq!(after(Some(Duration::MAX)), u64::MAX);
        assert_eq!(after(None), GIVE_UP_FILES_MS);
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
            assert_eq!(options.build, None, "{text}");
            assert_eq!(options.plan_ids(), [18], "{text}");
        }
    }

    fn kinds(settings: &AzureSettings, of_kado: Option<Vec<FileKind>>) -> Vec<FileKind> {
        let overrides = Overrides {
            attachments: of_kado,
            ..Overrides::default()
        };
        let options = effective(settings, &overrides, &RunOptions::default());
        options.attachments.kinds
    }

    #[test]
    fn attachments_default_to_four_kinds_and_an_empty_list_of_kado_sends_none() {
        let switched_off = AzureSettings {
            include_attachments: Some(false),
            ..project()
        };

        assert_eq!(kinds(&project(), None), DEFAULT_KINDS);
        assert_eq!(kinds(&project(), Some(Vec::new())), []);
        assert_eq!(kinds(&switched_off, None), []);
    }
}
