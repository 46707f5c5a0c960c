//! The two ways of listing runs: by plan, and by the time of the last change.

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::Call;
use super::runs::run_json;
use crate::answer::{Answer, Outcome, bad, list, page};
use crate::query::moment;
use crate::runs_model::TestRun;

pub(super) fn list_runs(call: &Call<'_>) -> Outcome {
    let by_time = call.query.get("minLastUpdatedDate").is_some()
        || call.query.get("maxLastUpdatedDate").is_some();
    if by_time {
        by_last_change(call)
    } else {
        by_plan(call)
    }
}

/// The runs of the project that the index knows by now, the newest first.
fn visible<'a>(call: &'a Call<'_>) -> impl Iterator<Item = &'a TestRun> {
    let lag = i128::from(call.world.settings.run_list_lag_ms);
    let now = crate::query::now();
    let known =
        move |run: &&TestRun| lag == 0 || now.duration_since(run.created).as_millis() >= lag;
    let project = call.project().name.as_str();

    call.world
        .runs
        .iter()
        .rev()
        .filter(move |run| run.project == project)
        .filter(known)
}

/// `planId`, `automated`, `includeRunDetails`, `$skip`, `$top`: the comment only with details.
fn by_plan(call: &Call<'_>) -> Outcome {
    let plan = call.query.number("planId")?;
    let automated = call.query.flag("automated");
    let details = call.query.flag("includeRunDetails") == Some(true);
    let build = call.query.get("buildUri").map(str::to_lowercase);
    let (skip, top) = call.window(100, 1000)?;
    let wanted = visible(call).filter(|run| {
        let linked = run
            .build
            .as_ref()
            .map(|build| format!("vstfs:///build/build/{}", build.id));
        plan.is_none_or(|id| run.plan_id.map(|plan| plan as usize) == Some(id))
            && automated.is_none_or(|flag| run.automated == flag)
            && build
                .as_ref()
                .is_none_or(|uri| linked.as_ref() == Some(uri))
    });

    Ok(list(
        wanted
            .skip(skip)
            .take(top)
            .map(|run| listed_json(call, run, details))
            .collect(),
    ))
}

fn listed_json(call: &Call<'_>, run: &TestRun, details: bool) -> Value {
    let mut listed = run_json(call, run, details);
    if let Some(members) = listed
        .as_object_mut()
        .filter(|_| call.world.settings.run_list_without_comments)
    {
        members.remove("comment");
    }

    listed
}

/// The window of time: both ends are needed, at most 7 days apart.
fn window(call: &Call<'_>) -> Result<(Timestamp, Timestamp), Answer> {
    let end = |name: &str| {
        let text = call
            .query
            .get(name)
            .ok_or_else(|| bad(&format!("{name} must be specified.")))?;
        moment(text).ok_or_else(|| bad(&format!("The value '{text}' is not valid for {name}.")))
    };

    let (from, to) = (end("minLastUpdatedDate")?, end("maxLastUpdatedDate")?);

    if to < from || to.duration_since(from) > SignedDuration::from_hours(7 * 24) {
        return Err(bad(
            "The difference between minLastUpdatedDate and maxLastUpdatedDate must be at most 7 days.",
        ));
    }

    Ok((from, to))
}

/// `minLastUpdatedDate`, `maxLastUpdatedDate`, `planIds`, `state`, …: the comment only with
/// details.
fn by_last_change(call: &Call<'_>) -> Outcome {
    let (from, to) = window(call)?;
    let plans = call.query.ids("planIds")?;

    if plans.as_ref().is_some_and(|plans| plans.len() > 10) {
        return Err(bad(
            "At most 10 values are allowed.\r\nParameter name: planIds",
        ));
    }

    let automated = call.query.flag("isAutomated");
    let state = call.query.get("state");
    let title = call.query.get("runTitle").map(str::to_lowercase);
    let (_, top) = call.window(100, 100)?;
    let wanted = visible(call).filter(|run| {
        (from..=to).contains(&run.updated)
            && plans
                .as_ref()
                .is_none_or(|ids| run.plan_id.is_some_and(|plan| ids.contains(&plan)))
            && automated.is_none_or(|flag| run.automated == flag)
            && state.is_none_or(|state| run.state.eq_ignore_ascii_case(state))
            && title
                .as_ref()
                .is_none_or(|title| run.name.to_lowercase().contains(title))
    });

    let details = call.query.flag("includeRunDetails") == Some(true);
    let all = wanted.map(|run| listed_json(call, run, details)).collect();

    Ok(page(all, call.query.continuation()?, top, |next| {
        next.to_string()
    }))
}
