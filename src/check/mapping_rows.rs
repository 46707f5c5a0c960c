//! Rows of the test configuration mapping that can never match, or hardly ever. Pure.
//!
//! Which row a run takes is decided in [`crate::plan::configuration`]; the words are those that
//! Katalon writes into logs and `execution.properties` (`katalon/behaviour.md` §6).

use std::collections::{HashMap, HashSet};

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
pub(super) struct Remark {
    pub severity: Severity,
    /// What was found.
    pub finding: String,
    /// What mends it.
    pub hint: &'static str,
}

/// How often a row with a [`Remark`] counts.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Severity {
    /// Never, whatever is run.
    NeverMatches,
    /// Only for runs that hardly anybody has.
    HardlyMatches,
}

/// A row in words: `Windows / Chrome / any`.
pub(super) fn title(row: &ConfigurationRow) -> String {
    [&row.os, &row.platform, &row.profile]
        .map(|column| column.as_deref().unwrap_or("any"))
        .join(" / ")
}

/// Whether every run fits a row.
pub(super) fn matches_all(row: &ConfigurationRow) -> bool {
    row.os.is_none() && row.platform.is_none() && row.profile.is_none()
}

/// What is to be said of each row, in their order. `profiles` are those of the project; none when
/// they are not known.
pub(super) fn remarks(rows: &[ConfigurationRow], profiles: &[String]) -> Vec<Option<Remark>> {
    let profiles: HashSet<String> = profiles
        .iter()
        .map(|profile| profile.to_lowercase())
        .collect();
    let mut first: HashMap<[Option<String>; 3], usize> = HashMap::new();

    let mut remarks = Vec::new();
    for (index, row) in rows.iter().enumerate() {
        let first = *first.entry(conditions(row)).or_insert(index);
        let shadowed_by = (first < index).then_some(first);
        remarks.push(remark(row, shadowed_by, &profiles));
    }
    remarks
}

/// Of several remarks the worst: a row that never matches has no use for a better name.
/// `shadowed_by` is the place of a row before it with the same conditions.
fn remark(
    row: &ConfigurationRow,
    shadowed_by: Option<usize>,
    profiles: &HashSet<String>,
) -> Option<Remark> {
    shadowed_by
        .map(shadowed)
        .or_else(|| without_profile(row, profiles))
        .or_else(|| with_unusual_name(row))
}

/// The first of two rows with the same conditions counts.
fn shadowed(first: usize) -> Remark {
    Remark {
        severity: Severity::NeverMatches,
        finding: format!(
            "never matches: row {} has the same conditions and counts first",
            first + 1
        ),
        hint: "remove one of the two rows in Katalon's Test Configuration Mapping",
    }
}

/// What a run is compared with: Katalon has no regard for case and white space.
fn conditions(row: &ConfigurationRow) -> [Option<String>; 3] {
    [&row.os, &row.platform, &row.profile]
        .map(|column| column.as_ref().map(|text| text.trim().to_lowercase()))
}

/// A run has one of the profiles of its project.
fn without_profile(row: &ConfigurationRow, profiles: &HashSet<String>) -> Option<Remark> {
    let wanted = row.profile.as_deref()?.trim();
    if profiles.is_empty() || profiles.contains(&wanted.to_lowercase()) {
        return None;
    }

    Some(Remark {
        severity: Severity::NeverMatches,
        finding: format!("never matches: the project has no execution profile `{wanted}`"),
        hint: "correct the profile in Katalon's Test Configuration Mapping",
    })
}

fn with_unusual_name(row: &ConfigurationRow) -> Option<Remark> {
    // Katalon's own table of names is not public, so another one is unusual and not yet wrong.
    if let Some(os) = &row.os
        && !is_system(os)
    {
        return Some(Remark {
            severity: Severity::HardlyMatches,
            finding: format!("`{os}` is not a name that Katalon writes for a system or device"),
            hint: "write Windows, macOS, Linux, Android or iOS; of a remote run the remote \
                   system's own name counts",
        });
    }
    if let Some(platform) = &row.platform
        && !is_platform(platform)
    {
        return Some(Remark {
            severity: Severity::HardlyMatches,
            finding: format!("`{platform}` is not a name that Katalon writes for a browser or app"),
            hint: "write Chrome, Firefox, Edge, IE, Safari, Native App or Web Service; anything \
                   else has to be the exact name of a run configuration",
        });
    }

    None
}

fn is_system(text: &str) -> bool {
    let text = text.trim();
    is_one_of(&SYSTEMS, text) || text.to_lowercase().starts_with("windows ")
}

fn is_platform(text: &str) -> bool {
    let text = text.trim();

    // Run configurations of devices and of the cloud carry more words.
    let has_more_words = ["Android - ", "iOS - ", "TestCloud"]
        .iter()
        .any(|start| text.starts_with(start));
    has_more_words || is_one_of(&PLATFORMS, text)
}

fn is_one_of(names: &[&str], text: &str) -> bool {
    names.iter().any(|name| name.eq_ignore_ascii_case(text))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::katalon::run::Environment;
    use crate::plan::configuration::choose;

    fn row(os: &str, platform: &str, profile: &str, configuration_id: u32) -> ConfigurationRow {
        ConfigurationRow {
            os: column(os),
            platform: column(platform),
            profile: column(profile),
            configuration_id,
        }
    }

    fn column(text: &str) -> Option<String> {
        (!text.is_empty()).then(|| text.to_owned())
    }

    fn severity(row: ConfigurationRow, profiles: &[&str]) -> Option<Severity> {
        let profiles: Vec<_> = profiles.iter().map(|name| (*name).to_owned()).collect();
        let remark = remarks(&[row], &profiles).remove(0)?;
        Some(remark.severity)
    }

    #[test]
    fn a_second_row_with_the_same_conditions_never_matches() {
        let rows = [
            row("Windows", "Chrome", "", 1),
            row("windows ", "CHROME", "", 2),
            row("Windows", "Chrome", "qa", 3),
        ];

        let remarks = remarks(&rows, &[]);

        let second = remarks[1].as_ref().unwrap();
        assert_eq!(second.severity, Severity::NeverMatches);
        assert!(second.finding.contains("row 1"), "{}", second.finding);
        assert_eq!(remarks[0], None);
        assert_eq!(remarks[2], None);
    }

    #[test]
    fn of_two_rows_with_the_same_conditions_a_run_takes_the_first() {
        let rows = [
            row("Windows", "Chrome", "", 1),
            row("windows ", "CHROME", "", 2),
        ];
        let run = Environment {
            os: Some("Windows 10 64bit".to_owned()),
            run_configuration: Some("Chrome".to_owned()),
            ..Environment::default()
        };

        let chosen = choose(&rows, &run).unwrap();

        assert_eq!(chosen.configuration_id, 1);
    }

    #[test]
    fn a_profile_that_the_project_does_not_have_never_matches() {
        let remark = severity(row("", "", "qa", 1), &["default", "live"]);

        assert_eq!(remark, Some(Severity::NeverMatches));
    }

    #[test]
    fn a_profile_that_the_project_has_or_may_have_is_fine() {
        assert_eq!(severity(row("", "", "QA", 1), &["default", "qa"]), None);
        assert_eq!(severity(row("", "", "", 1), &["default"]), None);
        assert_eq!(severity(row("", "", "qa", 1), &[]), None);
    }

    #[test]
    fn names_that_katalon_never_writes_hardly_match() {
        for os in ["Mac", "OSX", "Win10", "Ubuntu", "Windows10"] {
            let remark = severity(row(os, "", "", 1), &[]);
            assert_eq!(remark, Some(Severity::HardlyMatches), "{os}");
        }
        for platform in ["Google Chrome", "Internet Explorer", "MS Edge", "Chromium"] {
            let remark = severity(row("", platform, "", 1), &[]);
            assert_eq!(remark, Some(Severity::HardlyMatches), "{platform}");
        }
    }

    #[test]
    fn names_that_katalon_writes_are_fine() {
        for (os, platform) in [
            ("Windows", "chrome"),
            ("Windows 11", "Edge"),
            ("macOS", "Safari"),
            ("Android", "Native App"),
        ] {
            let remark = severity(row(os, platform, "", 1), &[]);
            assert_eq!(remark, None, "{os} {platform}");
        }
    }
}
