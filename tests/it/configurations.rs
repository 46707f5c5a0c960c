//! The test configuration mapping, from the project's file to the point that gets the result.

use fake_ado::World;
use fake_katalon::{AzureSettings, ConfigurationRow, SuiteRunWriter, Test};

use crate::support::{Machine, finished, tc, world};

/// The mapping of the tests, by number of the configuration.
fn rows() -> Vec<ConfigurationRow> {
    let staging = ConfigurationRow {
        profile: Some("Staging".to_owned()),
        ..ConfigurationRow::new("Windows", "Chrome", 10)
    };
    vec![
        ConfigurationRow::new("Windows", "Chrome", 1),
        ConfigurationRow::new("macOS", "chrome", 2),
        ConfigurationRow::new("Linux", "Firefox", 3),
        ConfigurationRow::new("Android", "Native App", 4),
        ConfigurationRow::new("Android", "Chrome", 5),
        ConfigurationRow::new("iOS", "Native App", 6),
        ConfigurationRow::new("--Any--", "Web Service", 7),
        ConfigurationRow::new("Windows", "Edge", 8),
        ConfigurationRow::new("macOS", "--Any--", 9),
        staging,
        ConfigurationRow::new("--Any--", "--Any--", 11),
        ConfigurationRow::new("Windows", "IE", 12),
        ConfigurationRow::new("Windows", "Native App", 13),
        ConfigurationRow::new("macOS", "Safari", 14),
    ]
}

/// Test case 1001 has a point for each configuration of the mapping: 201 for the first one, and so
/// on.
fn mapped_world() -> World {
    let world = (3..=14).fold(world(), |world, id| {
        world.configuration(id, &format!("Configuration {id}"))
    });
    // Configuration 1 has point 11 already.
    (2..=14).fold(world, |world, id| world.point(200 + id, 22, 1001, id))
}

fn run() -> SuiteRunWriter {
    finished([Test::passed(&tc("Sign in"))])
}

/// The configuration of the point that the result of a run goes to.
fn configuration_of(run: &SuiteRunWriter) -> Option<u32> {
    configuration_by(rows(), run)
}

/// As [`configuration_of`], with a mapping of these rows.
fn configuration_by(rows: Vec<ConfigurationRow>, run: &SuiteRunWriter) -> Option<u32> {
    let machine = Machine::with(mapped_world());
    let settings = AzureSettings {
        configuration_rows: rows,
        ..machine.settings()
    };
    let shop = machine.shop_with(settings, &[("Sign in", "1001")]);

    let submitted = machine.submit(&shop, run);

    assert_eq!(submitted.code, 0, "{submitted:?}");
    machine.ado_run().results[0].configuration_id
}

#[test]
fn operating_system_and_browser_choose_the_configuration() {
    for (os, configuration, browser, wanted) in [
        ("Windows 11 64bit", "Chrome", "Chrome 148.0.7778.97", 1),
        ("Windows 7 64bit", "Chrome (headless)", "Chrome 120.0", 1),
        ("Mac OS X 64bit", "Chrome", "Chrome 120.0", 2),
        ("Linux 64bit", "Firefox (headless)", "Firefox 132.0", 3),
        (
            "Windows 10 64bit",
            "Edge Chromium",
            "Edge Chromium 121.0.2277.128",
            8,
        ),
        ("Windows 10 64bit", "IE", "IE 11", 12),
        ("Mac OS X 64bit", "Safari", "Safari 17.1", 14),
        ("Mac OS X 64bit", "Firefox", "Firefox 132.0", 9),
        ("Linux 64bit", "Chrome", "Chrome 120.0", 11),
    ] {
        let run = run().os(os).configuration(configuration).browser(browser);
        assert_eq!(configuration_of(&run), Some(wanted), "{os} {configuration}");
    }
}

#[test]
fn a_row_for_the_headless_browser_goes_before_one_for_the_browser() {
    let mapping = || {
        vec![
            ConfigurationRow::new("Linux", "Chrome", 3),
            ConfigurationRow::new("Linux", "Chrome (headless)", 4),
        ]
    };
    let on_linux = |configuration: &str| {
        run()
            .os("Linux 64bit")
            .configuration(configuration)
            .browser("Chrome 120.0")
    };

    let headless = configuration_by(mapping(), &on_linux("Chrome (headless)"));
    let with_window = configuration_by(mapping(), &on_linux("Chrome"));

    assert_eq!(headless, Some(4));
    assert_eq!(with_window, Some(3));
}

#[test]
fn a_device_with_its_app_or_browser_chooses_the_configuration() {
    let device = |configuration: &str, os: &str| {
        run()
            .os("Windows 10 64bit")
            .configuration(configuration)
            .browser("")
            .run_data("deviceOS", os)
    };

    assert_eq!(
        configuration_of(&device("Android - emulator-5554", "Android")),
        Some(4)
    );
    assert_eq!(
        configuration_of(&device("iOS - iPhone 15", "iOS").os("Mac OS X 64bit")),
        Some(6)
    );
    assert_eq!(
        configuration_of(&device("Android - Pixel 8", "Android").browser("Chrome 120.0")),
        Some(5)
    );
    let by_name = run()
        .os("Windows 10 64bit")
        .configuration("Android - emulator-5554")
        .browser("");
    assert_eq!(configuration_of(&by_name), Some(4));
}

#[test]
fn an_app_on_a_windows_desktop_is_a_native_app() {
    assert_eq!(
        configuration_of(
            &run()
                .os("Windows 11 64bit")
                .configuration("Windows")
                .browser("")
        ),
        Some(13)
    );
}

#[test]
fn a_web_service_suite_has_no_browser() {
    assert_eq!(
        configuration_of(&run().configuration("").browser("")),
        Some(7)
    );
}

#[test]
fn of_a_cloud_or_remote_run_the_remote_system_counts_and_not_the_host() {
    let cloud = run()
        .os("Linux 64bit")
        .configuration("TestCloud - Windows, Chrome version=99, Tunnel=false")
        .browser("Chrome 99.0");

    assert_eq!(configuration_of(&cloud), Some(1));
    let remote = run()
        .os("Linux 64bit")
        .configuration("Remote")
        .browser("Chrome 99.0")
        .run_data("remoteOS", "Windows 10");
    assert_eq!(configuration_of(&remote), Some(1));
    let remote = run()
        .os("Linux 64bit")
        .configuration("Remote")
        .browser("Firefox 99.0")
        .run_data("platform", "Mac OS X");
    assert_eq!(
        configuration_of(&remote),
        Some(9),
        "a grid that tells only its platform"
    );
    let device = run()
        .os("Windows 10 64bit")
        .configuration("TestCloud - Galaxy S22, version=14")
        .browser("")
        .run_data("deviceOS", "Android");
    assert_eq!(configuration_of(&device), Some(4));
}

#[test]
fn the_execution_profile_chooses_among_rows_that_name_one() {
    let windows = |profile: &str| run().os("Windows 11 64bit").profile(profile);

    assert_eq!(configuration_of(&windows("staging")), Some(10));
    assert_eq!(configuration_of(&windows("default")), Some(1));
}
