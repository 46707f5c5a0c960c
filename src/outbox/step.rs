//! The steps of a submission and their order. Pure.
//!
//! ```text
//! create run ─▶ read results ─▶ write results (batches, several at a time) ─▶ automation fields
//!   ─▶ attach (several at a time) ─▶ left-out list ─▶ complete
//! ```
//!
//! A step is `planned`, then `intended` before its request leaves, then `confirmed` or `refused` by
//! ADO's answer (invariant I4). A step that is found `intended` may have happened: ADO is asked
//! before it is sent again (I5). Of a run that is submitted only files that were given up are
//! planned anew, with the steps that name what is missing (`store/steps.rs`).

use std::mem::discriminant;
use std::ops::Range;

use serde::{Deserialize, Serialize};

use crate::plan::SubmissionPlan;
use crate::plan::results::PlannedResult;

/// Most results in one request (`ado/api.md` §11: limits of live clients; 1000 is refused).
pub(crate) const BATCH: usize = 100;
/// Most results and sub-results together in one request, so that its body keeps to some megabytes.
const PARTS: usize = 1000;

/// A request that writes. Stored as JSON, and read by name in SQL (`store/summaries.rs` looks for
/// `attach`), so a name that is changed needs a migration.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Step {
    /// Create the test run with its points.
    CreateRun,
    /// Read back which result belongs to which point, and add those that are missing.
    ReadResults,
    /// Write the results of one batch, by its number.
    WriteResults(usize),
    /// Set the automation fields of the test cases.
    AutomationFields,
    /// Send one attachment, by its place in the plan.
    Attach(usize),
    /// Attach the list of what was left out, if it does not fit into the comment.
    LeftOutList,
    /// Complete the run.
    Complete,
}

/// How far a step is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum StepState {
    /// Not begun.
    Planned,
    /// Its request may have left.
    Intended,
    /// ADO confirmed it.
    Confirmed,
    /// ADO refused it for good; what it was for is named in the run's comment.
    Refused,
}

impl StepState {
    /// All states.
    pub(crate) const ALL: [Self; 4] = [
        Self::Planned,
        Self::Intended,
        Self::Confirmed,
        Self::Refused,
    ];

    /// The word in the database.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Planned => "planned",
            Self::Intended => "intended",
            Self::Confirmed => "confirmed",
            Self::Refused => "refused",
        }
    }

    /// Whether nothing is left to do for the step.
    pub(crate) const fn is_settled(self) -> bool {
        matches!(self, Self::Confirmed | Self::Refused)
    }

    /// Whether a step may go from this state to `to`; every other move is a defect, but for files
    /// that were given up and are planned anew (`Store::try_given_up_files`).
    pub(crate) const fn may_become(self, to: Self) -> bool {
        matches!(
            (self, to),
            // A step is intended again when a look at ADO showed that it had not happened.
            (Self::Planned | Self::Intended, Self::Intended)
                | (Self::Intended, Self::Confirmed | Self::Refused)
        )
    }
}

/// All steps of a plan, in order.
pub(crate) fn steps(plan: &SubmissionPlan) -> Vec<Step> {
    let mut steps = vec![Step::CreateRun, Step::ReadResults];
    for batch in 0..batches(plan).len() {
        steps.push(Step::WriteResults(batch));
    }
    if plan.automation.is_some() {
        steps.push(Step::AutomationFields);
    }
    for attachment in 0..plan.attachments.len() {
        steps.push(Step::Attach(attachment));
    }

    // Both name what ADO refused, so they come after all that it may refuse.
    steps.extend([Step::LeftOutList, Step::Complete]);
    steps
}

/// The results of each [`Step::WriteResults`], as ranges of the plan's results.
pub(crate) fn batches(plan: &SubmissionPlan) -> Vec<Range<usize>> {
    let mut batches: Vec<Range<usize>> = Vec::new();
    let mut parts_in_batch = 0;

    for (index, result) in plan.results.iter().enumerate() {
        parts_in_batch += parts(result);
        match batches.last_mut() {
            Some(batch) if batch.len() < BATCH && parts_in_batch <= PARTS => batch.end = index + 1,
            // One that is too large by itself is sent alone.
            _ => {
                parts_in_batch = parts(result);
                batches.push(index..index + 1);
            }
        }
    }
    batches
}

/// A result with all of its sub-results, which are at most two levels deep.
fn parts(result: &PlannedResult) -> usize {
    let mut parts = 1;
    for sub_result in &result.sub_results {
        parts += 1 + sub_result.sub_results.len();
    }
    parts
}

/// What to do next: positions of steps that may run at the same time, none when all is settled.
///
/// Batches of results run together, and so do attachments; every other step waits for all before
/// it.
pub(crate) fn next(steps: &[(Step, StepState)]) -> Vec<usize> {
    let Some(first) = steps.iter().position(|(_, state)| !state.is_settled()) else {
        return Vec::new();
    };

    if !matches!(steps[first].0, Step::Attach(_) | Step::WriteResults(_)) {
        return vec![first];
    }

    // Uploads do not depend on each other, and one that is never answered holds up no other. Each
    // batch is of other results.
    let kind = discriminant(&steps[first].0);

    let mut ready = Vec::new();
    for (position, (step, state)) in steps.iter().enumerate().skip(first) {
        if discriminant(step) != kind {
            break;
        }
        if !state.is_settled() {
            ready.push(position);
        }
    }
    ready
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::katalon::settings::AzureSettings;
    use crate::katalon::status::Status;
    use crate::moment::Moment;
    use crate::plan::ado_facts::AdoFacts;
    use crate::plan::history::TestMemory;
    use crate::plan::sub_results::SubResult;
    use crate::plan::{plan, sample};

    /// A sub-result with this many below it.
    fn sub_result(below: usize) -> SubResult {
        SubResult {
            name: "Attempt 1".to_owned(),
            outcome: "Failed".to_owned(),
            status: Status::Failed,
            started: Moment::default(),
            completed: Moment::default(),
            error_message: None,
            stack_trace: None,
            group: None,
            sub_results: (0..below).map(|_| sub_result(0)).collect(),
        }
    }

    /// A plan whose results have so many sub-results, each with so many of its own.
    fn plan_of(results: &[(usize, usize)]) -> SubmissionPlan {
        let mut run = sample::run("A", 0, 1000);
        run.tests = vec![sample::test("Sign in", 0, &[Status::Passed])];
        let mut snapshot = sample::snapshot(run, &AzureSettings::default());
        let ids = sample::case_with_ids("1001");
        snapshot.cases.insert("Test Cases/Sign in".to_owned(), ids);
        let facts = AdoFacts::of_points(&[sample::point(1, 1001, 1)]);

        let mut made = plan(&snapshot, 18, "key", &facts, &TestMemory::default());
        let result = made.results.pop().expect("the test has a point");
        for (sub_results, below) in results {
            let mut result = result.clone();
            result.sub_results = vec![sub_result(*below); *sub_results];
            made.results.push(result);
        }
        made
    }

    fn sequence(batches: usize, attachments: usize) -> Vec<(Step, StepState)> {
        [Step::CreateRun, Step::ReadResults]
            .into_iter()
            .chain((0..batches).map(Step::WriteResults))
            .chain((0..attachments).map(Step::Attach))
            .chain([Step::LeftOutList, Step::Complete])
            .map(|step| (step, StepState::Planned))
            .collect()
    }

    proptest! {
        #[test]
        fn every_step_runs_once_and_completing_is_last(
            batches in 0usize..4,
            attachments in 0usize..6,
            picks in proptest::collection::vec(any::<usize>(), 0..40)
        ) {
            let mut steps = sequence(batches, attachments);
            let mut order = Vec::new();
            let mut picks = picks.into_iter();

            loop {
                let ready = next(&steps);
                if ready.is_empty() { break; }
                let chosen = ready[picks.next().unwrap_or(0) % ready.len()];
                prop_assert!(steps[chosen].1.may_become(StepState::Intended));
                steps[chosen].1 = StepState::Confirmed;
                order.push(steps[chosen].0);
            }

            prop_assert_eq!(order.len(), steps.len());
            prop_assert_eq!(order.first(), Some(&Step::CreateRun));
            prop_assert_eq!(order.last(), Some(&Step::Complete));
            let last_write = order.iter().rposition(|step| matches!(step, Step::WriteResults(_)));
            let first_file = order.iter().position(|step| matches!(step, Step::Attach(_)));
            if let (Some(write), Some(file)) = (last_write, first_file) {
                prop_assert!(write < file);
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn batches_hold_each_result_once_and_as_much_as_one_request_takes(
            results in prop_oneof![
                proptest::collection::vec((0usize..3, 0usize..3), 0..350),
                proptest::collection::vec((0usize..400, 0usize..4), 0..12),
            ]
        ) {
            let mut parts = Vec::new();
            for (sub_results, below) in &results {
                parts.push(1 + sub_results * (1 + below));
            }

            let batches = batches(&plan_of(&results));

            let mut next_result = 0;
            for batch in &batches {
                prop_assert_eq!(batch.start, next_result);
                prop_assert!((1..=BATCH).contains(&batch.len()));
                let in_batch: usize = parts[batch.clone()].iter().sum();
                prop_assert!(in_batch <= PARTS || batch.len() == 1);

                // It is full: what follows finds no room in it.
                if let Some(following) = parts.get(batch.end) {
                    prop_assert!(batch.len() == BATCH || in_batch + following > PARTS);
                }
                next_result = batch.end;
            }
            prop_assert_eq!(next_result, results.len());
        }
    }

    #[test]
    fn a_batch_ends_with_its_hundredth_result_and_its_thousandth_part() {
        let hundreds = plan_of(&[(0, 0); 201]);
        let thousands = plan_of(&[(499, 0), (249, 1), (0, 0), (0, 0), (1200, 0), (0, 0)]);

        assert_eq!(batches(&hundreds), [0..100, 100..200, 200..201]);
        assert_eq!(batches(&thousands), [0..3, 3..4, 4..5, 5..6]);
    }

    #[test]
    fn what_is_independent_runs_together_and_everything_else_waits_for_all_before_it() {
        use StepState::{Confirmed, Intended, Planned, Refused};
        let steps = |states: [StepState; 7]| {
            let mut steps = sequence(2, 1);
            for (step, state) in steps.iter_mut().zip(states) {
                step.1 = state;
            }
            next(&steps)
        };

        let nothing_done = [Planned; 7];
        let results_read = [
            Confirmed, Confirmed, Planned, Planned, Planned, Planned, Planned,
        ];
        let one_is_slow = [
            Confirmed, Confirmed, Intended, Refused, Planned, Planned, Planned,
        ];
        let files = [
            Confirmed, Confirmed, Refused, Confirmed, Planned, Planned, Planned,
        ];
        let all_done = [Confirmed; 7];

        assert_eq!(steps(nothing_done), [0]);
        assert_eq!(steps(results_read), [2, 3]);
        assert_eq!(steps(one_is_slow), [2]);
        assert_eq!(steps(files), [4]);
        assert!(steps(all_done).is_empty());
    }

    #[test]
    fn a_step_is_never_confirmed_without_having_been_intended() {
        for from in StepState::ALL {
            for to in StepState::ALL {
                let legal = matches!(
                    (from, to),
                    (
                        StepState::Planned | StepState::Intended,
                        StepState::Intended
                    ) | (
                        StepState::Intended,
                        StepState::Confirmed | StepState::Refused
                    )
                );
                assert_eq!(from.may_become(to), legal, "{from:?} to {to:?}");
            }
        }
    }
}
