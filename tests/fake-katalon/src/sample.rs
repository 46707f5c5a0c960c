//! The shop of the demo: a project, a suite run that shows every case, and the ADO world that fits.

use std::path::Path;

use fake_ado::World;

use crate::azure::{AzureSettings, ConfigurationRow, Sending};
use crate::model::{Attempt, Status, Test};
use crate::project::ProjectWriter;
use crate::run::SuiteRunWriter;
use crate::step::Step;
use crate::suite::SuiteFile;
use crate::test_case::TestCaseFile;

/// The suite of the sample.
pub const SUITE: &str = "Test Suites/Smoke/Checkout";

/// Organization, token and project in ADO.
pub const ORGANIZATION: &str = "demo-org";
/// The token that the project stores in clear.
pub const TOKEN: &str = "demo-token";
/// ADO's project.
pub const PROJECT: &str = "Shop";

const SIGN_IN: &str = "Test Cases/Account/Sign in";
const SEARCH: &str = "Test Cases/Catalogue/Search";
const CART: &str = "Test Cases/Checkout/Add to cart";
const CARD: &str = "Test Cases/Checkout/Pay by card";
const VOUCHER: &str = "Test Cases/Checkout/Apply voucher";
const DELIVERY: &str = "Test Cases/Checkout/Choose delivery";
const TRACK: &str = "Test Cases/Orders/Track parcel";
const NEWSLETTER: &str = "Test Cases/Account/Subscribe to newsletter";
const OPEN_SHOP: &str = "Test Cases/Common/Open shop";

/// What the suite executes, in its order.
const SUITE_TEST_CASES: [&str; 8] = [
    SIGN_IN, SEARCH, CART, CARD, VOUCHER, DELIVERY, TRACK, NEWSLETTER,
];

/// The test cases behind tests of [`run`] that carry no ADO id, one for each such test.
pub fn tests_without_id() -> Vec<String> {
    let cases = test_cases();
    let mut without = Vec::new();

    for test in run().tests {
        let carries_id = cases
            .iter()
            .any(|case| case.id == test.id && case.azure_ids.is_some());
        if !carries_id {
            without.push(test.id);
        }
    }

    without
}

/// The sample in numbers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Numbers {
    /// Test cases of the suite.
    pub test_cases: usize,
    /// Those of them that carry an ADO id.
    pub with_id: usize,
    /// Tests of [`run`]: an iteration is one, whatever its retries.
    pub tests: usize,
    /// Those that only passed or failed for good at a later attempt.
    pub retried: usize,
}

/// The sample in numbers, counted.
pub fn numbers() -> Numbers {
    let with_id = test_cases()
        .iter()
        .filter(|case| case.azure_ids.is_some() && SUITE_TEST_CASES.contains(&case.id.as_str()))
        .count();
    let tests = run().tests;

    Numbers {
        test_cases: SUITE_TEST_CASES.len(),
        with_id,
        tests: tests.len(),
        retried: tests.iter().filter(|test| test.attempts.len() > 1).count(),
    }
}

/// What is to exist in ADO for the sample.
#[derive(Clone, Debug)]
pub struct WorldDescription {
    /// Test configurations: id and name.
    pub configurations: Vec<(u32, &'static str)>,
    /// The plan: id and name.
    pub plan: (u32, &'static str),
    /// The suite in the plan: id and name.
    pub suite: (u32, &'static str),
    /// Test cases: id and title.
    pub test_cases: Vec<(u32, &'static str)>,
    /// The points.
    pub points: Vec<SamplePoint>,
}

/// A test point of the sample.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SamplePoint {
    /// Its id.
    pub id: u32,
    /// Its test case.
    pub test_case: u32,
    /// Its configuration.
    pub configuration: u32,
    /// The outcome that a submission of [`run`] must give it; `None`: it gets none.
    pub outcome: Option<&'static str>,
    /// How many sub-results that result must have.
    pub sub_results: usize,
    /// Whether it must have a picture.
    pub picture: bool,
}

/// What is to exist in ADO, and what must come of [`run`].
pub fn world_description() -> WorldDescription {
    let point = |id, test_case, configuration, outcome, sub_results| SamplePoint {
        id,
        test_case,
        configuration,
        outcome,
        sub_results,
        picture: matches!(id, 502 | 504 | 505),
    };
    WorldDescription {
        configurations: vec![(1, "Desktop + Chrome"), (2, "Desktop + Firefox")],
        plan: (18, "Release 1"),
        suite: (19, "Checkout"),
        test_cases: vec![
            (1001, "Sign in with a known account"),
            (1002, "Put an article into the cart"),
            (1003, "Pay by card"),
            (1004, "Apply a voucher"),
            (1005, "Search the catalogue"),
            (1006, "Delivery by post"),
            (1007, "Delivery to a shop"),
            (1008, "Track a parcel"),
        ],
        points: vec![
            point(501, 1001, 1, Some("Passed"), 0),
            point(502, 1002, 1, Some("Failed"), 0),
            point(503, 1003, 1, Some("Error"), 0),
            point(504, 1004, 1, Some("Failed"), 3),
            // The third attempt counts, the two before it are sub-results.
            point(505, 1005, 1, Some("Passed"), 2),
            point(506, 1006, 1, Some("Passed"), 0),
            point(507, 1007, 1, Some("Passed"), 0),
            // Another browser's point: the mapping must not choose it.
            point(601, 1001, 2, None, 0),
            // Test case 1008 has none: it is mapped, and not in the plan.
        ],
    }
}

/// The ADO world of [`world_description`], with the token.
pub fn world() -> World {
    let wanted = world_description();
    let world = World::new(ORGANIZATION).token(TOKEN).project(PROJECT);
    let world = wanted
        .configurations
        .iter()
        .fold(world, |world, (id, name)| world.configuration(*id, name));
    let world = world
        .plan(wanted.plan.0, wanted.plan.1)
        .suite(wanted.suite.0, wanted.suite.1);
    let world = wanted
        .test_cases
        .iter()
        .fold(world, |world, (id, title)| world.test_case(*id, title));

    wanted.points.iter().fold(world, |world, point| {
        world.point(
            point.id,
            wanted.suite.0,
            point.test_case,
            point.configuration,
        )
    })
}

/// The project, with the settings of someone who chose the plan and left the rest alone.
pub fn project(root: &Path, server_url: &str) -> ProjectWriter {
    let settings = AzureSettings {
        configuration_rows: vec![
            ConfigurationRow::new("--Any--", "Chrome", 1),
            ConfigurationRow::new("--Any--", "Firefox", 2),
        ],
        sending: Sending::All,
        file_types: Some(["LOG", "PNG", "HTML", "CSV"].map(str::to_owned).to_vec()),
        run_name: "Shop: checkout".to_owned(),
        override_automation_fields: Some(false),
        ..AzureSettings::connected(server_url, TOKEN, PROJECT, world_description().plan)
    };

    let project = ProjectWriter::new(root)
        .name(PROJECT)
        .azure(settings)
        .suite(SuiteFile {
            retries: 2,
            ..SuiteFile::new(SUITE, &SUITE_TEST_CASES)
        });

    test_cases()
        .into_iter()
        .fold(project, ProjectWriter::test_case)
}

fn test_cases() -> Vec<TestCaseFile> {
    vec![
        TestCaseFile::new(SIGN_IN)
            .azure("1001")
            .masked_variable("password", "not-a-secret"),
        TestCaseFile::new(SEARCH).azure("1005"),
        TestCaseFile::new(CART).azure("1002"),
        TestCaseFile::new(CARD).azure("1003"),
        TestCaseFile::new(VOUCHER)
            .azure("1004")
            .variable("code", ""),
        TestCaseFile::new(DELIVERY)
            .azure("${ado_id}")
            .variable("ado_id", "")
            .variable("way", ""),
        TestCaseFile::new(TRACK).azure("1008"),
        TestCaseFile::new(NEWSLETTER),
        TestCaseFile::new(OPEN_SHOP),
    ]
}

/// A run of the suite, with everything that a run can have.
pub fn run() -> SuiteRunWriter {
    SuiteRunWriter::new(SUITE).project_name(PROJECT).retries(2).tests([
        sign_in(),
        search(),
        Test::failed(
            CART,
            "Actual text 'Cart (0)' and expected text 'Cart (1)' of object 'Page_Shop/label_Cart' are different",
        )
        .screenshot(),
        Test::error(CARD, "No such property: cardNumber for class: Pay by card"),
        voucher("SPRING10", true),
        voucher("SUMMER20", true),
        voucher("EXPIRED", false),
        Test::passed(DELIVERY).variable("ado_id", "1006").variable("way", "post"),
        Test::passed(DELIVERY).variable("ado_id", "1007").variable("way", "shop"),
        Test::passed(TRACK),
        Test::passed(NEWSLETTER),
    ])
}

fn sign_in() -> Test {
    let open = vec![Step::passed(
        "navigateToUrl(\"https://shop.example/\")",
        "Navigate to 'https://shop.example/' successfully",
    )];
    Test::passed(SIGN_IN)
        .with_variable(
            crate::Variable::new("password", "not-a-secret")
                .masked()
                .defaulted(),
        )
        .step(Step::calls(OPEN_SHOP, open))
        .step(Step::passed(
            "setEncryptedText(findTestObject(\"Page_Shop/input_Password\"), password)",
            "Text ****** has been set on object 'Object Repository/Page_Shop/input_Password'",
        ))
}

fn search() -> Test {
    let slow = || {
        Attempt::new(
            Status::Failed,
            "Object 'Page_Shop/list_Results' is not present after 30 seconds",
        )
    };
    Test::passed(SEARCH)
        .after(slow().screenshot())
        .after(slow())
}

fn voucher(code: &str, good: bool) -> Test {
    let test = if good {
        Test::passed(VOUCHER)
    } else {
        Test::failed(
            VOUCHER,
            "Expected 'Voucher accepted' but was 'Voucher expired'",
        )
        .screenshot()
    };
    test.variable("code", code)
}
