//! Texts of failures: stacks and the result records' messages.

use crate::model::{Attempt, Status, Test};

/// The printed stack of an attempt that failed; ends with a line end, as Katalon's do.
pub(crate) fn stack_of(test: &Test, attempt: &Attempt) -> String {
    if let Some(stack) = &attempt.stack {
        return format!("{}\n", stack.trim_end_matches('\n'));
    }

    let script = test.name();
    let line = 20 + attempt.steps.len() * 2;
    let thrown = match attempt.status {
        Status::Error => format!(
            "{}: {}\n\tat org.codehaus.groovy.runtime.ScriptBytecodeAdapter.unwrap(ScriptBytecodeAdapter.java:67)\n",
            class_of(attempt),
            attempt.message
        ),
        _ => format!(
            "{}: {}\n\tat com.kms.katalon.core.webui.keyword.internal.WebUIKeywordMain.stepFailed(WebUIKeywordMain.groovy:117)\n\tat com.kms.katalon.core.keyword.internal.KeywordExecutor.executeKeywordForPlatform(KeywordExecutor.groovy:74)\n",
            class_of(attempt),
            attempt.message
        ),
    };

    format!(
        "{thrown}\tat {script}.run({script}:{line})\n\tat com.kms.katalon.core.main.ScriptEngine.run(ScriptEngine.java:194)\n\tat com.kms.katalon.core.main.TestCaseExecutor.runScript(TestCaseExecutor.java:448)\n\tat com.kms.katalon.core.main.TestSuiteExecutor.execute(TestSuiteExecutor.java:107)\n\tat TempTestSuite.run(TempTestSuite.groovy:36)\n"
    )
}

/// Class of the throwable: a failed check, or anything else.
pub(crate) fn class_of(attempt: &Attempt) -> String {
    let given = attempt
        .stack
        .as_deref()
        .and_then(|stack| stack.split([':', '\n']).next());
    let made = match attempt.status {
        Status::Error => "groovy.lang.MissingPropertyException",
        _ => "com.kms.katalon.core.exception.StepFailedException",
    };
    given.unwrap_or(made).trim().to_owned()
}

/// Message of the record that decides a failed test.
pub(crate) fn failure_text(id: &str, stack: &str) -> String {
    format!("{id} FAILED.\nReason:\n{stack}")
}
