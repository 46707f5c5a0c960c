//! Rows of the test configuration mapping that can never match, or hardly ever. Pure.
//!
//! Which row a run takes is decided in [`crate::plan::configuration`]; the words are those that
//! Katalon writes into logs and `execution.properties` (`katalon/behaviour.md` §6).

use crate::katalon::settings::ConfigurationRow;

/// Names of systems that a run can have as a whole, besides those that begin with `Windows `.
const SYSTEMS: [&str; 9] = [
    "Windows",
    "macOS",
    "Mac OS X",
    "Mac OS X 64bit",
    "Linux",
    "Linux 64bit",
    "Linux 32bit",
    "Android",
    "iOS",
];
/// Names of browsers, apps and kinds of execution.
const PLATFORMS: [&str; 16] = [
    "Chrome",
    "Chrome (headless)",
    "Firefox",
    "Firefox (headless)",
    "Edge",
    "Edge Chromium",
    "IE",
    "Safari",
    "Remote",
    "Remote Chrome",
    "Remote Firefox",
    "Android",
    "iOS",
    "Kobiton Device",
    "Native App",
    "Web Service",
];

/// What is to be said of a row.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Remark {
    /// It never counts, whatever is run.
    Never(String, &'static str),
    /// It counts only for runs that hardly anybody has.
    Hardly(String, &'static str),
}

/// A row in words: `Windows / Chrome / any`.
pub(super) fn title(row: &ConfigurationRow) -> String {
    let column = |value: &Option<String>| value.clone().unwrap_or_else(|| "any".to_owned());
    [&row.os, &row.platform, &row.profile]
        .map(column)
        .join(" / ")
}

/// Whether every run fits a row.
pub(super) fn matches_all(row: &ConfigurationRow) -> bool {
    row.os.is_none() && row.platform.is_none() && row.profile.is_none()
}

/// What is to be said of each row, in their order. `profiles` are those of the project; none when
/// they are not known.
pub(super) fn remarks(rows: &[ConfigurationRow], profiles: &[String]) -> Vec<Option<Remark>> {
    let said = |(at, row)| {
        shadowed(row, &rows[..at])
            .or_else(|| without_profile(row, profiles))
            .or_else(|| strange(row))
    };
    rows.iter().enumerate().map(said).collect()
}

/// A run has one of the profiles of its project.
fn without_profile(row: &ConfigurationRow, profiles: &[String]) -> Option<Remark> {
    let wanted = row.profile.as_deref()?.trim();
    let known = profiles.is_empty()
        || profiles
            .iter()
            .any(|profile| profile.to_lowercase() == wanted.to_lowercase());
    let hint = "correct the profile in Katalon's Test Configuration Mapping";
    (!known).then(|| {
        Remark::Never(
            format!("never matches: the project has no execution profile `{wanted}`"),
            hint,
        )
    })
}

/// The first of two rows with the same conditions counts.
fn shadowed(row: &ConfigurationRow, before: &[ConfigurationRow]) -> Option<Remark> {
    let same = |one: &Option<String>, other: &Option<String>| {
        one.as_ref().map(|text| text.trim().to_lowercase())
            == other.as_ref().map(|text| text.trim().to_lowercase())
    };
    let first = before.iter().position(|other| {
        same(&row.os, &other.os)
            && same(&row.platform, &other.platform)
            && same(&row.profile, &other.profile)
    })?;
    let detail = format!(
        "never matches: row {} has the same conditions and counts first",
        first + 1
    );
    let hint = "remove one of the two rows in Katalon's Test Configuration Mapping";
    Some(Remark::Never(detail, hint))
}

fn strange(row: &ConfigurationRow) -> Option<Remark> {
    if let Some(os) = row.os.as_deref().filter(|os| !is_system(os)) {
        let detail = format!("`{os}` is no name that Katalon has for a system or device");
        let hint = "write Windows, macOS, Linux, Android or iOS; of a remote run the remote system's own name counts";
        return Some(Remark::Hardly(detail, hint));
    }
    let platform = row
        .platform
        .as_deref()
        .filter(|platform| !is_platform(platform))?;
    let detail = format!("`{platform}` is no name that Katalon has for a browser or app");
    let hint = "write Chrome, Firefox, Edge, IE, Safari, Native App or Web Service; else it has to be the exact name of a \
                run configuration";
    Some(Remark::Hardly(detail, hint))
}

fn is_system(text: &str) -> bool {
    let text = text.trim();
    let known = SYSTEMS
        .iter()
        .any(|system| system.eq_ignore_ascii_case(text));
    known || text.to_lowercase().starts_with("windows ")
}

fn is_platform(text: &str) -> bool {
    let text = text.trim();
    let known = PLATFORMS
        .iter()
        .any(|platform| platform.eq_ignore_ascii_case(text));
    // Run configurations of devices and of the cloud carry more words.
    known
        || ["Android - ", "iOS - ", "TestCloud"]
            .iter()
            .any(|start| text.starts_with(start))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::katalon::run::Environment;
    use crate::plan::configuration::choose;

    fn row(os: &str, platform: &str, profile: &str, configuration_id: u32) -> ConfigurationRow {
        let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        ConfigurationRow {
            os: some(os),
            platform: some(platform),
            profile: some(profile),
            configuration_id,
        }
    }

    #[test]
    fn a_second_row_with_the_same_conditions_never_matches() {
        let rows = [
            row("Windows", "Chrome", "", 1),
            row("windows ", "CHROME", "", 2),
            row("Windows", "Chrome", "qa", 3),
        ];
        let remarks = remarks(&rows, &[]);
        assert!(matches!(&remarks[1], Some(Remark::Never(detail, _)) if detail.contains("row 1")));
        assert_eq!((&remarks[0], &remarks[2]), (&None, &None));
        let run = Environment {
            os: Some("Windows 10 64bit".to_owned()),
            run_configuration: Some("Chrome".to_owned()),
            ..Environment::default()
        };
        assert_eq!(choose(&rows, &run).map(|row| row.configuration_id), Some(1));
    }

    #[test]
    fn a_profile_that_the_project_does_not_have_never_matches() {
        let told = |profile: &str, profiles: &[&str]| {
            let profiles: Vec<_> = profiles.iter().map(|name| (*name).to_owned()).collect();
            remarks(&[row("", "", profile, 1)], &profiles)[0].is_some()
        };
        assert!(told("qa", &["default", "live"]));
        assert!(!told("QA", &["default", "qa"]) && !told("", &["default"]) && !told("qa", &[]));
    }

    #[test]
    fn words_that_katalon_never_writes_are_told() {
        let hardly = |os: &str, platform: &str| {
            matches!(
                remarks(&[row(os, platform, "", 1)], &[])[0],
                Some(Remark::Hardly(..))
            )
        };
        for os in ["Mac", "OSX", "Win10", "Ubuntu", "Windows10"] {
            assert!(hardly(os, ""), "{os}");
        }
        for platform in ["Google Chrome", "Internet Explorer", "MS Edge", "Chromium"] {
            assert!(hardly("", platform), "{platform}");
        }
        for (os, platform) in [
            ("Windows", "chrome"),
            ("Windows 11", "Edge"),
            ("macOS", "Safari"),
            ("Android", "Native App"),
        ] {
            assert!(!hardly(os, platform), "{os} {platform}");
        }
    }
}
