//! A keyword of a script.

use crate::model::Status;

/// A keyword of a script.
#[derive(Clone, Debug)]
pub struct Step {
    /// The statement, for instance `click(findTestObject("Page_Cart/button_Buy"))`.
    pub action: String,
    /// How it ended; `Skipped` stands for NOT_RUN.
    pub status: Status,
    /// Message of its result.
    pub message: String,
    /// Takes a picture that the result refers to.
    pub screenshot: bool,
    /// The test case that it calls, with that one's steps.
    pub called: Option<(String, Vec<Step>)>,
    /// How long it takes; the run's pace when `None`.
    pub millis: Option<u32>,
}

impl Step {
    /// A step that ends so.
    pub fn new(action: &str, status: Status, message: &str) -> Self {
        let (action, message) = (action.to_owned(), message.to_owned());
        Self {
            action,
            status,
            message,
            screenshot: false,
            called: None,
            millis: None,
        }
    }

    /// A step that passes.
    pub fn passed(action: &str, message: &str) -> Self {
        Self::new(action, Status::Passed, message)
    }

    /// A step that fails.
    pub fn failed(action: &str, message: &str) -> Self {
        Self::new(action, Status::Failed, message)
    }

    /// A step that calls another test case.
    pub fn calls(test_case: &str, steps: Vec<Step>) -> Self {
        let failed = steps
            .iter()
            .find(|step| matches!(step.status, Status::Failed | Status::Error));
        let status = failed.map_or(Status::Passed, |step| step.status);
        let message = failed.map_or_else(
            || format!("Call Test Case '{test_case}' successfully"),
            |_| format!("Call Test Case '{test_case}' failed"),
        );
        let action = format!(
            "callTestCase(findTestCase(\"{}\"), [:])",
            test_case.trim_start_matches("Test Cases/")
        );

        Self {
            called: Some((test_case.to_owned(), steps)),
            ..Self::new(&action, status, &message)
        }
    }

    /// Takes a picture.
    #[must_use]
    pub fn with_screenshot(mut self) -> Self {
        self.screenshot = true;
        self
    }

    /// Sets how long it takes.
    #[must_use]
    pub fn lasting(mut self, millis: u32) -> Self {
        self.millis = Some(millis);
        self
    }
}
