//! A test with its attempts: start, variables, end.

use super::{Executed, Player};
use crate::json::Json;
use crate::model::{Attempt, Status, Test, Variable};
use crate::text::abbreviate;

impl Player<'_> {
    /// Plays a test with all its attempts.
    pub(super) fn test(&mut self, at: usize, test: &Test) {
        let count = test.attempts.len();
        for (number, attempt) in test.attempts.iter().enumerate() {
            self.wait(12);
            let start = self.now;
            self.start_test(at, test, number);
            self.variables(test);
            let steps = self.attempt_steps(test, attempt);
            let open = attempt.status == Status::Incomplete;
            let text = (!open).then(|| self.result(test, attempt));
            if open {
                self.script.ended = false;
            } else {
                self.end_test(test, number);
            }
            self.note(remark(test, attempt, number, count));
            let executed = Executed {
                test: at,
                last: number + 1 == count,
                status: attempt.status,
                text,
                start,
                end: self.now,
                steps,
            };
            self.script.executed.push(executed);
            if open {
                return;
            }
        }
    }

    fn start_test(&mut self, at: usize, test: &Test, attempt: usize) {
        let run = self.run;
        let remaining = (run.retries as usize).saturating_sub(attempt).to_string();
        let current = attempt.to_string();
        let source = self.source(&test.id);
        let uuid = run.test_uuid(at);
        let mut properties = vec![("remainingRetryCount", remaining.as_str())];
        if run.generation.is_10_2() {
            properties.push(("origin", ""));
        }

        properties.extend([
            ("name", test.id.as_str()),
            ("description", ""),
            ("iteration", test.iteration.as_str()),
            ("id", test.id.as_str()),
            ("source", source.as_str()),
            ("tag", ""),
            ("isOptional", "false"),
        ]);
        if run.generation.has_execution_ids() {
            properties.push(("uuid", uuid.as_str()));
        }

        properties.push(("currentRetryCount", current.as_str()));
        self.nested = 1;
        self.push(
            "START",
            "startTest",
            &format!("Start Test Case : {}", test.id),
            &properties,
        );
    }

    /// The `.tc` as the executing machine names it.
    pub(super) fn source(&self, id: &str) -> String {
        let separator = if self.project.contains('\\') {
            "\\"
        } else {
            "/"
        };
        format!(
            "{}{separator}{}.tc",
            self.project,
            id.replace('/', separator)
        )
    }

    fn variables(&mut self, test: &Test) {
        for variable in &test.variables {
            self.wait(1);
            self.push(
                "INFO",
                "logMessage",
                &format!("{} = {}", label(variable), variable.shown()),
                &[],
            );
        }
        if self.run.generation.has_execution_ids() {
            let text = self.binding_text(test);
            self.run_data("executionBindingVariables", &text);
        }
    }

    /// `executionBindingVariables`: a pretty JSON list.
    fn binding_text(&self, test: &Test) -> String {
        let modern = self.run.generation.has_execution_ids();
        let rows = test.variables.iter().map(|variable| {
            let value = ("value", Json::text(variable.shown()));
            let masked = ("masked", Json::Bool(variable.masked));
            if modern {
                let default = ("isDefault", Json::Bool(variable.default));
                return Json::object([
                    value,
                    default,
                    ("name", Json::text(&variable.name)),
                    masked,
                ]);
            }
            let name = label(variable);
            let short = ("displayReportName", Json::text(abbreviate(&name, 18)));
            Json::object([short, value, ("name", Json::text(name)), masked])
        });

        Json::List(rows.collect()).gson_pretty()
    }

    fn end_test(&mut self, test: &Test, attempt: usize) {
        let run = self.run;
        let binding = self.binding_text(test);
        let remaining = (run.retries as usize).saturating_sub(attempt).to_string();
        let current = attempt.to_string();
        let mut properties = vec![
            ("executionBindingVariables", binding.as_str()),
            ("applitools", "false"),
            ("remainingRetryCount", remaining.as_str()),
        ];

        if run.generation.is_10_2() {
            properties.push((
                "executedKeywords",
                "{\n  \"WebUI.openBrowser\": 1,\n  \"WebUI.click\": 1\n}",
            ));
        }

        properties.extend([
            ("currentRetryCount", current.as_str()),
            ("keywordsUsage", KEYWORDS_USAGE),
        ]);
        self.nested = 0;
        self.wait(1);
        self.push(
            "END",
            "endTest",
            &format!("End Test Case : {}", test.id),
            &properties,
        );
    }
}

/// The name as older versions print it: defaults are marked.
fn label(variable: &Variable) -> String {
    if variable.default {
        format!("(Default) {}", variable.name)
    } else {
        variable.name.clone()
    }
}

fn remark(test: &Test, attempt: &Attempt, number: usize, count: usize) -> String {
    let bound: Vec<String> = test
        .variables
        .iter()
        .filter(|variable| !variable.default)
        .map(|variable| format!("{}={}", variable.name, variable.shown()))
        .collect();
    let bound = if bound.is_empty() {
        String::new()
    } else {
        format!(" [{}]", bound.join(", "))
    };
    let again = if number + 1 < count {
        ", runs again"
    } else {
        ""
    };
    let pictured = attempt.screenshot || attempt.steps.iter().any(|step| step.screenshot);
    let picture = if pictured { ", picture taken" } else { "" };

    format!(
        "{}{bound}: {}{picture}{again}",
        test.name(),
        attempt.status.word()
    )
}

const KEYWORDS_USAGE: &str = "{
  \"web_ui\": true,
  \"web_service\": false,
  \"cucumber\": false,
  \"builtin\": false,
  \"mobile\": false,
  \"windows\": false,
  \"testng\": false
}";
