//! Whether everything arrived that had to.

use fake_ado::{FakeAdo, TestRun};
use fake_katalon::sample::{self, SamplePoint};

use crate::figures::Figures;
use crate::kado::Exit;
use crate::{heading, say};

/// Prints what is missing; `true` when nothing is.
pub fn verdict(fake: &FakeAdo, figures: &Figures, arrived: bool, exit: &Exit) -> bool {
    let mut missing = Vec::new();
    if !arrived {
        missing.push("the run is not completed".to_owned());
    }

    let world = fake.world();

    match world.runs() {
        [run] => missing.extend(check_run(run)),
        runs => missing.push(format!("there are {} runs, not one", runs.len())),
    }

    drop(world);
    if !fake.schema_violations().is_empty() {
        missing.push("some requests do not fit the API description".to_owned());
    }

    missing.extend(figures.problems());

    if !exit.is_clean() {
        missing.push("kado did not end with exit code 0".to_owned());
    }

    heading("Verdict");
    if missing.is_empty() {
        say("everything arrived, once, and the figures add up");
    }

    missing
        .iter()
        .for_each(|one| say(&format!("MISSING: {one}")));

    missing.is_empty()
}

fn check_run(run: &TestRun) -> Vec<String> {
    let wanted = sample::world_description();
    let mut missing = Vec::new();
    if run.plan_id != Some(wanted.plan.0) {
        missing.push("the run is not one of plan 18".to_owned());
    }

    for name in ["execution0.log", ".html", ".csv"] {
        if !run
            .attachments
            .iter()
            .any(|one| one.file_name.ends_with(name))
        {
            missing.push(format!("the run has no file {name}"));
        }
    }

    missing.extend(
        wanted
            .points
            .iter()
            .filter_map(|point| check_point(run, point)),
    );

    missing
}

fn check_point(run: &TestRun, point: &SamplePoint) -> Option<String> {
    let result = run.result_of_point(point.id);
    let Some(outcome) = point.outcome else {
        return result.map(|_| format!("point {} of another configuration has a result", point.id));
    };
    let Some(result) = result else {
        return Some(format!("point {} has no result", point.id));
    };

    if result.outcome != outcome {
        return Some(format!(
            "point {} is {}, not {outcome}",
            point.id, result.outcome
        ));
    }

    if result.sub_results.len() != point.sub_results {
        let found = result.sub_results.len();
        return Some(format!(
            "point {} has {found} sub-results, not {}",
            point.id, point.sub_results
        ));
    }

    let pictures = result
        .attachments
        .iter()
        .filter(|one| one.file_name.ends_with(".png"))
        .count();
    if point.picture && pictures == 0 {
        return Some(format!("the result of point {} has no picture", point.id));
    }

    None
}
