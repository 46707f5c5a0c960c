//! `execution.properties`: one JSON object, written before the run starts.

use std::path::Path;

use crate::generation::Generation;
use crate::json::Json;
use crate::run::SuiteRunWriter;

/// The text of the file.
pub(crate) fn execution_properties(run: &SuiteRunWriter, folder: &Path) -> String {
    let value = Json::Object(entries(run, folder));
    if run.generation >= Generation::V11 {
        value.jackson_pretty()
    } else {
        value.jackson_line()
    }
}

fn entries(run: &SuiteRunWriter, folder: &Path) -> Vec<(String, Json)> {
    let (project, report) = run.recorded_folders(folder);
    let modern = run.generation.is_10_2();
    let mut all = vec![("Name", Json::text(&run.configuration))];

    if modern {
        all.push(("userFullName", Json::text(&run.user)));
        all.push(("projectName", Json::text(&run.project_name)));
    }

    all.push(("projectDir", Json::text(project.replace('\\', "/"))));
    all.push(("host", host(run)));
    all.push(("execution", execution(run, &report)));
    if modern {
        all.push(("executedEntity", Json::text("TestSuite")));
    }

    all.extend(suite(run, &project));
    all.extend(program(run));
    let mut all: Vec<(String, Json)> = all
        .into_iter()
        .map(|(key, value)| (key.to_owned(), value))
        .collect();
    all.extend(
        run.info
            .iter()
            .map(|(key, value)| (key.clone(), Json::text(value))),
    );
    all.push(("testops".to_owned(), Json::Object(vec![])));

    all
}

/// What is executed.
fn suite(run: &SuiteRunWriter, project: &str) -> [(&'static str, Json); 4] {
    let separator = if project.contains('\\') { "\\" } else { "/" };
    let path = run.suite.replace('/', separator);
    [
        ("id", Json::text(&run.suite)),
        ("name", Json::text(run.suite_name())),
        ("description", Json::text("")),
        (
            "source",
            Json::text(format!("{project}{separator}{path}.ts")),
        ),
    ]
}

/// What executes it.
fn program(run: &SuiteRunWriter) -> [(&'static str, Json); 12] {
    let listeners: &[&str] = if run.generation.is_10_2() {
        &[]
    } else {
        &["KatalonReportListener"]
    };
    let mode = if run.console { "CONSOLE" } else { "GUI" };
    let (version, build) = (run.generation.version(), run.generation.build());

    [
        ("sessionServer.host", Json::text("127.0.0.1")),
        ("sessionServer.port", Json::Number(58311)),
        ("isDebugLaunchMode", Json::Bool(false)),
        ("katalon.versionNumber", Json::text(version)),
        ("katalon.buildNumber", Json::text(build)),
        ("runningMode", Json::text(mode)),
        ("pluginTestListeners", Json::texts(listeners)),
        ("allowUsingSelfHealing", Json::Bool(true)),
        ("allowUsingTimeCapsule", Json::Bool(true)),
        ("allowCustomizeRequestTimeout", Json::Bool(true)),
        ("allowCustomizeRequestResponseSizeLimit", Json::Bool(true)),
        ("maxFailedTests", Json::Number(-1)),
    ]
}

fn host(run: &SuiteRunWriter) -> Json {
    Json::object([
        ("hostName", Json::text(run.host_name())),
        ("os", Json::text(&run.os)),
        ("hostPort", Json::Number(57449)),
        ("hostAddress", Json::text("127.0.0.1")),
    ])
}

fn execution(run: &SuiteRunWriter, report: &str) -> Json {
    Json::object([
        ("general", general(run, report)),
        ("drivers", drivers(run)),
        ("globalSmartWaitEnabled", Json::Bool(true)),
        ("smartLocatorEnabled", Json::Bool(true)),
        ("logTestSteps", Json::Bool(true)),
        ("hideHostname", Json::Bool(false)),
    ])
}

fn general(run: &SuiteRunWriter, report: &str) -> Json {
    Json::object([
        ("autoApplyNeighborXpaths", Json::Bool(false)),
        ("ignorePageLoadTimeoutException", Json::Bool(false)),
        ("timeCapsuleEnabled", Json::Bool(false)),
        ("executionProfile", Json::text(&run.profile)),
        (
            "xpathsPriority",
            priorities(&["xpath:attributes", "xpath:idRelative"]),
        ),
        ("timeout", Json::Number(30)),
        ("actionDelay", Json::Number(0)),
        (
            "methodsPriorityOrder",
            priorities(&["XPATH", "BASIC", "CSS", "IMAGE"]),
        ),
        ("proxy", Json::text(PROXY)),
        ("defaultFailureHandling", Json::text("STOP_ON_FAILURE")),
        ("terminateDriverAfterTestCase", Json::Bool(false)),
        ("defaultPageLoadTimeout", Json::Number(30)),
        ("report", report_settings(report)),
        ("enablePageLoadTimeout", Json::Bool(false)),
        ("terminateDriverAfterTestSuite", Json::Bool(true)),
        ("useActionDelayInSecond", Json::text("SECONDS")),
        ("testDataInfo", Json::Object(vec![])),
        ("selfHealingEnabled", Json::Bool(false)),
    ])
}

fn report_settings(report: &str) -> Json {
    Json::object([
        (
            "takeScreenshotSettings",
            Json::object([
                ("enable", Json::Bool(true)),
                ("takeScreenshotOption", Json::Null),
            ]),
        ),
        (
            "videoRecorderSettings",
            Json::object([
                ("enable", Json::Bool(false)),
                ("videoFormat", Json::text("WEBM")),
            ]),
        ),
        ("screenCaptureOption", Json::Bool(true)),
        ("reportFolder", Json::text(report)),
    ])
}

/// `drivers.system`: which driver the run configuration stands for.
fn drivers(run: &SuiteRunWriter) -> Json {
    let kind = match run.configuration.as_str() {
        "" => {
            return Json::object([
                ("system", Json::Object(vec![])),
                ("preferences", Json::Object(vec![])),
            ]);
        }
        "Chrome (headless)" => "HEADLESS_DRIVER",
        "Firefox" => "FIREFOX_DRIVER",
        "Firefox (headless)" => "FIREFOX_HEADLESS_DRIVER",
        "Edge Chromium" => "EDGE_CHROMIUM_DRIVER",
        "Safari" => "SAFARI_DRIVER",
        "IE" => "IE_DRIVER",
        "Windows" => "WINDOWS_DRIVER",
        "Remote" => "REMOTE_WEB_DRIVER",
        name if name.starts_with("Android") => "ANDROID_DRIVER",
        name if name.starts_with("iOS") => "IOS_DRIVER",
        name if name.starts_with("TestCloud") => "TESTCLOUD_DRIVER",
        _ => "CHROME_DRIVER",
    };

    let connector = match kind {
        "ANDROID_DRIVER" | "IOS_DRIVER" => "Mobile",
        "REMOTE_WEB_DRIVER" | "TESTCLOUD_DRIVER" => "Remote",
        _ => "WebUI",
    };
    Json::object([
        (
            "system",
            Json::object([(connector, Json::object([("browserType", Json::text(kind))]))]),
        ),
        (
            "preferences",
            Json::object([(connector, Json::Object(vec![]))]),
        ),
    ])
}

fn priorities(names: &[&str]) -> Json {
    let row =
        |name: &&str| Json::object([("left", Json::text(*name)), ("right", Json::Bool(true))]);
    Json::List(names.iter().map(row).collect())
}

const PROXY: &str = r#"{"proxyOption":"NO_PROXY","proxyServerType":"HTTP","username":"","password":"","proxyServerAddress":"","proxyServerPort":0,"exceptionList":"","applyToDesiredCapabilities":true}"#;
