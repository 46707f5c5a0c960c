//! The numbers of the demo, each with where it comes from, and whether they add up.

use fake_ado::{FakeAdo, RecordedRequest, TestRun};
use fake_katalon::sample::{self, Numbers};
use serde_json::Value;

use crate::say;

/// Everything that was counted.
pub struct Figures {
    numbers: Numbers,
    /// Tests that have no result, with the reason.
    left_out: Vec<(String, String)>,
    /// Iterations beyond the first of each result that holds several.
    merged: usize,
    results: usize,
    run_files: usize,
    result_files: usize,
    /// What requests were for, in the order of the first of each.
    requests: Vec<(&'static str, usize)>,
    kilobytes: u64,
}

impl Figures {
    /// Counts what arrived; of the ledger (`kado runs --json`) only what was left out.
    pub fn gather(fake: &FakeAdo, ledger: Option<&Value>) -> Self {
        let requests = fake.requests();
        let bytes: u64 = requests.iter().map(|request| request.body_size).sum();
        let world = fake.world();
        let mut left_out = left_out(ledger);
        for test in sample::tests_without_id() {
            left_out.push((
                test,
                "it has no ADO id, so it is counted and not sent".to_owned(),
            ));
        }

        let mut figures = Self {
            numbers: sample::numbers(),
            left_out,
            merged: 0,
            results: 0,
            run_files: 0,
            result_files: 0,
            requests: Vec::new(),
            kilobytes: bytes / 1024,
        };

        for run in world.runs() {
            figures.count_run(run);
        }

        for request in &requests {
            figures.count_request(purpose(request));
        }

        figures
    }

    fn count_run(&mut self, run: &TestRun) {
        self.results += run.results.len();
        self.run_files += run.attachments.len();

        for result in &run.results {
            self.result_files += result.attachments.len();
            for sub in &result.sub_results {
                self.result_files += sub.attachments.len();
            }

            if result.result_group_type.as_deref() == Some("dataDriven") {
                self.merged += result.sub_results.len().saturating_sub(1);
            }
        }
    }

    fn count_request(&mut self, purpose: &'static str) {
        if let Some((_, count)) = self
            .requests
            .iter_mut()
            .find(|(known, _)| *known == purpose)
        {
            *count += 1;
        } else {
            self.requests.push((purpose, 1));
        }
    }

    /// Prints them as sums.
    pub fn print(&self) {
        say(&format!(
            "{:4} tests ended in Katalon ({} of them was repeated until it passed, and counts once)",
            self.numbers.tests, self.numbers.retried
        ));
        for (test, reason) in &self.left_out {
            say(&format!("  -1 {test}: {reason}"));
        }
        let merged = format!("-{}", self.merged);
        say(&format!(
            "{merged:>4} further iterations of a test case with one id: sub-results of its one result"
        ));
        print_sum(self.results, "results in the test run");

        say(&format!(
            "{:4} files of the run: its log and reports",
            self.run_files
        ));
        say(&format!(
            "{:4} pictures, at the results whose tests took them",
            self.result_files
        ));
        print_sum(self.run_files + self.result_files, "files arrived");

        let mut all = 0;
        for (purpose, count) in &self.requests {
            all += count;
            say(&format!("{count:4} {purpose}"));
        }
        print_sum(all, &format!("requests with {} kB in all", self.kilobytes));
    }

    /// What does not add up.
    pub fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        let expected = self
            .numbers
            .tests
            .checked_sub(self.left_out.len() + self.merged);
        if expected != Some(self.results) {
            problems.push("the numbers of tests and results do not add up".to_owned());
        }

        let uploads = self
            .requests
            .iter()
            .find(|(purpose, _)| *purpose == SENDS_A_FILE)
            .map_or(0, |(_, count)| *count);
        if uploads != self.run_files + self.result_files {
            problems.push(format!(
                "{uploads} requests sent a file, and {} files arrived",
                self.run_files + self.result_files
            ));
        }

        problems
    }
}

/// Ends a sum.
fn print_sum(sum: usize, what: &str) {
    let sum = format!("={sum}");
    say(&format!("{sum:>4} {what}"));
    say("");
}

const SENDS_A_FILE: &str = "send a file each";

/// What a request was for.
fn purpose(request: &RecordedRequest) -> &'static str {
    let path = request.path.to_lowercase();
    let resource = path.split_once("/_apis/").map_or("", |(_, rest)| rest);
    let segments: Vec<&str> = resource.split('/').collect();

    match (request.method.as_str(), segments.as_slice()) {
        ("POST", ["test", "runs"]) => "create the test run",
        ("GET", ["test", "runs"]) => "look whether the test run is there already",
        ("PATCH", ["test", "runs", _]) => "complete the test run",
        ("GET", ["test", "runs", _]) => "read the test run",
        ("GET", ["test", "runs", _, "results"]) => "read which result belongs to which test point",
        ("PATCH", ["test", "runs", _, "results"]) => "write the results",
        ("POST", [.., "attachments"]) => SENDS_A_FILE,
        ("GET" | "POST", ["testplan", ..] | ["test", "points"]) => {
            "read the test plan and its test points"
        }
        ("GET", ["wit", ..]) | ("POST", ["wit", "workitemsbatch"]) => {
            "read which of the test cases are marked as automated"
        }
        ("PATCH", ["wit", "workitems", _]) => "mark a test case as automated each",
        _ => "find the server and its API version",
    }
}

/// The tests without a result and the reasons, from the ledger.
fn left_out(ledger: Option<&Value>) -> Vec<(String, String)> {
    let mut left_out = Vec::new();
    for row in ledger.and_then(Value::as_array).into_iter().flatten() {
        for one in row["skipped"].as_array().into_iter().flatten() {
            let test = one["test"].as_str().unwrap_or("a test").to_owned();
            let reason = one["reason"]
                .as_str()
                .unwrap_or("no reason given")
                .to_owned();
            left_out.push((test, reason));
        }
    }

    left_out
}
