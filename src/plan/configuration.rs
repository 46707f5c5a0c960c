//! Which ADO test configuration a run stands for: the row of the project's mapping that fits best.
//!
//! Katalon's own table of operating systems and browsers is not public; the names compared here are
//! those that occur in real mappings (`katalon/behaviour.md` §6). One row counts for the whole run
//! of a suite.

use crate::katalon::run::{Environment, TestResult};
use crate::katalon::settings::ConfigurationRow;
use crate::plan::snapshot::Snapshot;

/// The most specific row that matches; of equally specific ones the first in the file. `None` when
/// no row matches: points are then not filtered by configuration.
pub(crate) fn choose<'a>(
    rows: &'a [ConfigurationRow],
    environment: &Environment,
) -> Option<&'a ConfigurationRow> {
    let os = os_names(environment);
    let platform = platform_names(environment);
    let profile: Vec<String> = environment.profile.iter().cloned().collect();
    let mut best: Option<(u8, &ConfigurationRow)> = None;
    for row in rows {
        let fit = [
            (&row.os, &os),
            (&row.platform, &platform),
            (&row.profile, &profile),
        ]
        .into_iter()
        .try_fold(0, |exact, (wanted, names)| {
            Some(exact + column(wanted.as_deref(), names)?)
        });
        if let Some(exact) = fit
            && best.is_none_or(|(most, _)| exact > most)
        {
            best = Some((exact, row));
        }
    }
    best.map(|(_, row)| row)
}

/// The configurations of a snapshot: one for the whole run of a suite, one for each member of a
/// collection.
pub(crate) struct Configurations(Vec<Option<u32>>);

impl Configurations {
    /// Chooses the rows.
    pub(crate) fn of(snapshot: &Snapshot) -> Self {
        let id = |environment| {
            Some(choose(&snapshot.options.configuration_rows, environment)?.configuration_id)
        };
        Self(match &snapshot.joined {
            None => vec![id(&snapshot.run.environment)],
            Some(joined) => joined
                .members
                .iter()
                .map(|member| id(&member.environment))
                .collect(),
        })
    }

    /// The configuration for a test.
    pub(crate) fn for_test(&self, test: &TestResult) -> Option<u32> {
        self.0.get(test.member).copied().flatten()
    }
}

/// How exactly one column fits: 1 for its own name, 0 for a column that matches all, `None` for no
/// match.
fn column(wanted: Option<&str>, names: &[String]) -> Option<u8> {
    match wanted {
        None => Some(0),
        Some(wanted)
            if names
                .iter()
                .any(|name| name.to_lowercase() == wanted.trim().to_lowercase()) =>
        {
            Some(1)
        }
        Some(_) => None,
    }
}

/// The names under which a mapping may call the operating system or device of a run.
pub(crate) fn os_names(environment: &Environment) -> Vec<String> {
    if let Some(mobile) = mobile_os(environment) {
        return vec![mobile.to_owned()];
    }
    let named = environment.run_configuration.as_deref().unwrap_or_default();
    let tested = if is_remote(environment) {
        let in_name = named
            .strip_prefix("TestCloud - ")
            .and_then(|rest| rest.split(',').next());
        environment
            .remote_os
            .as_deref()
            .or(in_name)
            .or(environment.platform.as_deref())
    } else {
        environment.os.as_deref()
    };
    let Some(tested) = tested else {
        return Vec::new();
    };
    let mut names = vec![tested.to_owned()];
    if let Some((system, _bits)) = tested
        .rsplit_once(' ')
        .filter(|(_, last)| last.ends_with("bit"))
    {
        names.push(system.to_owned());
    }
    let lower = tested.to_lowercase();
    for (start, family) in [
        ("windows", "Windows"),
        ("mac", "macOS"),
        ("os x", "macOS"),
        ("linux", "Linux"),
    ] {
        if lower.starts_with(start) {
            names.push(family.to_owned());
        }
    }
    names
}

/// The names under which a mapping may call the browser or app of a run.
pub(crate) fn platform_names(environment: &Environment) -> Vec<String> {
    let mut names = Vec::new();
    let configuration = environment.run_configuration.as_deref().unwrap_or_default();
    if !configuration.is_empty() {
        names.push(configuration.to_owned());
        names.push(configuration.trim_end_matches(" (headless)").to_owned());
    }
    names.extend(
        environment
            .driver
            .as_deref()
            .and_then(driver_name)
            .map(str::to_owned),
    );
    let browser = environment
        .browser
        .as_deref()
        .map(without_version)
        .filter(|name| !name.is_empty());
    names.extend(browser.map(str::to_owned));
    let desktop_app = environment
        .driver
        .as_deref()
        .is_some_and(|driver| driver.starts_with("WINDOWS"));
    if browser.is_none() && (mobile_os(environment).is_some() || desktop_app) {
        names.push("Native App".to_owned());
    }
    if names.is_empty() && environment.run_configuration.is_some() {
        names.push("Web Service".to_owned());
    }
    if names.iter().any(|name| name == "Edge Chromium") {
        names.push("Edge".to_owned());
    }
    names.dedup();
    names
}

fn mobile_os(environment: &Environment) -> Option<&'static str> {
    let driver = environment.driver.as_deref().unwrap_or_default();
    let name = environment.run_configuration.as_deref().unwrap_or_default();
    let device = environment.device_os.as_deref().unwrap_or_default();
    [("Android", "ANDROID"), ("iOS", "IOS")]
        .into_iter()
        .find(|(os, prefix)| {
            device.eq_ignore_ascii_case(os)
                || driver.to_uppercase().starts_with(prefix)
                || is_device(name, os)
        })
        .map(|(os, _)| os)
}

/// Whether a run configuration is a device of this system, such as `Android - emulator-5554`.
fn is_device(name: &str, os: &str) -> bool {
    name.strip_prefix(os)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with(' '))
}

fn is_remote(environment: &Environment) -> bool {
    let driver = environment.driver.as_deref().unwrap_or_default();
    let name = environment.run_configuration.as_deref().unwrap_or_default();
    environment.remote_os.is_some()
        || matches!(
            driver,
            "REMOTE_WEB_DRIVER"
                | "REMOTE_CHROME_DRIVER"
                | "REMOTE_FIREFOX_DRIVER"
                | "TESTCLOUD_DRIVER"
        )
        || name.starts_with("Remote")
        || name.starts_with("TestCloud")
}

/// Display names of `WebUIDriverType` for the drivers that name a browser.
fn driver_name(driver: &str) -> Option<&'static str> {
    Some(match driver {
        "CHROME_DRIVER" | "HEADLESS_DRIVER" | "REMOTE_CHROME_DRIVER" => "Chrome",
        "FIREFOX_DRIVER" | "FIREFOX_HEADLESS_DRIVER" | "REMOTE_FIREFOX_DRIVER" => "Firefox",
        "EDGE_CHROMIUM_DRIVER" => "Edge Chromium",
        "EDGE_DRIVER" => "Edge",
        "IE_DRIVER" => "IE",
        "SAFARI_DRIVER" => "Safari",
        _ => return None,
    })
}

/// `Edge Chromium 121.0.2277.128` without the version.
fn without_version(browser: &str) -> &str {
    match browser.trim().rsplit_once(' ') {
        Some((name, version)) if version.starts_with(|c: char| c.is_ascii_digit()) => name.trim(),
        _ => browser.trim(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(os: &str, platform: &str, profile: &str, configuration_id: u32) -> ConfigurationRow {
        let some = |text: &str| (text != "--Any--").then(|| text.to_owned());
        ConfigurationRow {
            os: some(os),
            platform: some(platform),
            profile: some(profile),
            configuration_id,
        }
    }

    fn desktop(os: &str, configuration: &str, browser: &str) -> Environment {
        Environment {
            os: Some(os.to_owned()),
            run_configuration: Some(configuration.to_owned()),
            browser: Some(browser.to_owned()),
            profile: Some("default".to_owned()),
            ..Environment::default()
        }
    }

    #[test]
    fn the_most_specific_row_wins_and_a_tie_goes_to_the_first() {
        let rows = [
            row("--Any--", "--Any--", "--Any--", 1),
            row("Windows", "--Any--", "--Any--", 2),
            row("--Any--", "chrome", "--Any--", 3),
            row("Windows", "Chrome", "--Any--", 4),
            row("windows", "CHROME", "staging", 5),
        ];
        let windows = desktop("Windows 10 64bit", "Chrome", "Chrome 120.0.1");
        assert_eq!(
            choose(&rows, &windows).map(|row| row.configuration_id),
            Some(4)
        );
        assert_eq!(
            choose(&rows[..3], &windows).map(|row| row.configuration_id),
            Some(2)
        );
        assert_eq!(
            choose(&rows[..1], &windows).map(|row| row.configuration_id),
            Some(1)
        );
    }

    #[test]
    fn the_profile_counts_when_the_mapping_names_one() {
        let rows = [
            row("Windows", "Chrome", "--Any--", 4),
            row("Windows", "Chrome", "Staging", 5),
        ];
        let mut run = desktop("Windows 11 64bit", "Chrome", "Chrome 120.0.1");
        assert_eq!(choose(&rows, &run).map(|row| row.configuration_id), Some(4));
        run.profile = Some("staging".to_owned());
        assert_eq!(choose(&rows, &run).map(|row| row.configuration_id), Some(5));
    }

    #[test]
    fn no_row_matches_a_run_that_no_row_describes() {
        let rows = [row("Windows", "Chrome", "--Any--", 4)];
        assert_eq!(
            choose(&rows, &desktop("Linux 64bit", "Chrome", "Chrome 120")),
            None
        );
        assert_eq!(
            choose(&[], &desktop("Linux 64bit", "Chrome", "Chrome 120")),
            None
        );
    }

    #[test]
    fn real_environments_have_the_names_that_real_mappings_use() {
        let mac = desktop("Mac OS X 64bit", "Chrome (headless)", "Chrome 120.0.1");
        assert!(os_names(&mac).contains(&"macOS".to_owned()));
        assert!(platform_names(&mac).contains(&"Chrome".to_owned()));
        let edge = desktop(
            "Windows 10 64bit",
            "Edge Chromium",
            "Edge Chromium 121.0.2277.128",
        );
        assert!(platform_names(&edge).contains(&"Edge".to_owned()));
        let service = desktop("Windows 10 64bit", "", "");
        assert_eq!(platform_names(&service), ["Web Service"]);
    }

    #[test]
    fn of_a_mobile_or_cloud_run_the_device_counts_and_not_the_machine() {
        let mobile = Environment {
            device_os: Some("Android".to_owned()),
            ..desktop("Windows 10 64bit", "Android - emulator-5554", "")
        };
        assert_eq!(os_names(&mobile), ["Android"]);
        assert!(platform_names(&mobile).contains(&"Native App".to_owned()));
        let cloud = Environment {
            driver: Some("TESTCLOUD_DRIVER".to_owned()),
            ..desktop(
                "Linux 64bit",
                "TestCloud - Windows, Chrome version=99, Tunnel=false",
                "Chrome 99.0",
            )
        };
        assert!(os_names(&cloud).contains(&"Windows".to_owned()));
        assert!(!os_names(&cloud).contains(&"Linux".to_owned()));
        assert!(platform_names(&cloud).contains(&"Chrome".to_owned()));
    }
}
