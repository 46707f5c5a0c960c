//! What the writer does with files that Katalon or hands wrote; the real ones are in
//! `tests/it/corpus_settings.rs`.

#[cfg(test)]
use proptest::prelude::*;

use super::*;

const NEW: NewFile = NewFile {
    line_end: LineEnd::Lf,
    plans: PlanForm::Several,
};

fn project(name: &str) -> StoredProject {
    StoredProject {
        description: None,
        id: "7f3c9a52-1111-2222-3333-44445555abcd".to_owned(),
        name: name.to_owned(),
        revision: Some("11".to_owned()),
        url: None,
    }
}

fn plan(id: u32, name: &str) -> StoredPlan {
    StoredPlan {
        id,
        name: name.to_owned(),
    }
}

fn row(os: Option<&str>, platform: Option<&str>, configuration_id: u32) -> ConfigurationRow {
    ConfigurationRow {
        os: os.map(str::to_owned),
        platform: platform.map(str::to_owned),
        profile: None,
        configuration_id,
    }
}

/// What somebody chooses who sets up a project.
fn choices() -> SettingsChoices {
    SettingsChoices {
        enabled: Some(true),
        server_url: Some("https://dev.azure.com/acme".to_owned()),
        token: TokenChoice::Set(SecretString::from("1234567")),
        project: Some(project("Shop & Co")),
        fetched_projects: vec![project("Shop & Co")],

        outcomes: vec![(Status::Error, "Blocked".to_owned())],
        rows: vec![RowChoice::Set(row(Some("Windows"), None, 3))],
        plans: Some(vec![plan(18, "Release é")]),
        fetched_plans: vec![plan(18, "Release é"), plan(19, "Next")],
        multiple_points: Some(true),
        run_name: Some("Nightly: 1".to_owned()),
        build_definition: Some(12),
        sending: Some(SendingRule::All),
        attachment_kinds: Some(vec![FileKind::Log, FileKind::Png]),
        ..SettingsChoices::default()
    }
}

fn written(text: &str, choices: &SettingsChoices) -> String {
    String::from_utf8(with_choices(text.as_bytes(), choices, NEW).unwrap()).unwrap()
}

#[test]
fn a_new_file_has_katalons_keys_order_and_escapes() {
    insta::assert_snapshot!(written("", &choices()));
}

#[test]
fn the_same_choices_again_change_no_byte() {
    let file = written("", &choices());

    assert_eq!(written(&file, &choices()), file);
    assert_eq!(written(&file, &SettingsChoices::default()), file);
}

#[test]
fn what_was_chosen_is_what_is_read() {
    let settings = AzureSettings::read(written("", &choices()).as_bytes());

    assert_eq!(settings.warnings, [""; 0]);
    assert!(settings.enabled);
    assert_eq!(
        settings.server_url.as_deref(),
        Some("https://dev.azure.com/acme")
    );
    assert_eq!(settings.token.word(), "set");
    assert_eq!(settings.project.unwrap().name, "Shop & Co");
    assert_eq!(settings.test_plans[0].name.as_deref(), Some("Release é"));
    assert_eq!(settings.build_definition, Some(12));
    assert_eq!(settings.release_definition, None);
    assert_eq!(settings.configuration_rows, [row(Some("Windows"), None, 3)]);
    assert!(
        settings
            .status_mappings
            .contains(&(Status::Error, "Blocked".to_owned()))
    );
    assert!(
        settings
            .status_mappings
            .contains(&(Status::Skipped, "NotExecuted".to_owned()))
    );
}

#[test]
fn of_several_rows_only_the_one_that_is_meant_changes() {
    let list = r#"[{"os":"windows","platform":"--Any--","azureTestConfigurationId":1,"more":[]},{"os":"Linux","platform":"Chrome","executionProfile":"qa","azureTestConfigurationId":2}]"#;
    let file = format!(
        "testConfigurationMappings={}\n",
        Value::Text(list.to_owned()).write().replace('\\', "\\\\")
    );
    let qa = ConfigurationRow {
        profile: Some("QA".to_owned()),
        ..row(Some("linux"), Some("chrome"), 5)
    };
    let choices = SettingsChoices {
        rows: vec![
            RowChoice::Set(row(Some("Windows"), None, 4)),
            RowChoice::Remove(qa.clone()),
            RowChoice::Set(qa),
        ],
        ..SettingsChoices::default()
    };

    let new = Properties::read(written(&file, &choices).as_bytes());

    let list = Value::read(new.raw("testConfigurationMappings").unwrap());
    insta::assert_snapshot!(into_text(list), @r#"
    [
      {
        "os": "windows",
        "platform": "--Any--",
        "azureTestConfigurationId": 4,
        "more": []
      },
      {
        "os": "linux",
        "platform": "chrome",
        "executionProfile": "QA",
        "azureTestConfigurationId": 5
      }
    ]
    "#);
}

#[test]
fn a_file_keeps_the_form_of_its_plans_until_it_cannot_hold_them() {
    let one = "submitOptions.testPlan=\"{\\\\\"id\\\\\"\\:1}\"\n";
    let chosen = |plans| SettingsChoices {
        plans: Some(plans),
        ..SettingsChoices::default()
    };

    let other = written(one, &chosen(vec![plan(2, "B")]));
    let several = written(one, &chosen(vec![plan(2, "B"), plan(3, "C")]));

    assert!(!other.contains("testPlans"), "{other}");
    assert_eq!(AzureSettings::read(other.as_bytes()).test_plans[0].id, 2);
    assert!(several.starts_with(one), "{several}");
    assert_eq!(AzureSettings::read(several.as_bytes()).test_plans.len(), 2);
}

#[test]
fn the_form_of_new_plans_is_that_of_the_version() {
    for (version, form) in [
        ("8.6.5", PlanForm::One),
        ("10.1.0", PlanForm::One),
        ("10.2.0", PlanForm::Several),
        ("11.1.2", PlanForm::Several),
        ("", PlanForm::Several),
    ] {
        assert_eq!(PlanForm::of_version(version), form, "{version}");
    }
}

#[test]
fn a_file_that_katalon_is_writing_is_left_alone() {
    let cut = "enableIntegration=true\nserverUrl=\"https\\://dev.az";

    let refused = with_choices(cut.as_bytes(), &choices(), NEW).unwrap_err();

    assert!(matches!(refused, NoSettings::Cut(_)), "{refused}");
}

#[test]
fn a_token_of_another_server_goes() {
    let file = written("", &choices());
    let other_server = SettingsChoices {
        server_url: Some("https://dev.azure.com/other".to_owned()),
        token: TokenChoice::Remove,
        ..SettingsChoices::default()
    };

    let settings = AzureSettings::read(written(&file, &other_server).as_bytes());

    assert_eq!(settings.token.word(), "unset");
}

#[test]
fn a_list_that_is_no_list_is_not_replaced() {
    let file = "testConfigurationMappings=\"x\"\n";

    let refused = with_choices(file.as_bytes(), &choices(), NEW).unwrap_err();

    assert_eq!(refused, NoSettings::NoList("testConfigurationMappings"));
}

proptest! {
    #[test]
    fn names_of_all_kinds_are_read_as_they_were_written(
        name in r"\PC{1,20}",
        url in r"https://[a-z/:#!=]{0,20}",
    ) {
        let name = format!("x{name}x");
        let choices = SettingsChoices {
            server_url: Some(url.clone()),
            project: Some(project(&name)),
            plans: Some(vec![plan(1, &name)]),
            run_name: Some(name.clone()),
            ..SettingsChoices::default()
        };

        let settings = AzureSettings::read(written("", &choices).as_bytes());

        prop_assert_eq!(settings.project.unwrap().name, name.as_str());
        prop_assert_eq!(settings.test_plans[0].name.as_deref(), Some(name.as_str()));
        prop_assert_eq!(settings.test_run_name, Some(name));
    }

    #[test]
    fn a_value_that_is_set_and_set_back_leaves_every_byte(
        multiple in any::<bool>(),
        build in -1..100_i32,
        plans in prop::collection::vec(1..100_u32, 0..3),
    ) {
        let file = written("", &choices());
        let other = SettingsChoices {
            server_url: Some("https://dev.azure.com/other".to_owned()),
            multiple_points: Some(multiple),
            build_definition: Some(build),
            plans: Some(plans.into_iter().map(|id| plan(id, "Other")).collect()),
            outcomes: vec![(Status::Error, "Failed".to_owned())],
            ..SettingsChoices::default()
        };

        let there = written(&file, &other);

        prop_assert_eq!(written(&there, &choices()), file);
    }
}
