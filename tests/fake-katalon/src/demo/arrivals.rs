//! The results as they arrive in Azure DevOps while the suite still runs (`submit.live`).

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use fake_ado::FakeAdo;

/// Time between two looks.
const BETWEEN_LOOKS: Duration = Duration::from_millis(50);

/// Says of each result when it is there, or another one than before, until the suite is over.
pub fn tell(fake: &FakeAdo, is_over: &AtomicBool) {
    let mut told = BTreeMap::new();
    while !is_over.load(Ordering::Relaxed) {
        for (id, title, outcome) in outcomes(fake) {
            let is_news = told.get(&id) != Some(&outcome);
            if is_news {
                crate::say(&format!("Azure DevOps: {title}: {outcome}"));
                told.insert(id, outcome);
            }
        }
        thread::sleep(BETWEEN_LOOKS);
    }
}

/// The results that have an outcome: id, title and outcome.
fn outcomes(fake: &FakeAdo) -> Vec<(u32, String, String)> {
    let world = fake.world();
    let mut outcomes = Vec::new();
    for result in world.runs().iter().flat_map(|run| &run.results) {
        if result.state == "Completed" {
            outcomes.push((result.id, result.title.clone(), result.outcome.clone()));
        }
    }
    outcomes
}
