//! The Katalon projects, as their files and their last runs say.

use askama::Template;

use crate::overview::projects::{Integration, ProjectState, WhoSubmits};
use crate::page::html::time::LocalClock;
use crate::page::html::{Piece, link, or_dash, shown};
use crate::page::seen::Seen;

/// Projects that are listed before the list is folded.
const FEW: usize = 8;

/// The section.
#[derive(Template)]
#[template(path = "projects.html", config = "src/page/askama.toml")]
pub(super) struct ProjectsSection {
    projects: Vec<ProjectRow>,
    is_open: bool,
    /// How many have test cases without a point.
    with_gaps: usize,
}

struct ProjectRow {
    name: String,
    path: String,
    katalon: String,
    integration: &'static str,
    /// The class of it in the style sheet.
    class: &'static str,
    plans: Vec<PlanLink>,
    mapped: String,
    without_point: String,
    submits: &'static str,
    last_run: Piece,
}

struct PlanLink {
    text: String,
    url: Option<String>,
}

pub(super) fn of(seen: &Seen, clock: &LocalClock<'_>) -> ProjectsSection {
    let projects: Vec<_> = seen
        .projects
        .iter()
        .map(|project| row(project, clock))
        .collect();
    let with_gaps = seen
        .projects
        .iter()
        .filter(|project| project.without_point.is_some_and(|count| count > 0))
        .count();
    ProjectsSection {
        is_open: projects.len() <= FEW,
        with_gaps,
        projects,
    }
}

fn row(project: &ProjectState, clock: &LocalClock<'_>) -> ProjectRow {
    let (integration, class) = match project.integration {
        None => ("not read yet", "still"),
        Some(Integration::On) => ("on", "good"),
        Some(Integration::Off) => ("off", "still"),
        Some(Integration::Unreadable) => ("settings cannot be read", "bad"),
    };
    let mut plans = Vec::new();
    for plan in &project.test_plans {
        plans.push(PlanLink {
            text: shown(&plan.name),
            url: link(plan.url.as_deref()),
        });
    }

    ProjectRow {
        name: shown(&project.name),
        path: shown(&project.path.display().to_string()),
        katalon: or_dash(project.katalon_version.as_ref()),
        integration,
        class,
        plans,
        mapped: match (project.mapped, project.test_cases) {
            (Some(mapped), Some(all)) => format!("{mapped} of {all}"),
            _ => "–".to_owned(),
        },
        without_point: or_dash(project.without_point),
        submits: match project.submitted_by {
            None => "–",
            Some(WhoSubmits::Kado) => "kado",
            Some(WhoSubmits::Katalon) => "Katalon",
            Some(WhoSubmits::Either) => "kado, unless Katalon does",
            Some(WhoSubmits::Nobody) => "nobody by itself",
        },
        last_run: clock.minute(project.last_run_seen),
    }
}
