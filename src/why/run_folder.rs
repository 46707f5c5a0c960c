//! What became of a run folder that is there: what its rows say, else what is to be expected of it,
//! judged as the service does.

use std::collections::HashSet;
use std::path::Path;

use crate::discovery::command_of_run::KnownCommands;
use crate::discovery::eligibility::Eligibility;
use crate::discovery::folder_answer::FolderAnswer;
use crate::discovery::run_identity::RunIdentity;
use crate::error_chain::chain;
use crate::intake::{self, FinishedRun, RunRefusal};
use crate::katalon::damage::Damage;
use crate::katalon::run::SuiteRun;
use crate::katalon::run::lifecycle::RunState;
use crate::mapping::suggest_command;
use crate::outbox::StoreError;
use crate::outbox::lock::ServiceState;
use crate::outbox::store::Projects;
use crate::plan::left_out::LeftOut;
use crate::plan::snapshot::Snapshot;
use crate::plan::without_ids::is_without_ids;
use crate::record::{self, CommandClues};
use crate::watch::fingerprint_of;
use crate::why::explanation::{Explanation, FolderVerdict};
use crate::why::inquiry::{Inquiry, OutboxFault, command};
use crate::why::{recorded, seen};
use crate::workspace::{self, CollectionFolder, Location, RunReader};

/// Tests that are named; more are counted.
const MOST: usize = 20;

/// As [`explain`], of a folder among many: one that is settled and has not changed since is not
/// read again, as in the service.
pub(super) fn explain_one_of_many(inquiry: &Inquiry<'_>, folder: &Path) -> Explanation {
    let Ok(Some(known)) = inquiry.ask(|store| store.folder_answer(folder)) else {
        return explain(inquiry, folder);
    };
    if known.answered.settled.is_none() || known.answered.settled != fingerprint_of(folder) {
        return explain(inquiry, folder);
    }

    let rows = inquiry.rows_with(&known.submissions);
    if let Some(explanation) = recorded::explain_rows(inquiry, folder, &rows) {
        return with_ways_to_submit(inquiry, &Location::of(folder), explanation);
    }

    // There may be thousands of these. Whether a changed history takes one in, its reading says.
    match known.answered.answer {
        FolderAnswer::Older { ended } if inquiry.is_history(ended) => {
            recorded::explain_older(folder, ended).or_else_do([command("submit", folder)])
        }
        _ => explain(inquiry, folder),
    }
}

/// Says what became of a run folder.
pub(super) fn explain(inquiry: &Inquiry<'_>, folder: &Path) -> Explanation {
    let location = Location::of(folder);
    let reader = RunReader::default();
    let run = match reader.read(&location) {
        Ok(run) => run,
        Err(error) => return unread(inquiry, folder, &chain(&error)),
    };

    let readings = readings(&run);
    explain_read(inquiry, &location, &reader, &run).with_details(readings)
}

fn explain_read(
    inquiry: &Inquiry<'_>,
    location: &Location,
    reader: &RunReader,
    run: &SuiteRun,
) -> Explanation {
    let folder = &location.folder;
    let Some(identity) = RunIdentity::of(run) else {
        return nameless(inquiry, folder, run);
    };

    match inquiry.ask(|store| store.submissions_of(&identity, Projects::Around(folder))) {
        Ok(ids) => {
            let rows = inquiry.rows_with(&ids);
            if let Some(known) = recorded::explain_rows(inquiry, folder, &rows) {
                let others = of_other_projects(inquiry, &identity, &ids);
                return with_ways_to_submit(inquiry, location, known).with_details(others);
            }
        }
        Err(fault) => return unknown(folder, &fault),
    }

    let state = state_of(inquiry, folder, run);
    let explanation = match going_on(inquiry, folder, state) {
        Some(explanation) => explanation,
        None => over(inquiry, location, reader, &identity, state),
    };
    explanation.with_details(inquiry.live_suites(&identity))
}

/// The runs of other projects that say the same of themselves as the one with these submissions.
fn of_other_projects(inquiry: &Inquiry<'_>, run: &RunIdentity, own: &[i64]) -> Vec<String> {
    let all = inquiry.ask(|store| store.all_submissions_of(run, Projects::All));

    let mut lines = Vec::new();
    for row in inquiry.rows_with(&all.unwrap_or_default()) {
        if !own.contains(&row.id) {
            lines.push(format!(
                "`{}` of another project holds a run of the same suite, start and host: run {}, {}",
                row.folder,
                row.id,
                row.state.word()
            ));
        }
    }
    lines
}

/// How far a run is, judged as for `kado inspect`.
fn state_of(inquiry: &Inquiry<'_>, folder: &Path, run: &SuiteRun) -> RunState {
    let listing = workspace::list_run_folder(folder).unwrap_or_default();
    workspace::state_of(
        folder,
        run,
        &listing,
        inquiry.config.abort_after,
        inquiry.now,
    )
}

/// A run that is not over; `None` of one that is.
fn going_on(inquiry: &Inquiry<'_>, folder: &Path, state: RunState) -> Option<Explanation> {
    let reason = match state {
        RunState::Queued => {
            let reason = "Katalon has prepared the run, and its log has not begun";
            return Some(Explanation::of_run(folder, FolderVerdict::Running, reason));
        }
        RunState::Running => format!(
            "its suite runs: the log has no end yet, and Katalon has written no report; it counts \
             as aborted when nothing has changed for {} minutes (`abort_after`)",
            inquiry.config.abort_after.as_secs() / 60
        ),
        RunState::Finished | RunState::Crashed | RunState::Aborted => return None,
    };

    let submit = command("submit", folder);
    let runs = Explanation::of_run(folder, FolderVerdict::Running, &reason);
    Some(runs.or_else_do([format!("{submit}, when nothing has changed for a minute")]))
}

/// A run that is over and not in the outbox.
fn over(
    inquiry: &Inquiry<'_>,
    location: &Location,
    reader: &RunReader,
    identity: &RunIdentity,
    state: RunState,
) -> Explanation {
    let folder = &location.folder;
    let commands = match commands_of(inquiry, location) {
        Ok(commands) => commands,
        Err(fault) => return unknown(folder, &fault),
    };
    let run = match intake::read(location, reader, inquiry.config, &commands) {
        Ok(run) => run,
        Err(error) => return unread(inquiry, folder, &chain(&error)),
    };
    let details = ids_in_words(&run.snapshot);

    let left_out = record::eligibility_of(inquiry.config, &run, state, inquiry.first_seen);
    let explanation = match left_out {
        Eligibility::Ignore(reason) => {
            let ways = ways_to_submit(folder, &run);
            Explanation::of_run(folder, FolderVerdict::Ignored, &reason).or_else_do(ways)
        }
        Eligibility::Remember => older(inquiry, folder, &run, state),
        Eligibility::Submit => awaited(inquiry, location, reader, identity),
    };
    let way = way_to_ids(&run.snapshot);
    explanation.with_details(details).or_else_do(way)
}

/// A run from before the history, with all that keeps it out.
fn older(inquiry: &Inquiry<'_>, folder: &Path, run: &FinishedRun, state: RunState) -> Explanation {
    let reason = record::reason_left_out(inquiry.config, run, state, inquiry.first_seen)
        .unwrap_or_else(|| "its run ended before the history begins".to_owned());
    let ways = ways_to_submit(folder, run);
    Explanation::of_run(folder, FolderVerdict::Ignored, &reason).or_else_do(ways)
}

/// A run that goes out with its collection, which has not ended.
fn goes_with(
    inquiry: &Inquiry<'_>,
    folder: &Path,
    collection: &CollectionFolder,
    identity: &RunIdentity,
) -> Explanation {
    let is_kept = inquiry
        .ask(|store| store.pending_members())
        .is_ok_and(|kept| {
            let mut runs = kept.iter().filter_map(|member| member.run.as_ref());
            runs.any(|run| run.is_same_run(identity))
        });
    let kept = if is_kept {
        ", and is kept until then"
    } else {
        ""
    };

    let reason = format!(
        "it is submitted with its collection `{}` when that has ended (`submit.collections = \
         \"one\"`){kept}",
        collection.id()
    );
    let whole = command("submit", &collection.folder);
    Explanation::of_run(folder, FolderVerdict::Pending, &reason).or_else_do([whole])
}

/// A run that is to be submitted and that nobody has recorded.
fn awaited(
    inquiry: &Inquiry<'_>,
    location: &Location,
    reader: &RunReader,
    identity: &RunIdentity,
) -> Explanation {
    let folder = &location.folder;
    let submit = command("submit", folder);
    if let Some(unseen) = seen::why_not_seen(inquiry, folder, location.root.as_deref()) {
        return unseen.or_else_do([submit]);
    }

    if let Some(collection) = intake::collection::of(location, reader, inquiry.config)
        && collection.has_member(folder)
    {
        return goes_with(inquiry, folder, &collection, identity);
    }

    let waits = match inquiry.ask(|store| store.folder_answer(folder)) {
        Ok(Some(known)) => match known.answered.answer {
            FolderAnswer::Waiting { reason } => Some(reason),
            _ => None,
        },
        _ => None,
    };
    let reason = match (inquiry.service, waits) {
        (ServiceState::Running, _) if inquiry.disk_fault.is_some() => {
            "its run is over, and the service submits it only when it can record it, which it cannot"
                .to_owned()
        }
        (ServiceState::Running, Some(reason)) => reason,
        (ServiceState::Running, None) => "its run is over, and the service submits it when its \
                                          grace time is over: when Katalon has written its \
                                          reports and the folder is still"
            .to_owned(),
        (ServiceState::NotRunning | ServiceState::Failed, _) => {
            "its run is over, and no service runs that would submit it".to_owned()
        }
        (ServiceState::Unknown, _) => "its run is over and not recorded, and this account may not \
                                       see whether a service runs"
            .to_owned(),
    };

    let mut ways = vec![submit];
    if matches!(
        inquiry.service,
        ServiceState::NotRunning | ServiceState::Failed
    ) {
        ways.insert(0, "`kado service start`, or `kado run --once`".to_owned());
    }
    Explanation::of_run(folder, FolderVerdict::Pending, &reason).or_else_do(ways)
}

/// A run that is submitted or was left out, with the command that submits it all the same where
/// that helps.
fn with_ways_to_submit(
    inquiry: &Inquiry<'_>,
    location: &Location,
    known: Explanation,
) -> Explanation {
    let folder = &location.folder;
    match known.verdict {
        FolderVerdict::Submitted => {
            let again = command("submit --again", folder);
            known.or_else_do([again])
        }

        FolderVerdict::Ignored => {
            let commands = commands_of(inquiry, location).unwrap_or_else(|_| no_commands());
            match intake::read_requested(location, inquiry.config, &commands) {
                Ok(run) => known.or_else_do(ways_to_submit(folder, &run)),
                Err(refusal @ (RunRefusal::SwitchedOff(_) | RunRefusal::NotSetUp { .. })) => {
                    known.or_else_do([refusal.to_string()])
                }
                Err(_) => known,
            }
        }
        _ => known,
    }
}

/// What submits a run that was left out: the command does not help where the integration is off.
fn ways_to_submit(folder: &Path, run: &FinishedRun) -> Vec<String> {
    if run.terms.enabled {
        // Ids help only where they are what is missing.
        let mut ways = Vec::new();
        if is_without_ids(&run.snapshot) {
            ways.extend(way_to_ids(&run.snapshot));
        }
        ways.push(command("submit", folder));
        ways
    } else {
        vec![RunRefusal::of_integration(run).to_string()]
    }
}

/// A run that cannot be told from others. It may have been recorded when it could.
fn nameless(inquiry: &Inquiry<'_>, folder: &Path, run: &SuiteRun) -> Explanation {
    let state = state_of(inquiry, folder, run);
    match going_on(inquiry, folder, state) {
        Some(explanation) => explanation,
        None => unread(inquiry, folder, record::NAMELESS),
    }
}

/// A folder that cannot be read: what was recorded of it before counts.
fn unread(inquiry: &Inquiry<'_>, folder: &Path, reason: &str) -> Explanation {
    let rows = inquiry.rows_in(|found| crate::file_names::same(found, folder));
    match recorded::explain_rows(inquiry, folder, &rows) {
        Some(known) => known.with_details([format!("it cannot be read any more: {reason}")]),
        None => Explanation::of_run(folder, FolderVerdict::Unread, reason),
    }
}

/// A folder of which nobody can say whether it was submitted.
fn unknown(folder: &Path, fault: &OutboxFault) -> Explanation {
    let reason = format!("it is not known whether its run was submitted: {fault}");
    Explanation::of_run(folder, FolderVerdict::Unknown, &reason)
}

/// What of a run could not be read, and where its witnesses differ.
fn readings(run: &SuiteRun) -> Vec<String> {
    let mut lines: Vec<String> = LeftOut::reading(run)
        .iter()
        .map(LeftOut::to_string)
        .collect();
    lines.extend(run.options.unread.as_ref().map(Damage::to_string));
    lines
}

/// The tests of a run that have no ADO id, each with the reason; nothing where all have one.
fn ids_in_words(snapshot: &Snapshot) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    let mut tests = HashSet::new();
    for test in &snapshot.run.tests {
        if !tests.insert(test.id.as_str()) {
            continue;
        }
        let line = match snapshot.cases.get(&test.id) {
            None => format!("{}: the project has no `.tc` file of it any more", test.id),
            Some(case) => match (&case.damage, &case.azure_ids) {
                (Some(damage), _) => format!("{}: {damage}, so its ADO ids are unknown", test.id),
                (None, None) => format!("{}: it has no ADO id", test.id),
                (None, Some(_)) => continue,
            },
        };
        lines.push(line);
    }

    if lines.len() > MOST {
        let more = lines.len() - MOST;
        lines.truncate(MOST);
        lines.push(format!("and {more} more tests without ADO ids"));
    }
    lines
}

/// The command that finds ids for the test cases of a run that have none.
fn way_to_ids(snapshot: &Snapshot) -> Option<String> {
    let lacks_id = snapshot.run.tests.iter().any(|test| {
        let case = snapshot.cases.get(&test.id);
        case.is_some_and(|case| case.azure_ids.is_none() && case.damage.is_none())
    });
    lacks_id.then(|| {
        let root = Path::new(&snapshot.project_root);
        format!("{} proposes ids", suggest_command(root))
    })
}

/// What is known of the commands that may have started a run.
fn commands_of(inquiry: &Inquiry<'_>, location: &Location) -> Result<KnownCommands, OutboxFault> {
    let Some(clues) = CommandClues::of(location) else {
        return Ok(no_commands());
    };
    let known = inquiry.ask(|store| Ok::<_, StoreError>(Some(clues.known_in(store)?)))?;
    Ok(known.unwrap_or_else(no_commands))
}

fn no_commands() -> KnownCommands {
    KnownCommands::nothing()
}
