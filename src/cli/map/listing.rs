//! `kado map list` and `kado map verify`: every test case with its ids and what ADO says of them.

use std::io::Write as _;

use clap::Args;
use serde::Serialize;

use super::{ProjectArgument, ask, refused, way_to_suggest};
use crate::cli::json;
use crate::cli::terminal::{Piece, Screen, Tone, always, table, weighing};
use crate::config::Config;
use crate::exit::Exit;
use crate::katalon::azure_ids;
use crate::katalon::test_case::TestCase;
use crate::mapping::{AdoCases, CasePoint, CaseScope, MappedProject};
use crate::plural::{counted, form};

/// Arguments of `kado map list` and `kado map verify`.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    project: ProjectArgument,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// A test case with its ids.
#[derive(Debug, Serialize)]
struct MappedCaseView<'a> {
    test_case: &'a str,
    ids: Vec<IdView>,
    /// Where the ids stand; `null` without any.
    source: Option<&'static str>,
    /// Why the ids cannot be known.
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<String>,
}

/// An id with what ADO says of it.
#[derive(Debug, Default, Serialize)]
struct IdView {
    /// `null` where a run has to give it.
    id: Option<u32>,
    /// What stands in the place of an id.
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<String>,
    title: Option<String>,
    state: Option<String>,
    points: Vec<CasePoint>,
    problem: Option<String>,
}

/// Shows every test case.
pub(super) fn list(
    arguments: &Arguments,
    config: &Config,
    out: &mut Screen<'_>,
) -> anyhow::Result<Exit> {
    let (project, views) = match views(arguments, config)? {
        Ok(read) => read,
        Err(exit) => return Ok(exit),
    };
    let views = views_of(&project, &views);

    if arguments.json {
        json::print(&views, out)?;
    } else {
        print(&views, out)?;
        print_sum(&project, &views, out)?;
    }
    Ok(Exit::Done)
}

/// Verifies every id; what is wrong with one makes the exit code 1.
pub(super) fn verify(
    arguments: &Arguments,
    config: &Config,
    out: &mut Screen<'_>,
) -> anyhow::Result<Exit> {
    let (project, cases) = match views(arguments, config)? {
        Ok(read) => read,
        Err(exit) => return Ok(exit),
    };
    let mut views = views_of(&project, &cases);
    views.retain(|view| !view.ids.is_empty() || view.problem.is_some());
    let wrong = views.iter().filter(|view| has_problem(view)).count();

    if arguments.json {
        json::print(&views, out)?;
    } else if views.is_empty() {
        let way = way_to_suggest(&project);
        out.sentence(0, &format!("No test case has an id; {way} proposes some."))?;
    } else {
        print(&views, out)?;
        writeln!(out)?;
        out.sentence(
            0,
            &format!(
                "{wrong} of {} {} something that is wrong",
                counted(views.len(), "mapped test case"),
                form(wrong, "has", "have")
            ),
        )?;
    }

    Ok(if wrong == 0 && !views.is_empty() {
        Exit::Done
    } else {
        Exit::NotDone
    })
}

fn has_problem(view: &MappedCaseView<'_>) -> bool {
    view.problem.is_some() || view.ids.iter().any(|id| id.problem.is_some())
}

/// The project and what ADO says of its ids; an exit code where that cannot be told.
fn views(
    arguments: &Arguments,
    config: &Config,
) -> anyhow::Result<Result<(MappedProject, AdoCases), Exit>> {
    let project = match arguments.project.read(config) {
        Ok(project) => project,
        Err(error) => return Ok(Err(refused(&error))),
    };

    let mut ids = Vec::new();
    for case in &project.katalon.test_cases {
        ids.extend(resolved(case).ids);
    }
    match ask(&project, config, &ids, CaseScope::Plans)? {
        Ok(cases) => Ok(Ok((project, cases))),
        Err(error) => Ok(Err(refused(&error))),
    }
}

fn resolved(case: &TestCase) -> azure_ids::Resolved {
    let raw = case.azure_ids.as_deref().unwrap_or_default();
    azure_ids::resolve(raw, &azure_ids::variables(None, Some(case)))
}

fn views_of<'a>(project: &'a MappedProject, cases: &AdoCases) -> Vec<MappedCaseView<'a>> {
    let mut views = Vec::new();
    for case in &project.katalon.test_cases {
        let resolved = resolved(case);
        let mut ids: Vec<IdView> = resolved.ids.iter().map(|id| id_view(*id, cases)).collect();
        for problem in resolved.problems {
            // The value of a variable is known in a run.
            let is_wrong = !problem.names_variable();
            ids.push(IdView {
                text: Some(problem.text),
                problem: is_wrong.then_some(problem.reason),
                ..IdView::default()
            });
        }

        views.push(MappedCaseView {
            test_case: &case.id,
            source: (!ids.is_empty()).then(|| case.source.word()),
            ids,
            problem: case.damage.as_ref().map(ToString::to_string),
        });
    }
    views
}

fn id_view(id: u32, cases: &AdoCases) -> IdView {
    let Some(case) = cases.cases.get(&id) else {
        return IdView {
            id: Some(id),
            ..IdView::default()
        };
    };

    let problem = match &case.no_test_case {
        Some(reason) => Some(format!("work item {id} {reason}")),
        None if case.points.is_empty() && !cases.plans.is_empty() => {
            Some(format!("no test point in {}", cases.plans_in_words()))
        }
        None => None,
    };
    let told = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    IdView {
        id: Some(id),
        text: None,
        title: told(&case.title),
        state: told(&case.state),
        points: case.points.clone(),
        problem,
    }
}

fn print(views: &[MappedCaseView<'_>], out: &mut Screen<'_>) -> std::io::Result<()> {
    let mut table = table([
        always("TEST CASE"),
        always("ID"),
        weighing(4, "TITLE"),
        weighing(2, "STATE"),
        weighing(3, "POINTS"),
        weighing(1, "FROM"),
        weighing(5, "PROBLEM"),
    ]);
    let dash = |text: Option<&str>| Piece::new(text.unwrap_or("-"));

    for view in views {
        let mut name = view.test_case;
        let from = dash(view.source);
        for id in &view.ids {
            let number = id.id.map(|id| id.to_string());
            table.add_row([
                // The name of a test case with several ids stands in the first line.
                Piece::new(std::mem::take(&mut name)),
                dash(number.as_deref().or(id.text.as_deref())),
                dash(id.title.as_deref()),
                dash(id.state.as_deref()),
                Piece::new(points_in_words(&id.points)),
                from.clone(),
                match (&id.problem, &id.id) {
                    (Some(problem), _) => Piece::toned(Tone::Bad, problem),
                    (None, None) => Piece::new("each run gives it"),
                    (None, Some(_)) => Piece::new("-"),
                },
            ]);
        }

        if view.ids.is_empty() {
            let problem = view.problem.as_deref().unwrap_or("no id");
            table.add_row([name, "-", "-", "-", "-", "-", problem]);
        }
    }
    out.table(&table)
}

/// `18: 11, 12; 19: 91`: the points of each plan.
fn points_in_words(points: &[CasePoint]) -> String {
    let mut plans: Vec<(u32, Vec<String>)> = Vec::new();
    for point in points {
        match plans.last_mut() {
            Some((plan, points)) if *plan == point.plan_id => {
                points.push(point.point_id.to_string());
            }
            _ => plans.push((point.plan_id, vec![point.point_id.to_string()])),
        }
    }

    if plans.is_empty() {
        return "-".to_owned();
    }
    let plans: Vec<String> = plans
        .into_iter()
        .map(|(plan, points)| format!("{plan}: {}", points.join(", ")))
        .collect();
    plans.join("; ")
}

fn print_sum(
    project: &MappedProject,
    views: &[MappedCaseView<'_>],
    out: &mut Screen<'_>,
) -> std::io::Result<()> {
    let mapped = views.iter().filter(|view| !view.ids.is_empty()).count();
    let wrong = views.iter().filter(|view| has_problem(view)).count();

    let mut sum = format!(
        "{mapped} of {} {} ids",
        counted(views.len(), "test case"),
        form(mapped, "has", "have")
    );
    if wrong > 0 {
        sum.push_str(&format!(
            ", {wrong} {} something that is wrong",
            form(wrong, "has", "have")
        ));
    }
    writeln!(out)?;
    out.sentence(0, &sum)?;

    if mapped < views.len() {
        let way = way_to_suggest(project);
        out.sentence(0, &format!("{way} proposes ids for those without"))?;
    }
    Ok(())
}
