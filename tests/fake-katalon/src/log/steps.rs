//! The steps of an attempt and the record that decides it.

use super::words::{class_of, failure_text, stack_of};
use super::{ExecutedStep, Player};
use crate::model::{Attempt, Status, Test};
use crate::record::Exception;
use crate::seed;
use crate::step::Step;

const METHOD: &str = "com.kms.katalon.core.webui.keyword.builtin.ClickKeyword.click";

impl Player<'_> {
    /// Plays the steps: the browser is opened first, then come the given or made-up ones.
    pub(super) fn attempt_steps(&mut self, test: &Test, attempt: &Attempt) -> Vec<ExecutedStep> {
        let mut done = Vec::new();
        if attempt.status == Status::Skipped {
            return done;
        }

        if !self.run.configuration.is_empty() {
            done.push(self.open_browser());
        }

        let made_up;
        let steps = if attempt.steps.is_empty() {
            made_up = make_up(attempt);
            &made_up
        } else {
            &attempt.steps
        };

        for (at, step) in steps.iter().enumerate() {
            let open = attempt.status == Status::Incomplete && at + 1 == steps.len();
            done.push(self.step(test, attempt, step, at + 2, open));
        }

        done
    }

    fn open_browser(&mut self) -> ExecutedStep {
        let run = self.run;
        let action = "openBrowser(\"https://shop.example/\")";
        let start = self.start_keyword(action, 1);

        if !run.browser.is_empty() {
            let name = run.configuration.split(" (").next().unwrap_or_default();
            self.wait(2);
            self.push(
                "INFO",
                "logMessage",
                &format!("Starting '{name}' driver"),
                &[],
            );
            self.wait(i64::from(run.pace) / 2);
            self.run_data(
                "sessionId",
                &seed::session(&format!("{}@{}", run.suite, self.now)),
            );
            self.run_data("browser", &run.browser);
            self.run_data(
                "platform",
                run.os.trim_end_matches(" 64bit").trim_end_matches(" 32bit"),
            );
            self.run_data("seleniumVersion", run.generation.selenium());
            self.run_data("proxyInformation", PROXY);
        }

        for (name, value) in &run.run_data {
            self.run_data(name, value);
        }

        let message = "Browser is opened with url: 'https://shop.example/'";
        self.pass(message);
        self.end_keyword(action);

        executed(action, Status::Passed, message, start, self.now)
    }

    fn step(
        &mut self,
        test: &Test,
        attempt: &Attempt,
        step: &Step,
        index: usize,
        open: bool,
    ) -> ExecutedStep {
        let start = self.start_keyword(&step.action, index);
        if let Some((id, steps)) = &step.called {
            self.called(test, attempt, id, steps);
        }

        self.wait(i64::from(step.millis.unwrap_or(self.run.pace)));
        if open {
            return executed(&step.action, Status::Incomplete, "", start, self.now);
        }

        self.step_result(test, attempt, step);
        self.end_keyword(&step.action);

        executed(&step.action, step.status, &step.message, start, self.now)
    }

    fn step_result(&mut self, test: &Test, attempt: &Attempt, step: &Step) {
        let picture = step.screenshot.then(|| self.picture());
        let name = picture.as_ref().map(|(name, _)| name.clone());

        match step.status {
            Status::Passed => self.pass_with(&step.message, name.as_deref()),
            Status::Failed => self.fail_step(test, attempt, step, name.as_deref()),
            Status::Skipped => self.push("NOT_RUN", "logMessage", &step.message, &[]),
            // The script broke here: the step itself says nothing.
            Status::Error | Status::Incomplete => return,
        }

        if let Some(entry) = self.script.entries.last_mut() {
            entry.picture = picture;
        }
    }

    fn fail_step(&mut self, test: &Test, attempt: &Attempt, step: &Step, picture: Option<&str>) {
        let stack = step_stack(test, attempt, step);
        let class = class_of(attempt);
        let mut properties = vec![("failed.exception.class", class.as_str())];
        properties.extend(picture.map(|name| ("attachment", name)));
        properties.extend([
            ("failed.exception.stacktrace", stack.as_str()),
            ("failed.exception.message", &step.message),
        ]);
        self.push(
            "FAILED",
            "logMessage",
            &format!("{} (Root cause: {stack})", step.message),
            &properties,
        );
    }

    /// A test case called from a step: nested, and no result of its own.
    fn called(&mut self, test: &Test, attempt: &Attempt, id: &str, steps: &[Step]) {
        self.nested += 1;
        self.start_called(id);
        for (at, step) in steps.iter().enumerate() {
            self.step(test, attempt, step, at + 1, false);
        }

        match steps.iter().find(|step| step.status == Status::Failed) {
            Some(step) => {
                let stack = step_stack(test, attempt, step);
                let text = failure_text(id, &stack);
                self.decide("FAILED", &text, &stack, &step.message, &class_of(attempt));
            }
            None => self.push("PASSED", "logMessage", id, &[]),
        }

        self.nested = self.nested.saturating_sub(1);
        self.push("END", "endTest", &format!("End Test Case : {id}"), &[]);
    }

    fn start_called(&mut self, id: &str) {
        let source = self.source(id);
        let mut properties = vec![];
        if self.run.generation.is_10_2() {
            properties.push(("origin", ""));
        }

        properties.extend([
            ("name", id),
            ("description", ""),
            ("iteration", ""),
            ("id", id),
            ("source", source.as_str()),
            ("tag", ""),
            ("isOptional", "false"),
        ]);
        self.push(
            "START",
            "startTest",
            &format!("Start Test Case : {id}"),
            &properties,
        );
    }

    /// Writes the record that decides the test, and returns its text.
    pub(super) fn result(&mut self, test: &Test, attempt: &Attempt) -> String {
        self.wait(2);
        match attempt.status {
            Status::Passed => {
                self.push("PASSED", "logMessage", &test.id, &[]);
                test.id.clone()
            }
            Status::Skipped => {
                self.push("SKIPPED", "logMessage", &attempt.message, &[]);
                attempt.message.clone()
            }
            status => {
                let stack = stack_of(test, attempt);
                let text = failure_text(&test.id, &stack);
                let level = if status == Status::Error {
                    "ERROR"
                } else {
                    "FAILED"
                };
                self.decide(level, &text, &stack, &attempt.message, &class_of(attempt));
                text
            }
        }
    }

    /// A deciding failure; Katalon logs it one level up, with the throwable.
    fn decide(&mut self, level: &'static str, text: &str, stack: &str, message: &str, class: &str) {
        let nested = self.nested;
        self.nested = nested.saturating_sub(1);
        let properties = [
            ("failed.exception.stacktrace", stack),
            ("failed.exception.class", class),
            ("failed.exception.message", message),
        ];
        self.push(level, "logMessage", text, &properties);
        if let Some(entry) = self.script.entries.last_mut() {
            entry.record.exception = Some(Exception::from_stack(stack));
        }

        self.nested = nested;
    }

    fn start_keyword(&mut self, action: &str, index: usize) -> i64 {
        self.wait(2);
        let start = self.now;
        let (line, index) = ((18 + index * 2).to_string(), index.to_string());
        let properties = [("startLine", line.as_str()), ("stepIndex", index.as_str())];
        self.push(
            "START",
            "startKeyword",
            &format!("Start action : {action}"),
            &properties,
        );

        start
    }

    fn end_keyword(&mut self, action: &str) {
        self.wait(1);
        self.push("END", "endKeyword", &format!("End action : {action}"), &[]);
    }

    fn pass(&mut self, message: &str) {
        self.pass_with(message, None);
    }

    fn pass_with(&mut self, message: &str, picture: Option<&str>) {
        self.wait(1);
        let mut properties: Vec<(&str, &str)> = picture
            .map(|name| ("attachment", name))
            .into_iter()
            .collect();
        properties.extend([
            ("testops-method-name", METHOD),
            ("testops-execution-stacktrace", ""),
        ]);
        self.push("PASSED", "logMessage", message, &properties);
    }
}

/// The stack of a step that fails.
fn step_stack(test: &Test, attempt: &Attempt, step: &Step) -> String {
    let message = step.message.clone();
    stack_of(
        test,
        &Attempt {
            message,
            ..attempt.clone()
        },
    )
}

fn executed(action: &str, status: Status, message: &str, start: i64, end: i64) -> ExecutedStep {
    ExecutedStep {
        action: action.to_owned(),
        status,
        message: message.to_owned(),
        start,
        end,
    }
}

/// Steps for an attempt that has none of its own.
fn make_up(attempt: &Attempt) -> Vec<Step> {
    let click = "click(findTestObject(\"Object Repository/Page_Shop/button_Continue\"))";
    let clicked = "Object: 'Object Repository/Page_Shop/button_Continue' is clicked on";
    let mut steps = vec![Step::passed(click, clicked)];
    let check =
        "verifyElementText(findTestObject(\"Object Repository/Page_Shop/label_State\"), \"Ready\")";

    match attempt.status {
        Status::Failed => steps.push(Step::failed(check, &attempt.message)),
        Status::Error => steps.push(Step::new("total = prices.sum()", Status::Error, "")),
        Status::Incomplete => steps.push(Step::new(check, Status::Incomplete, "")),
        Status::Passed | Status::Skipped => {}
    }

    if let Some(last) = steps.last_mut() {
        last.screenshot = attempt.screenshot;
    }

    steps
}

const PROXY: &str = "ProxyInformation { proxyOption=NO_PROXY, proxyServerType=HTTP, username=, password=, proxyServerAddress=, proxyServerPort=0, executionList=\"\", isApplyToDesiredCapabilities=true }";
