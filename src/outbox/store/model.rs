//! Any sequence of operations leaves the store as a naive model in memory says, also when it is
//! opened anew in between.

mod reference;

#[cfg(test)]
use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use self::reference::{How, Model, PLANS, Record, Row, RunName, UUIDS};
use crate::katalon::run::FileKind;
use crate::moment::Moment;
use crate::outbox::new_run::Occasion;
use crate::outbox::step::StepState;
use crate::outbox::store::test_runs::{self, AGAIN, ASKED, aborted, at, ignored, snapshot};
use crate::outbox::store::{Store, StoreError};
use crate::outbox::submission::{HowMade, Obstacle, SubmissionState, SubmissionSummary};
use crate::plan::SubmissionPlan;
use crate::plan::ado_facts::AdoFacts;
use crate::plan::attachments::{AttachmentTarget, PlannedAttachment, Source};
use crate::plan::history::TestMemory;
use crate::plan::plan;
use crate::plan::snapshot::Snapshot;

/// What may happen to an outbox; submissions are picked by their place among all there are, in
/// whatever state they are.
#[derive(Clone, Debug)]
enum Operation {
    Record(Record),
    Plan(usize),
    PlanAnew(usize),
    Move(usize, usize, StepState),
    Wait(usize, i64),
    MakeAllDue,
    Park(usize),
    Ignore(usize),
    Submitted(usize),
    SubmittedByKatalon(usize),
    LateReport(usize),
    Forget(usize),
    Retry(usize, Option<usize>),
    Reopen,
}

fn operation() -> impl Strategy<Value = Operation> {
    let how = prop_oneof![
        4 => Just(How::Service),
        1 => Just(How::Ignored),
        1 => Just(How::Aborted),
        3 => Just(How::Command),
        1 => Just(How::Again)
    ];

    let name = (0_i64..3, 0..UUIDS.len()).prop_map(|(start, uuid)| RunName {
        start,
        uuid: UUIDS[uuid],
    });
    let record =
        (name, 0..PLANS.len(), how).prop_map(|(name, plans, how)| Record { name, plans, how });

    let to = prop_oneof![
        3 => Just(StepState::Intended),
        3 => Just(StepState::Confirmed),
        1 => Just(StepState::Refused)
    ];
    let any = 0_usize..12;

    prop_oneof![
        6 => record.prop_map(Operation::Record),
        4 => any.clone().prop_map(Operation::Plan),
        10 => (any.clone(), 0_usize..5, to).prop_map(|(row, step, to)| Operation::Move(row, step, to)),
        2 => (any.clone(), 0_i64..200).prop_map(|(row, until)| Operation::Wait(row, until)),
        1 => Just(Operation::MakeAllDue),
        1 => any.clone().prop_map(Operation::PlanAnew),
        2 => any.clone().prop_map(Operation::Park),
        1 => any.clone().prop_map(Operation::Ignore),
        2 => any.clone().prop_map(Operation::Submitted),
        1 => any.clone().prop_map(Operation::SubmittedByKatalon),
        1 => any.clone().prop_map(Operation::LateReport),
        4 => any.clone().prop_map(Operation::Forget),
        3 => (any, proptest::option::of(0..PLANS.len())).prop_map(|(row, plans)| Operation::Retry(row, plans)),
        1 => Just(Operation::Reopen)
    ]
}

/// The moment of everything that happens; waiting ends before or after it.
const NOW: Moment = Moment::from_millis(100);

/// The run as one of its copies would be read. The one that started first ended last.
fn run(name: RunName, plans: usize) -> Snapshot {
    at(
        name.start,
        50 - name.start,
        snapshot(PLANS[plans], name.uuid),
    )
}

/// The store with its model beside it.
struct Both {
    folder: tempfile::TempDir,
    store: Store,
    model: Model,
    /// Every key that was ever seen, by what it stands for.
    keys: BTreeMap<String, (usize, u32, u32)>,
}

impl Both {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = open(folder.path());
        Self {
            folder,
            store,
            model: Model::default(),
            keys: BTreeMap::new(),
        }
    }

    /// The id of the submission at this place, if there are any.
    fn pick(&self, place: usize) -> Option<i64> {
        let ids: Vec<i64> = self.model.rows.keys().copied().collect();
        (!ids.is_empty()).then(|| ids[place % ids.len()])
    }

    fn perform(self, operation: &Operation) -> Self {
        match *operation {
            Operation::Record(record) => self.record(record),
            Operation::Reopen => self.reopen(),
            Operation::MakeAllDue => self.make_all_due(),

            Operation::Plan(row)
            | Operation::PlanAnew(row)
            | Operation::Move(row, ..)
            | Operation::Wait(row, _)
            | Operation::Park(row)
            | Operation::Ignore(row)
            | Operation::Submitted(row)
            | Operation::SubmittedByKatalon(row)
            | Operation::LateReport(row)
            | Operation::Forget(row)
            | Operation::Retry(row, _) => match self.pick(row) {
                Some(id) => self.move_on(id, operation),
                None => self,
            },
        }
    }

    fn reopen(self) -> Self {
        let Self {
            folder,
            store,
            model,
            keys,
        } = self;
        drop(store);

        Self {
            store: open(folder.path()),
            folder,
            model,
            keys,
        }
    }

    fn make_all_due(mut self) -> Self {
        self.store.make_all_due(NOW).unwrap();

        for row in self.model.rows.values_mut() {
            if row.is_open() {
                row.waits_until = None;
            }
        }
        self
    }

    fn record(mut self, record: Record) -> Self {
        let snapshot = run(record.name, record.plans);
        let forgotten = self.model.forgotten();
        let occasion = match record.how {
            How::Service => Occasion::Found,
            How::Ignored => ignored("ran elsewhere"),
            How::Aborted => aborted(),
            How::Command => ASKED,
            How::Again => AGAIN,
        };

        let recorded = test_runs::record(&mut self.store, &snapshot, &occasion);

        assert_eq!(recorded, self.model.record(record));
        if !occasion.is_asked() {
            assert_eq!(
                self.model.forgotten(),
                forgotten,
                "the service took up what a person had forgotten"
            );
        }
        self
    }

    fn move_on(mut self, id: i64, operation: &Operation) -> Self {
        let ledger = self.ledger();

        match *operation {
            Operation::Move(_, step, to) => {
                let row = self.model.rows.get_mut(&id).unwrap();
                move_step(&mut self.store, row, id, step, to);
            }
            Operation::Retry(_, plans) => self.retry(id, plans),
            Operation::PlanAnew(_) => {
                let dropped = self.store.plan_anew(id, "the point is gone", NOW).unwrap();
                assert_eq!(dropped, self.model.rows.get_mut(&id).unwrap().plan_anew());
            }
            Operation::Forget(_) => {
                let forgotten = self.store.forget(id, NOW);
                let may = self.model.rows.get_mut(&id).unwrap().forget();
                assert_eq!(forgotten.is_ok(), may);
            }
            _ => match self.happen(id, operation) {
                Some((happened, true)) => happened.unwrap(),
                Some((happened, false)) => {
                    assert!(
                        matches!(happened, Err(StoreError::IllegalTransition { .. })),
                        "{happened:?}"
                    );
                    assert_eq!(self.ledger(), ledger, "a report of what did not happen");
                }
                None => {}
            },
        }
        self
    }

    /// Lets something happen to a submission that depends on nothing but its state: what the store
    /// says, and whether the model allows it; `None` for what nobody does.
    fn happen(&mut self, id: i64, operation: &Operation) -> Option<(Result<(), StoreError>, bool)> {
        let row = self.model.rows.get_mut(&id).unwrap();
        let store = &mut self.store;

        match *operation {
            // What is planned already and to be sent is never planned over.
            Operation::Plan(_) if !row.is_open() || row.steps.is_empty() => {
                let plan = plan_of(store, id);
                Some((store.store_plan(id, &plan, NOW), row.plan(4)))
            }
            Operation::Ignore(_) => {
                let plan = plan_of(store, id);
                let ignored = store.ignore(id, "goes elsewhere", None, &plan, NOW);
                Some((ignored, row.ignore()))
            }
            Operation::Wait(_, until) => {
                let next = Moment::from_millis(until);
                let waits = store.wait(id, Obstacle::Unreachable, "no answer", next, NOW);
                Some((waits, row.wait(until)))
            }
            Operation::Park(_) => {
                let parked = store.park(id, "needs a person", None, NOW);
                Some((parked, row.end(SubmissionState::Parked)))
            }
            Operation::Submitted(_) => {
                let submitted = store.submitted(id, NOW);
                Some((submitted, row.end(SubmissionState::Submitted)))
            }
            Operation::SubmittedByKatalon(_) => {
                let submitted = store.submitted_by_katalon(id, 900, "https://x", "shop", NOW);
                Some((submitted, row.end_by_katalon()))
            }
            // Nobody looks for late reports of what has no plan.
            Operation::LateReport(_) if row.has_plan => {
                let added = store.add_attachments(id, &[report()], NOW);
                Some((added, row.add_file()))
            }
            _ => None,
        }
    }

    /// How many rows the ledger has.
    fn ledger(&self) -> usize {
        let sql = "SELECT count(*) FROM ledger";
        self.store
            .connection
            .query_row(sql, [], |row| row.get(0))
            .unwrap()
    }

    fn retry(&mut self, id: i64, plans: Option<usize>) {
        let name = self.model.name_of(id);
        let fresh = plans.map(|plans| run(name, plans));
        let retried = self.store.retry(id, fresh.as_ref(), NOW);
        let allowed = self.model.retry(id, plans);
        assert!(
            matches!(
                (&retried, allowed),
                (Ok(()), true) | (Err(StoreError::NotNow(_)), false)
            ),
            "{retried:?}"
        );
    }

    fn check_row(&mut self, row: &SubmissionSummary) {
        let id = row.id;
        let expected = &self.model.rows[&id];
        assert_eq!(row.plan_id, expected.plan, "plan of {id}");
        assert_eq!(row.state, expected.state, "state of {id}");
        assert_eq!(
            row.ado_run_id.is_some(),
            expected.has_ado_run,
            "run of {id}"
        );
        let next_attempt = row.next_attempt.map(Moment::millis);
        assert_eq!(next_attempt, expected.waits_until, "next attempt of {id}");

        let loaded = self.store.load(id).unwrap();
        let steps: Vec<_> = loaded.steps.iter().map(|step| step.state).collect();
        assert_eq!(steps, expected.steps, "steps of {id}");
        assert_eq!(
            loaded.create_unclear, expected.create_unclear,
            "creation of {id}"
        );

        let stands_for = (expected.run, expected.plan.unwrap_or(0), expected.again);
        let first = *self.keys.entry(row.key.clone()).or_insert(stands_for);
        assert_eq!(first, stands_for, "a key changed its meaning");
    }

    /// Compares all that can be read.
    fn check(&mut self) {
        let rows = self.store.summaries(None).unwrap();
        let ids: BTreeSet<i64> = rows.iter().map(|row| row.id).collect();
        assert_eq!(
            ids,
            self.model.rows.keys().copied().collect::<BTreeSet<_>>(),
            "a submission came or vanished"
        );

        let unique: BTreeSet<&str> = rows.iter().map(|row| row.key.as_str()).collect();
        assert_eq!(unique.len(), rows.len(), "two submissions share a key");
        for row in &rows {
            self.check_row(row);
        }

        let due: Vec<i64> = self
            .store
            .due(NOW, None)
            .unwrap()
            .into_iter()
            .map(|due| due.id)
            .collect();
        assert_eq!(due, self.model.due(NOW.millis()));

        let next = self.store.next_due(NOW).unwrap().map(Moment::millis);
        assert_eq!(next, self.model.next_due(NOW.millis()));

        let open = self.store.open_runs().unwrap();
        for run in &open {
            assert!(self.store.is_open(run).unwrap(), "{run:?}");
        }

        let open: BTreeSet<_> = open
            .into_iter()
            .map(|run| (run.started, run.execution_uuid))
            .collect();
        assert_eq!(open.len(), self.model.open_runs());
    }
}

/// A plan for a submission, whatever its test plan.
fn plan_of(store: &Store, id: i64) -> SubmissionPlan {
    let loaded = store.load(id).unwrap();
    plan(
        &loaded.snapshot,
        18,
        &loaded.key,
        &AdoFacts::default(),
        &TestMemory::default(),
    )
}

/// A report that appeared late.
fn report() -> PlannedAttachment {
    PlannedAttachment {
        name: "report.pdf".to_owned(),
        target: AttachmentTarget::Run,
        source: Source::File("report.pdf".to_owned()),
        kind: FileKind::Pdf,
        size: 1,
    }
}

fn move_step(store: &mut Store, row: &mut Row, id: i64, step: usize, to: StepState) {
    let moved = match (to, step) {
        (StepState::Confirmed, 0) => store
            .confirm_run(id, 0, 500, "https://x", HowMade::Created, NOW)
            .map(drop),
        (StepState::Confirmed, step) => store.confirm(id, step, &step, NOW).map(drop),
        (StepState::Refused, step) => store.refuse(id, step, &[], NOW).map(drop),
        (_, step) => store.intend(id, step),
    };

    match row.steps.get_mut(step) {
        Some(state) if legal(*state, to) => {
            moved.unwrap();
            *state = to;
            row.has_ado_run |= (step, to) == (0, StepState::Confirmed);
        }
        Some(_) => assert!(
            matches!(moved, Err(StoreError::IllegalMove { .. })),
            "{moved:?}"
        ),
        None => assert!(moved.is_err()),
    }
}

fn legal(from: StepState, to: StepState) -> bool {
    match to {
        StepState::Planned => false,
        StepState::Intended => matches!(from, StepState::Planned | StepState::Intended),
        StepState::Confirmed | StepState::Refused => from == StepState::Intended,
    }
}

fn open(folder: &std::path::Path) -> Store {
    let store = Store::open(folder).unwrap();
    // Nobody cuts the power here.
    store
        .connection
        .pragma_update(None, "synchronous", false)
        .unwrap();
    store
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, ..ProptestConfig::default() })]

    #[test]
    fn whatever_happens_the_store_is_as_the_model_says(operations in proptest::collection::vec(operation(), 1..60)) {
        let mut both = Both::new();
        for operation in &operations {
            both = both.perform(operation);
            both.check();
        }
    }
}
