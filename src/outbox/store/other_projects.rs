//! A run that is met, and that another project is recorded with: `outbox/kinship.rs` says what the
//! two are to each other, and here stands what follows from that for what is met.
//!
//! What another project's run has in the outbox is taken over only where the same results go the
//! same way, and what was met first does not get on by itself.

use rusqlite::{Transaction, params};

use crate::moment::Moment;
use crate::outbox::kinship::{Kinship, kinship};
use crate::outbox::new_run::{NewRun, Occasion, RecordOutcome, Stuck};
use crate::outbox::store::columns::json;
use crate::outbox::store::history::remember;
use crate::outbox::store::ledger::log;
use crate::outbox::store::recorded_run::{RecordedRun, with_identity};
use crate::outbox::store::run_parts::insert_submissions;
use crate::outbox::store::state::{apply, state_of};
use crate::outbox::store::take_up::{record_again, take_over};
use crate::outbox::store::{Store, StoreError};
use crate::outbox::submission::{IgnoredAs, Obstacle, SubmissionState};
use crate::outbox::transition::Event;
use crate::plan::snapshot::Snapshot;

/// A run of another project.
pub(super) struct Relative {
    recorded: RecordedRun,
    kinship: Kinship,
    folder: String,
    submissions: Vec<i64>,
    progress: KinProgress,
}

/// How far the submissions of a run are.
#[derive(Clone, Copy, PartialEq, Eq)]
enum KinProgress {
    /// None is to be sent.
    Ignored,
    /// They arrived, or a person decided about them.
    Decided,
    /// They are on their way.
    UnderWay,
    /// Nothing of them is in ADO, and something that belongs to their project is in the way.
    Stuck,
}

/// What is to become of a run of which the outbox holds a relative.
pub(super) enum KinDecision {
    /// It is recorded as a run of its own.
    OfItsOwn,
    /// It is, and a person has to say whether it is sent; why.
    Parked(String),
    /// It is the run of this row.
    Recorded(RecordedRun),
    /// Nothing is recorded.
    Nothing(RecordOutcome),
}

impl Store {
    /// Lets a run take the place of that of another project which is to be sent the same and is
    /// stuck; nothing happens where it is not any more. Nobody may be sending the submissions of
    /// that one.
    ///
    /// # Errors
    /// When the database fails.
    pub(crate) fn take_over(
        &mut self,
        run: &NewRun<'_>,
        now: Moment,
    ) -> Result<RecordOutcome, StoreError> {
        let transaction = self.begin()?;
        let Some(relative) = relative_of(&transaction, run)? else {
            return Ok(RecordOutcome::Unchanged(Vec::new()));
        };
        if relative.kinship != Kinship::SameReport || relative.progress != KinProgress::Stuck {
            return Ok(RecordOutcome::Unchanged(relative.submissions));
        }

        let ids = take_over(&transaction, run, &relative.recorded, now)?;
        remember(&transaction, run.snapshot)?;
        transaction.commit()?;
        Ok(RecordOutcome::New(ids))
    }
}

/// The nearest relative of a run in other projects; `None` without any.
pub(super) fn relative_of(
    transaction: &Transaction<'_>,
    run: &NewRun<'_>,
) -> Result<Option<Relative>, StoreError> {
    let root = run.snapshot.root();
    let mut nearest: Option<Relative> = None;

    for recorded in with_identity(transaction, run.identity)? {
        if recorded.root == root || !run.identity.is_same_run(&recorded.identity) {
            continue;
        }
        let Some((kinship, folder)) = kinship_to(transaction, run, recorded.id)? else {
            continue;
        };
        let is_nearer = nearest
            .as_ref()
            .is_none_or(|nearest| rank(kinship) < rank(nearest.kinship));
        if kinship != Kinship::Other && is_nearer {
            let (submissions, progress) = progress_of(transaction, recorded.id)?;
            nearest = Some(Relative {
                recorded,
                kinship,
                folder,
                submissions,
                progress,
            });
        }
    }
    Ok(nearest)
}

const fn rank(kinship: Kinship) -> u8 {
    match kinship {
        Kinship::SameFolder => 0,
        Kinship::SameReport => 1,
        Kinship::Copy => 2,
        Kinship::Unclear => 3,
        Kinship::Other => 4,
    }
}

/// What a run is to the one in this row, and where that one lies. Of one that another version
/// stored nothing is known: `None`.
fn kinship_to(
    transaction: &Transaction<'_>,
    run: &NewRun<'_>,
    recorded: i64,
) -> Result<Option<(Kinship, String)>, StoreError> {
    let mut statement = transaction.prepare_cached("SELECT snapshot FROM run WHERE id = ?1")?;
    let mut rows = statement.query([recorded])?;
    let Some(row) = rows.next()? else {
        return Ok(None);
    };
    let Ok(snapshot) = json::<Snapshot>(row, "snapshot") else {
        return Ok(None);
    };
    Ok(Some((kinship(run.snapshot, &snapshot), snapshot.folder)))
}

fn progress_of(
    transaction: &Transaction<'_>,
    run: i64,
) -> Result<(Vec<i64>, KinProgress), StoreError> {
    let mut statement = transaction.prepare_cached(
        "SELECT id, state, obstacle, ignored_as, ado_run_id IS NOT NULL AS is_in_ado
         FROM submission WHERE run_id = ?1 ORDER BY id",
    )?;
    let mut rows = statement.query(params![run])?;

    let mut ids = Vec::new();
    let mut is_forgotten = false;
    let mut is_in_ado = false;
    let mut is_stuck = false;
    let mut states = Vec::new();
    while let Some(row) = rows.next()? {
        ids.push(row.get("id")?);
        let state: SubmissionState = row.get("state")?;
        let obstacle: Option<Obstacle> = row.get("obstacle")?;
        let ignored_as: Option<IgnoredAs> = row.get("ignored_as")?;

        is_forgotten |= ignored_as == Some(IgnoredAs::Forgotten);
        is_in_ado |= row.get::<_, bool>("is_in_ado")?;
        is_stuck |= state == SubmissionState::Parked
            || matches!(obstacle, Some(Obstacle::Credentials | Obstacle::NoToken));
        states.push(state);
    }

    states.retain(|state| *state != SubmissionState::Ignored);
    let progress = if is_forgotten {
        KinProgress::Decided
    } else if states.is_empty() {
        KinProgress::Ignored
    } else if states
        .iter()
        .all(|state| *state == SubmissionState::Submitted)
    {
        KinProgress::Decided
    } else if is_stuck && !is_in_ado {
        KinProgress::Stuck
    } else {
        KinProgress::UnderWay
    };
    Ok((ids, progress))
}

/// What is to become of a run that its own project is not recorded with.
pub(super) fn decide(run: &NewRun<'_>, relative: Relative) -> KinDecision {
    let unchanged = RecordOutcome::Unchanged(relative.submissions.clone());
    let is_ignored = relative.progress == KinProgress::Ignored;

    match relative.kinship {
        Kinship::SameFolder => KinDecision::Recorded(relative.recorded),
        Kinship::SameReport => match (run.occasion, relative.progress) {
            (Occasion::Asked { .. }, _) | (Occasion::Found, KinProgress::Ignored) => {
                KinDecision::Recorded(relative.recorded)
            }
            (Occasion::Ignored { .. }, KinProgress::Ignored) => KinDecision::OfItsOwn,
            (Occasion::Ignored { .. }, _) | (_, KinProgress::Decided) => {
                KinDecision::Nothing(unchanged)
            }
            (Occasion::Found, KinProgress::UnderWay) => waits(relative, Stuck::No),
            (Occasion::Found, KinProgress::Stuck) => waits(relative, Stuck::OfProject),
        },

        // A person who wants it once more means the one that they name.
        Kinship::Copy if is_ignored || run.occasion.is_again() => KinDecision::OfItsOwn,
        Kinship::Copy => KinDecision::Nothing(unchanged),
        Kinship::Unclear if !is_ignored && matches!(run.occasion, Occasion::Found) => {
            KinDecision::Parked(format!(
                "`{}` holds the same run with other results, and nothing tells which is the original; \
                 `kado runs retry ID` submits this one too",
                relative.folder
            ))
        }
        Kinship::Unclear | Kinship::Other => KinDecision::OfItsOwn,
    }
}

fn waits(relative: Relative, stuck: Stuck) -> KinDecision {
    KinDecision::Nothing(RecordOutcome::Waits {
        submissions: relative.submissions,
        stuck,
    })
}

/// Records a run of which its own project has a row. Should that have been left out, and another
/// project have sent the same results on the same way meanwhile, it stays left out.
pub(super) fn record_own(
    transaction: &Transaction<'_>,
    run: &NewRun<'_>,
    recorded: &RecordedRun,
    now: Moment,
) -> Result<RecordOutcome, StoreError> {
    if matches!(run.occasion, Occasion::Found)
        && let Some(relative) = relative_of(transaction, run)?
        && relative.kinship == Kinship::SameReport
        && relative.progress != KinProgress::Ignored
    {
        let occasion = Occasion::Ignored {
            reason: format!(
                "the same results are submitted from `{}`; `kado submit FOLDER` submits this run as \
                 well",
                relative.folder
            ),
            aborted: false,
        };

        let left_out = NewRun {
            occasion: &occasion,
            ..*run
        };
        return record_again(transaction, &left_out, recorded, now);
    }

    record_again(transaction, run, recorded, now)
}

/// Records a run as one of its own; `parked` says why a person has to decide about it.
pub(super) fn insert_new(
    transaction: &Transaction<'_>,
    run: &NewRun<'_>,
    recorded: &RecordedRun,
    again: u32,
    parked: Option<&str>,
    now: Moment,
) -> Result<RecordOutcome, StoreError> {
    let submissions = insert_submissions(transaction, run, recorded, again, now)?;
    let Some(reason) = parked else {
        return Ok(RecordOutcome::New(submissions));
    };

    for id in &submissions {
        if state_of(transaction, *id)? == SubmissionState::Pending {
            apply(transaction, *id, Event::Parked, Some(reason))?;
            log(transaction, *id, "parked", Some(reason), now)?;
        }
    }
    Ok(RecordOutcome::New(submissions))
}
