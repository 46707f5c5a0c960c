//! `kado map suggest`: proposes ids for the test cases that have none.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;

use clap::Args;
use serde::Serialize;

use super::changing::{WritingArguments, carry_out};
use super::{ProjectArgument, ask, failed, refused, tell_error};
use crate::cli::json;
use crate::cli::tell::tell;
use crate::cli::terminal::{Piece, Screen, Tone, always, table, weighing};
use crate::config::Config;
use crate::exit::Exit;
use crate::katalon::azure_ids;
use crate::mapping::{
    AdoCases, AdoTitle, CaseChange, CaseScope, EnteredIds, KatalonName, MappedProject, NoAnswer,
    Pairing, PairingDecision, Wish, pairings, prepared, tab_counts,
};
use crate::plural::{counted, form};

/// Candidates of a test case that people see beside the one that is chosen.
const SHOWN_NEAR: usize = 2;

/// Arguments of `kado map suggest`.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Pair with all test cases of the ADO project, not only with those in the test plans
    #[arg(long)]
    all: bool,
    /// How sure a pair has to be to be chosen, from 0 to 1
    #[arg(long, value_name = "SCORE", default_value_t = 0.9, value_parser = score)]
    min: f64,
    /// Write the ids that are chosen
    #[arg(long)]
    apply: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    project: ProjectArgument,
    #[command(flatten)]
    writing: WritingArguments,
}

/// A text is no score.
#[derive(Debug, thiserror::Error)]
#[error("it is no number from 0 to 1")]
struct NoScore;

fn score(text: &str) -> Result<f64, NoScore> {
    match text.parse::<f64>() {
        Ok(score) if (0.0..=1.0).contains(&score) => Ok(score),
        _ => Err(NoScore),
    }
}

/// Proposes ids, and writes them where that is asked for.
pub(super) fn suggest(
    arguments: &Arguments,
    config: &Config,
    out: &mut Screen<'_>,
) -> anyhow::Result<Exit> {
    let project = match arguments.project.read(config) {
        Ok(project) => project,
        Err(error) => return Ok(refused(&error)),
    };
    if arguments.apply
        && let Err(error) = tab_counts(&project)
    {
        return Ok(failed(&error.to_string(), Exit::NotDone));
    }

    let scope = if arguments.all {
        CaseScope::Project
    } else {
        CaseScope::Plans
    };
    if scope == CaseScope::Plans && project.options.plans.is_empty() {
        return Ok(refused(&NoAnswer::NoPlan));
    }

    let cases = match ask(&project, config, &[], scope)? {
        Ok(cases) => cases,
        Err(error) => return Ok(refused(&error)),
    };
    let pairings = paired(&project, &cases, arguments.min);

    if arguments.json {
        let views: Vec<PairingView<'_>> = pairings.iter().map(PairingView::of).collect();
        json::print(&views, out)?;
    } else {
        print(&project, &pairings, out)?;
    }
    if !arguments.apply {
        if !arguments.json {
            print_way_on(arguments, &pairings, out)?;
        }
        return Ok(Exit::Done);
    }

    let changes = match changes(&project, &pairings) {
        Ok(changes) => changes,
        Err(exit) => return Ok(exit),
    };

    // A script reads one document on standard output.
    let mut say = |line: &str| -> anyhow::Result<()> {
        if arguments.json {
            tell(line);
        } else {
            out.sentence(4, line)?;
        }
        Ok(())
    };
    let exit = carry_out(&project, &changes, &arguments.writing, &mut say)?;
    if exit == Exit::Done && !arguments.writing.dry_run {
        say(&next_run(&project, &cases, &pairings))?;
    }
    Ok(exit)
}

/// Pairs the test cases without ids with those of ADO.
fn paired(project: &MappedProject, cases: &AdoCases, min: f64) -> Vec<Pairing> {
    let mut mapped_by: BTreeMap<u32, &str> = BTreeMap::new();
    let mut names = Vec::new();
    for case in &project.katalon.test_cases {
        match &case.azure_ids {
            Some(raw) => {
                let lookup = azure_ids::variables(None, Some(case));
                for id in azure_ids::resolve(raw, &lookup).ids {
                    mapped_by.entry(id).or_insert(&case.id);
                }
            }

            // Of a damaged file nobody knows whether it has ids.
            None if case.damage.is_some() => {}
            None => names.push(KatalonName {
                id: &case.id,
                name: case.name(),
            }),
        }
    }

    let mut titles = Vec::new();
    for (id, case) in &cases.cases {
        if case.no_test_case.is_none() {
            titles.push(AdoTitle {
                id: *id,
                title: &case.title,
                automated_name: case.automated_name.as_deref(),
                automated_storage: case.automated_storage.as_deref(),
                mapped_by: mapped_by.get(id).copied(),
            });
        }
    }
    pairings(&names, &titles, min)
}

/// The changes that write what is chosen; the first that cannot be made ends the command.
fn changes(project: &MappedProject, pairings: &[Pairing]) -> Result<Vec<CaseChange>, Exit> {
    let mut changes = Vec::new();
    let mut problems = 0;
    for pairing in pairings {
        let PairingDecision::Chosen(id) = pairing.decision else {
            continue;
        };
        let ids = EnteredIds::parse(&id.to_string())
            .map_err(|error| failed(&error.to_string(), Exit::NotDone))?;

        match prepared(project, &pairing.test_case, &Wish::Ids(ids)) {
            Ok(change) => changes.extend(change),
            Err(error) => {
                problems += 1;
                tell_error(&error.to_string());
            }
        }
    }

    if problems == 0 {
        return Ok(changes);
    }
    let reason = format!(
        "{} cannot be written, so nothing was written",
        counted(problems, "test case")
    );
    Err(failed(&reason, Exit::NotDone))
}

/// A pairing for scripts.
#[derive(Debug, Serialize)]
struct PairingView<'a> {
    test_case: &'a str,
    candidates: Vec<CandidateView<'a>>,
    chosen: Option<u32>,
    /// Why none is chosen.
    #[serde(skip_serializing_if = "Option::is_none")]
    not_chosen: Option<String>,
}

#[derive(Debug, Serialize)]
struct CandidateView<'a> {
    id: u32,
    title: &'a str,
    score: f64,
    reason: String,
}

impl<'a> PairingView<'a> {
    fn of(pairing: &'a Pairing) -> Self {
        let candidates = pairing.candidates.iter().map(|candidate| CandidateView {
            id: candidate.id,
            title: &candidate.title,
            score: candidate.score,
            reason: candidate.reason(),
        });
        Self {
            test_case: &pairing.test_case,
            candidates: candidates.collect(),
            chosen: chosen(pairing),
            not_chosen: why_not(&pairing.decision),
        }
    }
}

fn chosen(pairing: &Pairing) -> Option<u32> {
    match pairing.decision {
        PairingDecision::Chosen(id) => Some(id),
        _ => None,
    }
}

/// Why none is chosen, in words.
fn why_not(decision: &PairingDecision) -> Option<String> {
    let reason = match decision {
        PairingDecision::Chosen(_) => return None,
        PairingDecision::Ambiguous(ids) => {
            let ids: Vec<String> = ids.iter().map(u32::to_string).collect();
            format!("{} fit equally", ids.join(" and "))
        }
        PairingDecision::Contested { id, others } => {
            format!("{id} is wanted by `{}` as well", others.join("`, `"))
        }
        PairingDecision::Taken { id, by } => format!("`{by}` is mapped to {id} already"),
        PairingDecision::Unsure => "not sure enough".to_owned(),
        PairingDecision::Nothing => "nothing is near".to_owned(),
    };
    Some(reason)
}

fn print(
    project: &MappedProject,
    pairings: &[Pairing],
    out: &mut Screen<'_>,
) -> std::io::Result<()> {
    let all = project.katalon.test_cases.len();
    if pairings.is_empty() {
        let all = counted(all, "test case");
        return out.sentence(
            0,
            &format!("Each of {all} has an id; there is nothing to propose."),
        );
    }

    let mut table = table([
        always("TEST CASE"),
        always("ID"),
        weighing(3, "TITLE"),
        weighing(2, "SCORE"),
        weighing(1, "WHY"),
        weighing(4, "DECISION"),
    ]);
    for pairing in pairings {
        let mut name = Piece::new(&pairing.test_case);
        let mut decision = match why_not(&pairing.decision) {
            Some(reason) => Piece::new(format!("none: {reason}")),
            None => Piece::toned(Tone::Good, "chosen"),
        };
        // Where one is chosen a few others show what it was chosen from.
        let shown = match pairing.decision {
            PairingDecision::Chosen(_) => SHOWN_NEAR + 1,
            _ => usize::MAX,
        };

        for candidate in pairing.candidates.iter().take(shown) {
            table.add_row([
                std::mem::replace(&mut name, Piece::new("")),
                Piece::new(candidate.id.to_string()),
                Piece::new(&candidate.title),
                Piece::new(format!("{:.2}", candidate.score)),
                Piece::new(candidate.reason()),
                std::mem::replace(&mut decision, Piece::new("")),
            ]);
        }
        if pairing.candidates.is_empty() {
            let dash = || Piece::new("-");
            table.add_row([name, dash(), dash(), dash(), dash(), decision]);
        }
    }
    out.table(&table)?;
    writeln!(out)
}

fn print_way_on(
    arguments: &Arguments,
    pairings: &[Pairing],
    out: &mut Screen<'_>,
) -> std::io::Result<()> {
    if pairings.is_empty() {
        return Ok(());
    }

    let count = pairings
        .iter()
        .filter(|pairing| chosen(pairing).is_some())
        .count();
    let all = counted(pairings.len(), "test case");
    out.sentence(
        0,
        &format!("{count} of {all} without ids would get one; nothing was written"),
    )?;
    if count > 0 {
        out.sentence(
            0,
            "`--apply` writes what is chosen; `kado map set` gives the others their ids",
        )?;
    } else if !arguments.all {
        out.sentence(
            0,
            "`--all` looks at all test cases of the ADO project; `kado map set` gives ids by hand",
        )?;
    }
    Ok(())
}

/// What the next run of the project will submit, now that ids are written.
fn next_run(project: &MappedProject, cases: &AdoCases, pairings: &[Pairing]) -> String {
    let mut submitted: BTreeSet<&str> = BTreeSet::new();
    let mut without_point = 0;
    let mut note = |test_case, ids: &[u32]| {
        // An id that was not asked for has no point in the plans.
        let mut known = ids.iter().filter_map(|id| cases.cases.get(id));
        if known.any(|case| !case.points.is_empty()) {
            submitted.insert(test_case);
        } else {
            without_point += 1;
        }
    };

    for case in &project.katalon.test_cases {
        if let Some(raw) = &case.azure_ids {
            let lookup = azure_ids::variables(None, Some(case));
            note(&*case.id, &azure_ids::resolve(raw, &lookup).ids);
        }
    }
    for pairing in pairings {
        if let Some(id) = chosen(pairing) {
            note(&*pairing.test_case, &[id]);
        }
    }

    let all = project.katalon.test_cases.len();
    let without_id = all - submitted.len() - without_point;
    let mut text = format!(
        "the next run submits results of {} of {} to {}",
        submitted.len(),
        counted(all, "test case"),
        cases.plans_in_words()
    );
    if without_id > 0 {
        text.push_str(&format!(
            "; {without_id} {} no id",
            form(without_id, "has", "have")
        ));
    }
    if without_point > 0 {
        text.push_str(&format!(
            "; {without_point} {} no test point there that is known before a run",
            form(without_point, "has", "have")
        ));
    }
    if cases.plans.is_empty() {
        "no test plan is set, so the next run submits nothing; `kado list plans` shows the plans"
            .clone_into(&mut text);
    }
    if !project.katalon.settings.enabled {
        text.insert_str(
            0,
            "the integration is switched off in the project's Azure DevOps settings, so no run is \
             submitted; once it is on, ",
        );
    }
    text
}
