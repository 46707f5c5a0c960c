//! Runs of which nothing is left: their folders vanished before they were recorded.

use std::path::Path;

use crate::discovery::settled::FORGOTTEN;
use crate::outbox::store::LostRun;
use crate::why::explanation::{Explanation, FolderVerdict};
use crate::why::inquiry::Inquiry;

/// What is known of the runs that were lost from a folder, or from below it.
pub(super) fn explain_lost(
    inquiry: &Inquiry<'_>,
    chosen: impl Fn(&Path) -> bool,
) -> Vec<Explanation> {
    let since = inquiry.now.minus(FORGOTTEN);
    let mut lost = inquiry
        .ask(|store| store.lost_runs(since))
        .unwrap_or_default();
    lost.retain(|lost| chosen(&lost.folder));

    let mut explanations = Vec::new();
    for run in &lost {
        explanations.push(explain(inquiry, run));
    }
    explanations
}

fn explain(inquiry: &Inquiry<'_>, lost: &LostRun) -> Explanation {
    let reason = format!(
        "the folder vanished {}, so nothing of it can be submitted",
        lost.before_what()
    );
    let seen = format!(
        "{}, begun at {} on {}; its folder was missed first at {}",
        lost.run.suite, lost.run.started, lost.run.host, lost.missed
    );

    Explanation::of_run(&lost.folder, FolderVerdict::Unread, &reason)
        .with_details([seen])
        .with_details(inquiry.live_suites(&lost.run))
        .or_else_do([LostRun::WAY_OUT.to_owned()])
}
