//! Every key of every generation, unset and damaged.

#[cfg(test)]
use proptest::prelude::*;

use super::*;
use crate::katalon::run::RunOptions;
use crate::plan::overrides::{self, Overrides};

fn read(text: &str) -> AzureSettings {
    AzureSettings::read(text.as_bytes())
}

/// A file of Katalon 10.2, as it writes them.
const WHOLE: &str = r#"enableIntegration=true
serverUrl="https\://dev.azure.com/org "
enableAuthenticationEncryption=true
integratedProject="{\\n  \\"id\\"\: \\"7b2d\\",\\n  \\"name\\"\: \\"A \\\\\\"B\\\\\\"\\",\\n  \\"revision\\"\: \\"3\\"\\n}"
executionStatusMappings="[\\n  {\\n    \\"katalonStatus\\"\: \\"ERROR\\",\\n    \\"azureStatus\\"\: \\"Blocked\\"\\n  }\\n]"
testConfigurationMappings="[\\n  {\\n    \\"os\\"\: \\"--Any--\\",\\n    \\"platform\\"\: \\"chrome\\",\\n    \\"executionProfile\\"\: \\"qa\\",\\n    \\"azureTestConfigurationId\\"\: 306\\n  },\\n  {\\n    \\"os\\"\: \\"macOS\\",\\n    \\"platform\\"\: \\"--Any--\\",\\n    \\"azureTestConfigurationId\\"\: 0\\n  }\\n]"
submitOptions.testPlan="{\\n  \\"id\\"\: 1,\\n  \\"name\\"\: \\"stale\\"\\n}"
submitOptions.testPlans="[\\n  {\\n    \\"id\\"\: 18,\\n    \\"name\\"\: \\"A\\"\\n  },\\n  {\\n    \\"id\\"\: 19\\n  },\\n  {\\n    \\"id\\"\: 18\\n  }\\n]"
submitOptions.autoSubmitTestRun=false
submitOptions.enableSubmitMultiTestPoints=true
submitOptions.enableOverrideExistingAutomationFields=true
submitOptions.testRunName="Run  "
submitOptions.definitionId=4
submitOptions.buildDefinitionId=12
submitOptions.releaseDefinitionId=-1
submitOptions.enableIncludeAttachment=true
submitOptions.attachmentSendingType="SEND_ALL"
submitOptions.attachFileTypes="[\\n  \\"LOG\\",\\n  \\"PNG\\"\\n]"
fetchedTestPlanList="[]"
token="g3/DOGG74jC3Flrr3yH+3D/yKbOqqUNM"
"#;

#[test]
fn every_key_is_read() {
    let settings = read(WHOLE);

    assert!(settings.enabled);
    assert_eq!(settings.damage, None);
    assert_eq!(
        settings.server_url.as_deref(),
        Some("https://dev.azure.com/org")
    );
    assert_eq!(settings.token.word(), "set");
    assert_eq!(
        settings.project,
        Some(ProjectReference {
            id: Some("7b2d".into()),
            name: "A \"B\"".into()
        })
    );
    assert_eq!(
        settings.status_mappings,
        [(Status::Error, "Blocked".to_owned())]
    );
    let row = ConfigurationRow {
        os: None,
        platform: Some("chrome".into()),
        profile: Some("qa".into()),
        configuration_id: 306,
    };
    assert_eq!(settings.configuration_rows, [row]);
    let plans: Vec<u32> = settings.test_plans.iter().map(|plan| plan.id).collect();
    assert_eq!(plans, [18, 19]);
    assert_eq!(settings.auto_submit, Some(false));
    assert_eq!(settings.multiple_points, Some(true));
    assert_eq!(settings.override_automation_fields, Some(true));
    assert_eq!(settings.test_run_name.as_deref(), Some("Run  "));
    assert_eq!(settings.build_definition, Some(12));
    assert_eq!(settings.release_definition, None);
    assert_eq!(settings.include_attachments, Some(true));
    assert_eq!(settings.sending, Some(SendingRule::All));
    assert_eq!(settings.attachment_kinds, [FileKind::Log, FileKind::Png]);
    assert_eq!(
        settings.warnings,
        ["`testConfigurationMappings` has a row without a chosen configuration; it was ignored"]
    );
}

#[test]
fn an_empty_file_says_nothing_and_is_no_damage() {
    for text in ["", "#Mon Jan 01 00:00:00 UTC 2024\n"] {
        let settings = read(text);

        assert!(!settings.enabled);
        assert_eq!(settings.damage, None);
        assert_eq!(settings.warnings, [""; 0]);
        assert_eq!(settings.auto_submit, None);
    }
}

#[test]
fn every_spelling_of_unset_is_unset() {
    for unset in ["", "\"\"", "\"{}\"", "\"[]\"", "\"null\""] {
        let settings = read(&format!(
            "integratedProject={unset}\nsubmitOptions.testPlans={unset}\nsubmitOptions.attachFileTypes={unset}\n\
             executionStatusMappings={unset}\ntestConfigurationMappings={unset}\n"
        ));
        assert_eq!(settings.warnings, [""; 0], "{unset}");
        assert!(settings.project.is_none(), "{unset}");
        assert!(settings.test_plans.is_empty(), "{unset}");
        assert!(settings.attachment_kinds.is_empty(), "{unset}");
    }
}

#[test]
fn the_single_plan_of_older_versions_counts_where_there_is_no_list() {
    let settings = read(r#"submitOptions.testPlan="{\\"id\\"\: 7,\\"name\\"\: \\"P\\"}""#);
    assert_eq!(
        settings.test_plans,
        [PlanReference {
            id: 7,
            name: Some("P".into())
        }]
    );
    let settings =
        read("submitOptions.testPlans=\"[]\"\nsubmitOptions.testPlan=\"{\\\\\"id\\\\\"\\: 7}\"");
    assert_eq!(settings.test_plans.len(), 1);
}

#[test]
fn the_obsolete_definition_counts_only_without_the_newer_key() {
    assert_eq!(
        read("submitOptions.definitionId=4").build_definition,
        Some(4)
    );
    assert_eq!(
        read("submitOptions.definitionId=4\nsubmitOptions.buildDefinitionId=-1").build_definition,
        None
    );
}

#[test]
fn bad_values_are_named_by_their_key() {
    let settings = read(
        "enableIntegration=yes\nintegratedProject=\"{x\"\nsubmitOptions.buildDefinitionId=x\nnew.key=1\n\
         submitOptions.attachFileTypes=\"[\\\\\"ZIP\\\\\"]\"\nserverUrl=\"https\\://dev.az",
    );

    for key in [
        "enableIntegration",
        "integratedProject",
        "buildDefinitionId",
        "new.key",
        "ZIP",
        "serverUrl",
    ] {
        let is_named = settings.warnings.iter().any(|text| text.contains(key));
        assert!(is_named, "{key}: {:?}", settings.warnings);
    }
    assert!(settings.damage.is_some());
    assert_eq!(settings.server_url, None);
}

#[test]
fn values_without_quotes_are_read_as_hands_write_them() {
    let settings = read(
        "serverUrl=https://host/tfs/Collection/\nenableIntegration=\"true\"\n\
                         submitOptions.testPlans=[18]\nsubmitOptions.attachmentSendingType=SEND_IF_FAILS\n",
    );
    assert_eq!(
        settings.server_url.as_deref(),
        Some("https://host/tfs/Collection/")
    );
    assert_eq!(settings.test_plans[0].id, 18);
    assert!(settings.enabled);
    assert_eq!(settings.sending, Some(SendingRule::Failed));
}

#[test]
fn a_token_that_cannot_be_decrypted_is_said_to_be_so_and_not_shown() {
    let settings = read("token=\"c2VjcmV0dG9rZW4=\"");
    assert_eq!(settings.token.word(), "undecryptable");
    assert!(!format!("{settings:?}").contains("c2Vjc"));
}

#[test]
fn of_very_many_test_plans_the_first_count_and_that_is_a_damage() {
    let plans: Vec<String> = (1..=300).map(|plan| plan.to_string()).collect();

    let settings = read(&format!(
        "submitOptions.testPlans=\"[{}]\"\n",
        plans.join(",")
    ));

    assert_eq!(settings.test_plans.len(), 100);
    assert!(settings.damage.is_some());
    assert_eq!(
        settings.warnings,
        ["`submitOptions.testPlans` has more than 100 entries; the others were ignored"]
    );
}

#[test]
fn rows_that_cannot_be_read_are_told_of_in_some_places() {
    let rows = vec!["{}"; 50].join(",");

    let settings = read(&format!("executionStatusMappings=\"[{rows}]\"\n"));

    assert_eq!(settings.warnings.len(), 21);
    assert_eq!(settings.warnings[20], "… and 30 more such rows");
}

#[test]
fn keys_beyond_those_that_are_read_are_a_damage() {
    let mut text = String::new();
    for number in 0..10_002 {
        text.push_str(&format!("key{number}=1\n"));
    }

    let settings = read(&text);

    let damage = settings.damage.unwrap().to_string();
    assert!(
        damage.contains("more than 10000 keys; 2 others are not read"),
        "{damage}"
    );
}

#[test]
fn a_text_without_end_is_not_read() {
    let settings = read(&format!("serverUrl=https://{}\n", "a".repeat(70_000)));

    assert_eq!(settings.server_url, None);
    assert!(settings.damage.is_some());
}

/// Which files are attached where `kado.toml` says nothing.
fn attached(settings: &AzureSettings) -> Vec<FileKind> {
    overrides::effective(settings, &Overrides::default(), &RunOptions::default())
        .attachments
        .kinds
}

#[test]
fn a_file_cut_anywhere_attaches_no_more_or_is_known_to_lack_its_end() {
    let off = WHOLE.replace(
        "enableIncludeAttachment=true",
        "enableIncludeAttachment=false",
    );
    let csv = WHOLE.replace(r#"\\"LOG\\",\\n  \\"PNG\\""#, r#"\\"CSV\\""#);
    assert!(attached(&read(&off)).is_empty());
    assert_eq!(attached(&read(&csv)), [FileKind::Csv]);

    for whole in [&off, &csv] {
        let all = attached(&read(whole));
        for end in 1..whole.len() {
            let part = &whole[..end];
            let settings = read(part);

            let is_known = settings.cut.is_some() || settings.doubt.is_some();
            let is_fewer = attached(&settings).iter().all(|kind| all.contains(kind));
            // A file that ends before a key that Katalon need not write is whole by itself.
            let is_whole = part.ends_with("\"SEND_ALL\"\n");
            assert!(is_known || is_fewer || is_whole, "{part}");
        }
    }
}

#[test]
fn a_last_line_that_nobody_writes_is_a_cut() {
    for (end, named) in [
        (
            "submitOptions.enableOverride",
            "it ends with `submitOptions.enableOverride`",
        ),
        (
            "submitOptions.testPlan",
            "it ends with `submitOptions.testPlan`",
        ),
        ("serverUrl=", "`serverUrl` is cut"),
        ("serverUrl=\"", "its closing quote is missing"),
        ("enableIntegration=fals", "`enableIntegration` is cut"),
        ("submitOptions.releaseDefinitionId=-", "within its value"),
        ("submitOptions.testRunName=a\\", "within its value"),
    ] {
        let settings = read(&format!("token=\"\"\n{end}"));

        let cut = settings.cut.unwrap_or_else(|| panic!("{end} is no cut"));
        assert!(cut.contains(named), "{cut}");
        assert_eq!(settings.warnings, [cut]);
        assert!(settings.damage.is_some(), "{end}");
        assert_eq!(settings.include_attachments, Some(false), "{end}");
    }
}

#[test]
fn what_hands_write_is_no_cut() {
    for text in [
        "serverUrl=https://host/tfs/Main",
        "serverUrl=\"https://host/tfs/Main\"",
        "serverUrl\n",
        "serverUrl=\n",
        "submitOptions.releaseDefinitionId=12",
        "enableIntegration=true",
        "submitOptions.testRunName=true",
        "enableIntegration=true\n# by hand",
    ] {
        let settings = read(text);

        assert_eq!(settings.cut, None, "{text:?}");
        assert_eq!(settings.damage, None, "{text:?}");
        assert_eq!(settings.warnings, [""; 0], "{text:?}");
        assert!(settings.doubt.is_some(), "{text:?}");
    }
}

#[test]
fn only_a_file_without_katalons_end_is_doubted() {
    assert_eq!(read(WHOLE).doubt, None);
    assert_eq!(read("").doubt, None);

    let doubt = read(WHOLE.trim_end()).doubt.unwrap();
    assert!(doubt.contains("line end"), "{doubt}");
    let doubt = read("enableIntegration=true\n").doubt.unwrap();
    assert!(doubt.contains("attachmentSendingType"), "{doubt}");
}

#[test]
fn what_cannot_be_read_of_attachments_attaches_nothing() {
    for line in [
        "submitOptions.enableIncludeAttachment=perhaps",
        "submitOptions.attachFileTypes=\"[CSV\"",
        "submitOptions.attachFileTypes=\"[\\\\\"CSV",
        "submitOptions.attachFileTypes=7",
        "submitOptions.attachFileTypes=\"[\\\\\"ZIP\\\\\"]\"",
    ] {
        let settings = read(&format!("{line}\n"));

        assert_eq!(attached(&settings), [], "{line}");
        assert!(settings.damage.is_some(), "{line}");
        let is_told = settings
            .warnings
            .iter()
            .any(|text| text.contains("no file is to be attached"));
        assert!(is_told, "{line}: {:?}", settings.warnings);
    }

    let partly = read("submitOptions.attachFileTypes=\"[\\\\\"ZIP\\\\\",\\\\\"CSV\\\\\"]\"\n");
    assert_eq!(attached(&partly), [FileKind::Csv]);
}

proptest! {
    #[test]
    fn a_file_cut_anywhere_is_read_and_a_cut_value_is_damage(cut in 0..WHOLE.len()) {
        let settings = AzureSettings::read(&WHOLE.as_bytes()[..cut]);
        let line = WHOLE[..cut].rsplit('\n').next().unwrap();
        if line.contains("=\"") && (!line.ends_with('"') || line.ends_with("\\\"") || line.ends_with("=\"")) {
            prop_assert!(settings.damage.is_some(), "{line}");
        }
    }

    #[test]
    fn no_bytes_make_the_reader_panic(text in r#"(submitOptions\.testPlans|serverUrl|token)="?[\[\]{}:"\\a-c0-9]{0,30}"?"#) {
        read(&text);
    }
}

#[test]
fn what_may_be_secret_in_a_server_url_is_left_out_and_told() {
    for (url, server, told) in [
        (
            "https://me:SECRET@host/tfs/Main",
            "https://host/tfs/Main",
            "a user or password",
        ),
        (
            "https://host/tfs/Main?key=SECRET@x#SECRET",
            "https://host/tfs/Main",
            "a query or fragment",
        ),
    ] {
        let settings = read(&format!("serverUrl=\"{url}\"\n"));

        assert_eq!(settings.server_url.as_deref(), Some(server));
        let [warning] = &settings.warnings[..] else {
            panic!("{:?}", settings.warnings);
        };
        assert!(warning.contains(told), "{warning}");
    }

    let settings = read("serverUrl=\"https://host/tfs/team@home\"\n");
    assert_eq!(settings.warnings, [""; 0]);
    assert_eq!(
        settings.server_url.as_deref(),
        Some("https://host/tfs/team@home")
    );
}
