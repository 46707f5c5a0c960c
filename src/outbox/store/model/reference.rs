//! The naive model of the store that `model` compares it with: what each run and submission should
//! be, in memory.

#[cfg(test)]
use std::collections::{BTreeMap, BTreeSet};

use crate::outbox::new_run::RecordOutcome;
use crate::outbox::step::StepState;
use crate::outbox::submission::SubmissionState;

/// Test plans that a project may have been set to when a run was read.
pub(super) const PLANS: [&[u32]; 5] = [&[18], &[18, 19], &[19, 18], &[19], &[]];
/// Uuids of runs; the second is the third.
pub(super) const UUIDS: [Option<&str>; 4] = [None, Some("u-1"), Some("U-1"), Some("u-2")];

/// What a copy of a run says of itself.
#[derive(Clone, Copy, Debug)]
pub(super) struct RunName {
    /// Start of the suite.
    pub start: i64,
    /// Its uuid, one of [`UUIDS`].
    pub uuid: Option<&'static str>,
}

/// How a run comes into the outbox.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum How {
    /// Found by the service.
    Service,
    /// Found by the service, and not to be submitted.
    Ignored,
    /// Found by the service, and seems aborted.
    Aborted,
    /// `kado submit`.
    Command,
    /// `kado submit --again`.
    Again,
}

/// A run that is recorded.
#[derive(Clone, Copy, Debug)]
pub(super) struct Record {
    /// Which.
    pub name: RunName,
    /// Its settings, a place in [`PLANS`].
    pub plans: usize,
    /// On whose word.
    pub how: How,
}

/// Why a submission is ignored.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum IgnoredAs {
    Aborted,
    Forgotten,
}

/// A submission.
#[derive(Clone, Debug)]
pub(super) struct Row {
    /// Place of its run.
    pub run: usize,
    /// Its test plan.
    pub plan: Option<u32>,
    /// Which submission of the run to this plan it is.
    pub again: u32,
    /// How far it is.
    pub state: SubmissionState,
    /// How far its steps are; none before it is planned.
    pub steps: Vec<StepState>,
    /// Whether a plan is stored, also one that is not carried out.
    pub has_plan: bool,
    /// Whether ADO has a run of it.
    pub has_ado_run: bool,
    /// When it is tried again.
    pub waits_until: Option<i64>,
    /// Whether its ADO run may have been created unseen.
    pub create_unclear: bool,
    ignored_as: Option<IgnoredAs>,
}

impl Row {
    fn new(run: usize, wanted: Wanted, again: u32) -> Self {
        Self {
            run,
            plan: wanted.plan,
            again,
            state: wanted.state,
            steps: Vec::new(),
            has_plan: false,
            has_ado_run: false,
            waits_until: None,
            create_unclear: false,
            ignored_as: None,
        }
    }

    /// Whether the service works on it.
    pub(super) fn is_open(&self) -> bool {
        matches!(
            self.state,
            SubmissionState::Pending | SubmissionState::Submitting
        )
    }

    /// It gets a plan and its steps; whether it may.
    pub(super) fn plan(&mut self, steps: usize) -> bool {
        let may = self.is_open();
        if may {
            self.steps = vec![StepState::Planned; steps];
            self.has_plan = true;
            self.go_on();
        }
        may
    }

    /// Its plan is dropped; whether it had one to drop.
    pub(super) fn plan_anew(&mut self) -> bool {
        let may = self.state == SubmissionState::Submitting && !self.has_ado_run;
        if may {
            self.create_unclear |= self.steps.first() == Some(&StepState::Intended);
            self.steps.clear();
            self.has_plan = false;
            self.state = SubmissionState::Pending;
            self.waits_until = None;
        }
        may
    }

    /// It waits; whether it may.
    pub(super) fn wait(&mut self, until: i64) -> bool {
        let may = self.is_open();
        if may {
            self.waits_until = Some(until);
        }
        may
    }

    /// It is submitted or parked; whether it may be.
    pub(super) fn end(&mut self, state: SubmissionState) -> bool {
        let may = self.is_open();
        if may {
            self.state = state;
            self.waits_until = None;
        }
        may
    }

    /// Katalon submitted it; whether it may have.
    pub(super) fn end_by_katalon(&mut self) -> bool {
        let may = self.end(SubmissionState::Submitted);
        if may {
            self.steps.clear();
            self.has_ado_run = true;
        }
        may
    }

    /// Its test plan gets nothing from it; whether that may be said now.
    pub(super) fn ignore(&mut self) -> bool {
        let may = self.state == SubmissionState::Pending;
        if may {
            self.state = SubmissionState::Ignored;
            self.waits_until = None;
            self.has_plan = true;
        }
        may
    }

    /// A file is added to it; whether it may be.
    pub(super) fn add_file(&mut self) -> bool {
        let may = matches!(
            self.state,
            SubmissionState::Submitting | SubmissionState::Submitted
        );
        if may {
            self.steps.push(StepState::Planned);
            self.go_on();
        }
        may
    }

    /// A person takes it off the list; whether they may.
    pub(super) fn forget(&mut self) -> bool {
        let may = self.state != SubmissionState::Submitted;
        if may {
            self.state = SubmissionState::Ignored;
            self.waits_until = None;
            self.ignored_as = Some(IgnoredAs::Forgotten);
        }
        may
    }

    /// What has an ADO run goes on where it was.
    fn go_on(&mut self) {
        self.state = SubmissionState::Submitting;
        self.waits_until = None;
    }

    /// What has none begins anew.
    fn begin_anew(&mut self, wanted: Wanted) {
        let unclear = self.create_unclear || self.steps.first() == Some(&StepState::Intended);
        *self = Self {
            create_unclear: unclear,
            ..Self::new(self.run, wanted, self.again)
        };
    }
}

/// What a submission should be.
#[derive(Clone, Copy, Debug)]
struct Wanted {
    plan: Option<u32>,
    state: SubmissionState,
}

fn wanted(plans: usize, ignored: bool) -> Vec<Wanted> {
    let plans = PLANS[plans];
    let single = |state| {
        vec![Wanted {
            plan: plans.first().copied(),
            state,
        }]
    };

    match plans {
        _ if ignored => single(SubmissionState::Ignored),
        [] => single(SubmissionState::Parked),
        plans => plans
            .iter()
            .map(|plan| Wanted {
                plan: Some(*plan),
                state: SubmissionState::Pending,
            })
            .collect(),
    }
}

#[derive(Clone, Copy, Debug)]
struct Run {
    name: RunName,
    /// The settings that a retry without fresh ones uses.
    plans: usize,
}

/// The outbox as it should be.
#[derive(Default, Debug)]
pub(super) struct Model {
    runs: Vec<Run>,
    /// Submissions by id.
    pub rows: BTreeMap<i64, Row>,
}

impl Model {
    /// Records a run.
    pub(super) fn record(&mut self, record: Record) -> RecordOutcome {
        let ignored = matches!(record.how, How::Ignored | How::Aborted);
        let Some(run) = self
            .runs
            .iter()
            .position(|run| is_same(run.name, record.name))
        else {
            self.runs.push(Run {
                name: record.name,
                plans: record.plans,
            });
            return RecordOutcome::New(self.insert(self.runs.len() - 1, record, ignored, 0));
        };

        let known = &mut self.runs[run].name.uuid;
        *known = known.or(record.name.uuid);
        let rows: Vec<&Row> = self.rows.values().filter(|row| row.run == run).collect();
        let all_ignored = rows.iter().all(|row| row.state == SubmissionState::Ignored);
        let none_forgotten = rows
            .iter()
            .all(|row| row.ignored_as != Some(IgnoredAs::Forgotten));
        let takes_up = match record.how {
            How::Service => all_ignored && none_forgotten,
            How::Command => all_ignored,
            How::Ignored | How::Aborted | How::Again => false,
        };

        if record.how == How::Again {
            let again = rows.iter().map(|row| row.again).max().unwrap() + 1;
            self.runs[run].plans = record.plans;
            return RecordOutcome::New(self.insert(run, record, false, again));
        }
        if takes_up {
            self.runs[run].plans = record.plans;
            return RecordOutcome::New(self.take_up(run, record.plans));
        }
        RecordOutcome::Unchanged(
            self.rows
                .iter()
                .filter(|(_, row)| row.run == run)
                .map(|(id, _)| *id)
                .collect(),
        )
    }

    /// Retries a submission, and tells whether that is allowed.
    pub(super) fn retry(&mut self, id: i64, plans: Option<usize>) -> bool {
        let row = self.rows[&id].clone();
        if row.state == SubmissionState::Submitted {
            return false;
        }
        if row.has_ado_run {
            self.rows.get_mut(&id).unwrap().go_on();
            return true;
        }

        let plans = plans.unwrap_or(self.runs[row.run].plans);
        let all = wanted(plans, false);
        let new = *all
            .iter()
            .find(|new| new.plan == row.plan)
            .unwrap_or(&all[0]);
        let same =
            |other: &Row| (other.run, other.plan, other.again) == (row.run, new.plan, row.again);
        if self
            .rows
            .iter()
            .any(|(other, held)| *other != id && same(held))
        {
            return false;
        }

        self.runs[row.run].plans = plans;
        self.rows.get_mut(&id).unwrap().begin_anew(new);
        true
    }

    /// What the submission's run says of itself.
    pub(super) fn name_of(&self, id: i64) -> RunName {
        self.runs[self.rows[&id].run].name
    }

    /// Submissions that a person took off the list.
    pub(super) fn forgotten(&self) -> Vec<i64> {
        let mut forgotten = Vec::new();
        for (id, row) in &self.rows {
            if row.state == SubmissionState::Ignored && row.ignored_as == Some(IgnoredAs::Forgotten)
            {
                forgotten.push(*id);
            }
        }
        forgotten
    }

    /// What is to be sent at `now`; the run that started last ended first.
    pub(super) fn due(&self, now: i64) -> Vec<i64> {
        let mut due = Vec::new();
        for (id, row) in &self.rows {
            if row.is_open() && row.waits_until.is_none_or(|until| until <= now) {
                due.push(*id);
            }
        }

        due.sort_by_key(|id| (-self.name_of(*id).start, *id));
        due
    }

    /// When the next one is tried after `now`.
    pub(super) fn next_due(&self, now: i64) -> Option<i64> {
        let waiting = self
            .rows
            .values()
            .filter(|row| row.is_open())
            .filter_map(|row| row.waits_until);
        waiting.filter(|until| *until > now).min()
    }

    /// How many runs have something to be sent, or may have.
    pub(super) fn open_runs(&self) -> usize {
        let mut runs = BTreeSet::new();
        for row in self.rows.values() {
            if row.is_open() || row.state == SubmissionState::Parked {
                runs.insert(row.run);
            }
        }
        runs.len()
    }

    fn insert(&mut self, run: usize, record: Record, ignored: bool, again: u32) -> Vec<i64> {
        let aborted = record.how == How::Aborted;
        let new = wanted(record.plans, ignored).into_iter().map(|wanted| Row {
            ignored_as: aborted.then_some(IgnoredAs::Aborted),
            ..Row::new(run, wanted, again)
        });
        let first = self.rows.len() as i64 + 1;
        let new: Vec<(i64, Row)> = (first..).zip(new).collect();
        let ids = new.iter().map(|(id, _)| *id).collect();
        self.rows.extend(new);
        ids
    }

    /// All that a person sees is used again: first what ADO has, then the rest for what is still
    /// wanted.
    fn take_up(&mut self, run: usize, plans: usize) -> Vec<i64> {
        let mut ids = Vec::new();
        let begun = |row: &Row| row.run == run && row.has_ado_run;
        for (id, row) in self
            .rows
            .iter_mut()
            .filter(|(_, row)| begun(row) && !row.is_open())
        {
            row.go_on();
            ids.push(*id);
        }

        let mut free = Vec::new();
        for (id, row) in &self.rows {
            if row.run == run && !row.has_ado_run && row.again == 0 {
                free.push(*id);
            }
        }

        // A row goes first to the plan that it is for.
        let mut rows = Vec::new();
        for new in wanted(plans, false) {
            let place = free.iter().position(|id| self.rows[id].plan == new.plan);
            rows.push((new, place.map(|place| free.remove(place))));
        }

        for (new, row) in rows {
            if self
                .rows
                .values()
                .any(|row| begun(row) && row.again == 0 && row.plan == new.plan)
            {
                continue;
            }
            let id = row.or_else(|| (!free.is_empty()).then(|| free.remove(0)));
            let id = id.unwrap_or(self.rows.len() as i64 + 1);
            self.rows
                .entry(id)
                .or_insert_with(|| Row::new(run, new, 0))
                .begin_anew(new);
            ids.push(id);
        }
        ids.sort_unstable();
        ids
    }
}

fn is_same(one: RunName, other: RunName) -> bool {
    let agree = match (one.uuid, other.uuid) {
        (Some(one), Some(two)) => one.eq_ignore_ascii_case(two),
        _ => true,
    };
    agree && one.start == other.start
}
