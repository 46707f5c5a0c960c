//! Runs for the tests of the store, and how they are recorded.

#[cfg(test)]
use std::path::Path;

use crate::katalon::run::SuiteRun;
use crate::katalon::settings::{AzureSettings, PlanReference, ProjectReference};
use crate::moment::Moment;
use crate::outbox::new_run::{NewRun, Occasion, RecordOutcome};
use crate::outbox::store::Store;
use crate::plan::sample;
use crate::plan::snapshot::Snapshot;

/// The moment of everything that happens in tests.
pub(super) const NOW: Moment = Moment::from_millis(1_000_000);

pub(super) fn open(folder: &Path) -> Store {
    Store::open(folder).unwrap()
}

/// A run without results, for these test plans.
pub(super) fn snapshot(plans: &[u32], uuid: Option<&str>) -> Snapshot {
    let settings = AzureSettings {
        enabled: true,
        server_url: Some("https://dev.azure.com/org".to_owned()),
        project: Some(ProjectReference {
            id: None,
            name: "Shop".to_owned(),
        }),
        test_plans: plans
            .iter()
            .map(|id| PlanReference {
                id: *id,
                name: None,
            })
            .collect(),
        ..AzureSettings::default()
    };

    let mut run = sample::run("Smoke", 5, 9);
    run.execution_uuid = uuid.map(str::to_owned);
    run.environment.host = Some("Agent".to_owned());
    sample::snapshot(run, &settings)
}

/// A run that started and ended then.
pub(super) fn at(started: i64, ended: i64, run: Snapshot) -> Snapshot {
    Snapshot {
        run: SuiteRun {
            started: Some(Moment::from_millis(started)),
            ended: Some(Moment::from_millis(ended)),
            last_record: Some(Moment::from_millis(ended)),
            ..run.run
        },
        ..run
    }
}

/// The service found it, and it is only listed.
pub(super) fn ignored(reason: &str) -> Occasion {
    Occasion::Ignored {
        reason: reason.to_owned(),
        aborted: false,
    }
}

/// The service found it, and it seems to be aborted.
pub(super) fn aborted() -> Occasion {
    Occasion::Ignored {
        reason: "aborted".to_owned(),
        aborted: true,
    }
}

/// `kado submit`.
pub(super) const ASKED: Occasion = Occasion::Asked { again: false };
/// `kado submit --again`.
pub(super) const AGAIN: Occasion = Occasion::Asked { again: true };

pub(super) fn record(store: &mut Store, snapshot: &Snapshot, occasion: &Occasion) -> RecordOutcome {
    let identity = snapshot.identity().unwrap();
    let run = NewRun {
        identity: &identity,
        snapshot,
        noticed: NOW,
        occasion,
    };
    store.record(&run, NOW).unwrap()
}

/// Records a run that the service found; gives the id of its only submission.
pub(super) fn found(store: &mut Store, snapshot: &Snapshot) -> i64 {
    let outcome = record(store, snapshot, &Occasion::Found);
    let [id] = outcome.submissions() else {
        panic!("{outcome:?}")
    };
    *id
}
