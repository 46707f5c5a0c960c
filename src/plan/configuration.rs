//! Which ADO test configuration a run stands for (product contract, section 3, "Configuration"):
//! the row of the project's mapping that fits best.
//!
//! Katalon's own table of operating systems and browsers is not public; the names compared here are
//! those that occur in real mappings (`katalon/behaviour.md` §6). One row counts for the whole run
//! of a suite.

use crate::katalon::run::{Environment, TestResult};
use crate::katalon::settings::ConfigurationRow;
use crate::plan::snapshot::Snapshot;

/// The most specific row that matches; of equally specific ones the first in the file, but one with
/// the exact display name of the browser, such as `Chrome (headless)`, before one with its base.
/// `None` when no row matches: points are then not filtered by configuration.
pub(crate) fn choose<'a>(
    rows: &'a [ConfigurationRow],
    environment: &Environment,
) -> Option<&'a ConfigurationRow> {
    let os = os_names(environment);
    let platform = platform_names(environment);
    let profile: Vec<String> = environment.profile.iter().cloned().collect();

    // Which of several rows Katalon itself takes is not known (`katalon/behaviour.md` §6). In
    // public projects most rows are `--Any--` throughout, so one that says more was meant for its
    // case.
    let mut best: Vec<&ConfigurationRow> = Vec::new();
    let mut most_specific = 0;
    for row in rows {
        let columns = [
            (&row.os, &os),
            (&row.platform, &platform),
            (&row.profile, &profile),
        ];
        let matches = columns
            .iter()
            .all(|(wanted, names)| matches_one(wanted.as_deref(), names));
        if !matches {
            continue;
        }

        // `--Any--` matches everything, so a row is as specific as it has other columns.
        let specific = columns
            .iter()
            .filter(|(wanted, _)| wanted.is_some())
            .count();
        if specific > most_specific {
            most_specific = specific;
            best.clear();
        }
        if specific == most_specific {
            best.push(row);
        }
    }

    let first = *best.first()?;
    let exact_name = platform.get(..1).unwrap_or_default();
    if matches_one(first.platform.as_deref(), exact_name) {
        return Some(first);
    }

    // It has a name that holds for the browser as well.
    let exact = best
        .into_iter()
        .find(|row| row.platform.is_some() && matches_one(row.platform.as_deref(), exact_name));
    Some(exact.unwrap_or(first))
}

/// Whether a column matches one of these names, whatever the case; `None` is `--Any--`.
fn matches_one(wanted: Option<&str>, names: &[String]) -> bool {
    let Some(wanted) = wanted else {
        return true;
    };
    let wanted = wanted.trim().to_lowercase();
    names.iter().any(|name| name.to_lowercase() == wanted)
}

/// The configurations of a snapshot: one for the whole run of a suite, one for each member of a
/// collection.
pub(super) struct Configurations(Vec<Option<u32>>);

impl Configurations {
    /// Chooses a row for each environment.
    pub(super) fn of(snapshot: &Snapshot) -> Self {
        let rows = &snapshot.options.configuration_rows;
        if !snapshot.is_collection() {
            return Self(vec![id_of(choose(rows, &snapshot.run.environment))]);
        }

        let mut configurations = Vec::new();
        for member in snapshot.members() {
            configurations.push(id_of(choose(rows, &member.environment)));
        }
        Self(configurations)
    }

    /// The configuration for a test.
    pub(super) fn for_test(&self, test: &TestResult) -> Option<u32> {
        self.0.get(test.member).copied().flatten()
    }
}

/// The names that a row of the mapping usually has for the system or device, and for the browser or
/// app of a run: those that hold for the most runs.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct UsualNames {
    pub os: Option<String>,
    pub platform: Option<String>,
}

/// The usual names for where a run took place.
pub(crate) fn usual_names(environment: &Environment) -> UsualNames {
    // The names go from the exact one to that of the family.
    UsualNames {
        os: os_names(environment).pop(),
        platform: platform_names(environment).pop(),
    }
}

fn id_of(row: Option<&ConfigurationRow>) -> Option<u32> {
    row.map(|row| row.configuration_id)
}

/// The names under which a mapping may call the operating system or device of a run.
fn os_names(environment: &Environment) -> Vec<String> {
    if let Some(mobile) = mobile_os(environment) {
        // Only the device: a row for `Windows` is not meant for the machine that drives a phone.
        return vec![mobile.to_owned()];
    }
    let Some(tested) = tested_os(environment) else {
        return Vec::new();
    };

    let mut names = vec![tested.to_owned()];

    // `Windows 10 64bit` is `Windows 10` as well, …
    if let Some((system, last_word)) = tested.rsplit_once(' ')
        && last_word.ends_with("bit")
    {
        names.push(system.to_owned());
    }

    // … and `Windows`.
    let families = [
        ("windows", "Windows"),
        ("mac", "macOS"),
        ("os x", "macOS"),
        ("linux", "Linux"),
    ];
    let lower = tested.to_lowercase();
    for (start, family) in families {
        if lower.starts_with(start) {
            names.push(family.to_owned());
        }
    }

    names
}

/// The operating system that the tests saw: of a remote or cloud run not that of the machine that
/// drove it.
fn tested_os(environment: &Environment) -> Option<&str> {
    if !is_remote(environment) {
        return environment.os.as_deref();
    }
    if let Some(remote_os) = &environment.remote_os {
        return Some(remote_os);
    }

    // `TestCloud - Windows, Chrome version=99, Tunnel=false`
    let named = environment
        .run_configuration
        .as_deref()
        .and_then(|name| name.strip_prefix("TestCloud - "))
        .and_then(|rest| rest.split(',').next());
    named.or(environment.platform.as_deref())
}

/// The names under which a mapping may call the browser or app of a run, its exact display name
/// first.
fn platform_names(environment: &Environment) -> Vec<String> {
    let mut names = Vec::new();

    let configuration = environment.run_configuration.as_deref().unwrap_or_default();
    if !configuration.is_empty() {
        names.push(configuration.to_owned());

        // The browser that the log names looks the same headless or not (`katalon/behaviour.md`
        // §6): only this name tells, and a row may ask for either.
        names.push(configuration.trim_end_matches(" (headless)").to_owned());
    }

    let driver = environment.driver.as_deref().unwrap_or_default();
    for name in driver_names(driver) {
        names.push((*name).to_owned());
    }

    let browser = environment.browser.as_deref().map(without_version);
    match browser {
        Some(browser) if !browser.is_empty() => names.push(browser.to_owned()),
        // Without a browser it is an app, of a device or of the desktop.
        _ if mobile_os(environment).is_some() || driver.starts_with("WINDOWS") => {
            names.push("Native App".to_owned());
        }
        _ => {}
    }

    // Katalon writes an empty run configuration for a web service suite.
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

    for (os, driver_prefix) in [("Android", "ANDROID"), ("iOS", "IOS")] {
        if device.eq_ignore_ascii_case(os)
            || driver.to_uppercase().starts_with(driver_prefix)
            || is_device(name, os)
        {
            return Some(os);
        }
    }
    None
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

/// Display names of `WebUIDriverType` for the drivers that name a browser, the exact one first.
fn driver_names(driver: &str) -> &'static [&'static str] {
    match driver {
        "CHROME_DRIVER" | "REMOTE_CHROME_DRIVER" => &["Chrome"],
        "HEADLESS_DRIVER" => &["Chrome (headless)", "Chrome"],
        "FIREFOX_DRIVER" | "REMOTE_FIREFOX_DRIVER" => &["Firefox"],
        "FIREFOX_HEADLESS_DRIVER" => &["Firefox (headless)", "Firefox"],
        "EDGE_CHROMIUM_DRIVER" => &["Edge Chromium"],
        "EDGE_DRIVER" => &["Edge"],
        "IE_DRIVER" => &["IE"],
        "SAFARI_DRIVER" => &["Safari"],
        _ => &[],
    }
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
        ConfigurationRow {
            os: column(os),
            platform: column(platform),
            profile: column(profile),
            configuration_id,
        }
    }

    fn column(text: &str) -> Option<String> {
        (text != "--Any--").then(|| text.to_owned())
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

    fn chosen(rows: &[ConfigurationRow], environment: &Environment) -> Option<u32> {
        choose(rows, environment).map(|row| row.configuration_id)
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

        assert_eq!(chosen(&rows, &windows), Some(4));
        assert_eq!(chosen(&rows[..3], &windows), Some(2));
        assert_eq!(chosen(&rows[..1], &windows), Some(1));
    }

    #[test]
    fn a_row_for_headless_goes_before_one_for_its_browser_which_still_matches() {
        let rows = [
            row("Windows", "Chrome", "--Any--", 1),
            row("Windows", "chrome (headless)", "--Any--", 2),
        ];
        let headless = desktop("Windows 11 64bit", "Chrome (headless)", "Chrome 120.0.1");
        let with_window = desktop("Windows 11 64bit", "Chrome", "Chrome 120.0.1");

        assert_eq!(chosen(&rows, &headless), Some(2));
        assert_eq!(chosen(&rows[..1], &headless), Some(1));
        assert_eq!(chosen(&rows, &with_window), Some(1));
        assert_eq!(chosen(&rows[1..], &with_window), None);
    }

    #[test]
    fn without_a_run_configuration_the_driver_tells_that_a_browser_was_headless() {
        let rows = [
            row("--Any--", "Firefox", "--Any--", 1),
            row("--Any--", "Firefox (headless)", "--Any--", 2),
        ];
        let headless = Environment {
            driver: Some("FIREFOX_HEADLESS_DRIVER".to_owned()),
            run_configuration: None,
            ..desktop("Linux 64bit", "", "Firefox 132.0")
        };

        assert_eq!(chosen(&rows, &headless), Some(2));
        assert_eq!(chosen(&rows[..1], &headless), Some(1));
    }

    #[test]
    fn each_driver_of_katalon_is_called_as_in_its_dialog() {
        for (driver, names) in [
            ("CHROME_DRIVER", &["Chrome"][..]),
            ("REMOTE_CHROME_DRIVER", &["Chrome"]),
            ("HEADLESS_DRIVER", &["Chrome (headless)", "Chrome"]),
            ("FIREFOX_DRIVER", &["Firefox"]),
            ("REMOTE_FIREFOX_DRIVER", &["Firefox"]),
            (
                "FIREFOX_HEADLESS_DRIVER",
                &["Firefox (headless)", "Firefox"],
            ),
            ("EDGE_CHROMIUM_DRIVER", &["Edge Chromium", "Edge"]),
            ("EDGE_DRIVER", &["Edge"]),
            ("IE_DRIVER", &["IE"]),
            ("SAFARI_DRIVER", &["Safari"]),
            ("ANDROID_DRIVER", &["Native App"]),
            ("WINDOWS_DRIVER", &["Native App"]),
            ("OTHER_DRIVER", &[]),
        ] {
            let environment = Environment {
                driver: Some(driver.to_owned()),
                ..Environment::default()
            };

            assert_eq!(platform_names(&environment), names, "{driver}");
        }
    }

    #[test]
    fn a_version_is_a_last_word_that_begins_with_a_digit() {
        assert_eq!(
            without_version("Edge Chromium 121.0.2277.128"),
            "Edge Chromium"
        );
        assert_eq!(without_version("Chrome (headless)"), "Chrome (headless)");
        assert_eq!(without_version(" Safari "), "Safari");
    }

    #[test]
    fn the_profile_counts_when_the_mapping_names_one() {
        let rows = [
            row("Windows", "Chrome", "--Any--", 4),
            row("Windows", "Chrome", "Staging", 5),
        ];
        let default = desktop("Windows 11 64bit", "Chrome", "Chrome 120.0.1");
        let staging = Environment {
            profile: Some("staging".to_owned()),
            ..default.clone()
        };

        assert_eq!(chosen(&rows, &default), Some(4));
        assert_eq!(chosen(&rows, &staging), Some(5));
    }

    #[test]
    fn no_row_matches_a_run_that_no_row_describes() {
        let rows = [row("Windows", "Chrome", "--Any--", 4)];
        let linux = desktop("Linux 64bit", "Chrome", "Chrome 120");

        assert_eq!(chosen(&rows, &linux), None);
        assert_eq!(chosen(&[], &linux), None);
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
    fn device_driver_and_run_configuration_each_tell_a_mobile_run() {
        type Sign = fn(&mut Environment);
        let signs: [(Sign, &str); 5] = [
            (|run| run.device_os = Some("ANDROID".into()), "Android"),
            (|run| run.driver = Some("ANDROID_DRIVER".into()), "Android"),
            (|run| run.driver = Some("IOS_DRIVER".into()), "iOS"),
            (|run| run.run_configuration = Some("iOS".into()), "iOS"),
            (|run| run.run_configuration = Some("iOS - 7".into()), "iOS"),
        ];

        for (sign, os) in signs {
            let mut environment = desktop("Windows 10 64bit", "", "");
            sign(&mut environment);

            assert_eq!(os_names(&environment), [os], "{environment:?}");
        }
        let no_device = desktop("Linux 64bit", "iOSlike", "");
        assert_eq!(mobile_os(&no_device), None);
    }

    #[test]
    fn remote_system_driver_and_run_configuration_each_tell_a_remote_run() {
        type Sign = fn(&mut Environment);
        let signs: [Sign; 5] = [
            |run| run.remote_os = Some("Windows 11".into()),
            |run| run.driver = Some("REMOTE_WEB_DRIVER".into()),
            |run| run.driver = Some("TESTCLOUD_DRIVER".into()),
            |run| run.run_configuration = Some("Remote".into()),
            |run| run.run_configuration = Some("TestCloud - Windows".into()),
        ];

        for sign in signs {
            let mut environment = desktop("Linux 64bit", "Chrome", "Chrome 120.0");
            sign(&mut environment);

            let machine_counts = os_names(&environment).contains(&"Linux".to_owned());
            assert!(!machine_counts, "{environment:?}");
        }
    }

    #[test]
    fn of_a_mobile_run_the_device_counts_and_not_the_machine() {
        let mobile = Environment {
            device_os: Some("Android".to_owned()),
            ..desktop("Windows 10 64bit", "Android - emulator-5554", "")
        };

        assert_eq!(os_names(&mobile), ["Android"]);
        assert!(platform_names(&mobile).contains(&"Native App".to_owned()));
    }

    #[test]
    fn of_a_cloud_run_the_remote_system_counts_and_not_the_machine() {
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
