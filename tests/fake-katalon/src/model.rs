//! What a suite run consists of: tests and their attempts.

use crate::step::Step;

/// Katalon's status of a test.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Status {
    /// PASSED.
    Passed,
    /// FAILED: a check did not hold.
    Failed,
    /// ERROR: the script broke.
    Error,
    /// INCOMPLETE: still open when the log ends. Nothing of the run comes after it.
    Incomplete,
    /// SKIPPED by a listener.
    Skipped,
}

impl Status {
    /// Katalon's word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Passed => "PASSED",
            Self::Failed => "FAILED",
            Self::Error => "ERROR",
            Self::Incomplete => "INCOMPLETE",
            Self::Skipped => "SKIPPED",
        }
    }
}

/// A planned test execution: a line of `testCaseBinding`, with all its attempts.
#[derive(Clone, Debug)]
pub struct Test {
    /// Id of the test case, `Test Cases/…`.
    pub id: String,
    /// Value of the iteration variable, as the log shows it; usually empty.
    pub iteration: String,
    /// Variables that the suite binds or the test case defaults.
    pub variables: Vec<Variable>,
    /// Attempts in order; the last one counts.
    pub attempts: Vec<Attempt>,
}

/// A variable of a test execution.
#[derive(Clone, Debug)]
pub struct Variable {
    /// Its name.
    pub name: String,
    /// Its value as text.
    pub value: String,
    /// Printed as asterisks.
    pub masked: bool,
    /// Comes from the default of the test case, not from the suite's binding.
    pub default: bool,
}

/// One attempt at a test.
#[derive(Clone, Debug)]
pub struct Attempt {
    /// How it ended.
    pub status: Status,
    /// The error's message.
    pub message: String,
    /// The printed stack; made up from the message when `None`.
    pub stack: Option<String>,
    /// Steps; made up from the status when empty.
    pub steps: Vec<Step>,
    /// Whether the failing step takes a picture, when the steps are made up.
    pub screenshot: bool,
}

impl Test {
    /// A test with one attempt.
    pub fn new(id: &str, attempt: Attempt) -> Self {
        Self {
            id: id.to_owned(),
            iteration: String::new(),
            variables: Vec::new(),
            attempts: vec![attempt],
        }
    }

    /// A test that passes.
    pub fn passed(id: &str) -> Self {
        Self::new(id, Attempt::new(Status::Passed, ""))
    }

    /// A test whose check does not hold.
    pub fn failed(id: &str, message: &str) -> Self {
        Self::new(id, Attempt::new(Status::Failed, message))
    }

    /// A test whose script breaks.
    pub fn error(id: &str, message: &str) -> Self {
        Self::new(id, Attempt::new(Status::Error, message))
    }

    /// A test during which the run is torn off; later tests are planned and never start.
    pub fn incomplete(id: &str) -> Self {
        Self::new(id, Attempt::new(Status::Incomplete, ""))
    }

    /// A test that a listener skips.
    pub fn skipped(id: &str) -> Self {
        Self::new(
            id,
            Attempt::new(
                Status::Skipped,
                "This test case was skipped in @BeforeTestCase",
            ),
        )
    }

    /// Puts an attempt before the others: it failed and was repeated at once.
    #[must_use]
    pub fn after(mut self, earlier: Attempt) -> Self {
        let last = self.attempts.len().saturating_sub(1);
        self.attempts.insert(last, earlier);
        self
    }

    /// Sets the value of the iteration variable.
    #[must_use]
    pub fn iteration(mut self, value: &str) -> Self {
        value.clone_into(&mut self.iteration);
        self
    }

    /// Binds a variable.
    #[must_use]
    pub fn variable(mut self, name: &str, value: &str) -> Self {
        self.variables.push(Variable::new(name, value));
        self
    }

    /// Adds a variable with all its marks.
    #[must_use]
    pub fn with_variable(mut self, variable: Variable) -> Self {
        self.variables.push(variable);
        self
    }

    /// Lets the failing step of the last attempt take a picture.
    #[must_use]
    pub fn screenshot(mut self) -> Self {
        if let Some(last) = self.attempts.last_mut() {
            last.screenshot = true;
        }
        self
    }

    /// Gives the last attempt a stack.
    #[must_use]
    pub fn stack(mut self, stack: &str) -> Self {
        if let Some(last) = self.attempts.last_mut() {
            last.stack = Some(stack.to_owned());
        }
        self
    }

    /// Adds a step to the last attempt; from then on none is made up.
    #[must_use]
    pub fn step(mut self, step: Step) -> Self {
        if let Some(last) = self.attempts.last_mut() {
            last.steps.push(step);
        }
        self
    }

    /// The status that counts.
    pub fn status(&self) -> Status {
        self.attempts
            .last()
            .map_or(Status::Passed, |attempt| attempt.status)
    }

    /// The last part of the id.
    pub fn name(&self) -> &str {
        self.id.rsplit('/').next().unwrap_or(&self.id)
    }
}

impl Variable {
    /// A bound, visible variable.
    pub fn new(name: &str, value: &str) -> Self {
        Self {
            name: name.to_owned(),
            value: value.to_owned(),
            masked: false,
            default: false,
        }
    }

    /// Prints asterisks instead of the value.
    #[must_use]
    pub fn masked(mut self) -> Self {
        self.masked = true;
        self
    }

    /// Makes it a default of the test case, which the binding does not name.
    #[must_use]
    pub fn defaulted(mut self) -> Self {
        self.default = true;
        self
    }

    /// The value as the log has it.
    pub(crate) fn shown(&self) -> &str {
        if self.masked { "******" } else { &self.value }
    }
}

impl Attempt {
    /// An attempt that ends so.
    pub fn new(status: Status, message: &str) -> Self {
        Self {
            status,
            message: message.to_owned(),
            stack: None,
            steps: Vec::new(),
            screenshot: false,
        }
    }

    /// Lets the failing step take a picture.
    #[must_use]
    pub fn screenshot(mut self) -> Self {
        self.screenshot = true;
        self
    }

    /// Adds a step.
    #[must_use]
    pub fn step(mut self, step: Step) -> Self {
        self.steps.push(step);
        self
    }
}
