//! Reading submissions for those who list them.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use rusqlite::Row;

use crate::outbox::new_run::open_choice;
use crate::outbox::store::columns::{REFUSED, identity, json_or_null};
use crate::outbox::store::submissions::unreadable;
use crate::outbox::store::{Store, StoreError};
use crate::outbox::submission::{
    FilesSent, Outcomes, ServerRuns, SubmissionState, SubmissionSummary, SubmittedBy,
};
use crate::plan::left_out::{LeftOut, LeftOutKind};
use crate::plan::options::Options;
use crate::plan::plan_choice::PlanChoice;
use crate::shell_word::shell_word;

/// What [`summary`] reads, beside [`REFUSED`]. A plan is never read whole: it may be megabytes. One
/// that is no JSON is handed on as it is, so that it is said that it cannot be read.
const SUMMARY: &str =
    "submission.id, key, server, project, suite, folder, started_ms, ended_ms, plan_id,
    state, ado_run_id, url, by_katalon, recount, reason, obstacle, next_attempt_ms,
    iif(json_valid(plan), json_array_length(plan, '$.results'), NULL) AS results,
    iif(json_valid(plan), json_array_length(plan, '$.attachments'), NULL) AS attachments,
    iif(json_valid(plan), json_extract(plan, '$.skipped'), plan) AS skipped,
    (SELECT count(*) FROM json_each(iif(json_valid(plan), plan, '{}'), '$.results')
        WHERE value->>'status' = 'PASSED') AS passed,
    (SELECT count(*) FROM json_each(iif(json_valid(plan), plan, '{}'), '$.results')
        WHERE value->>'status' IN ('FAILED', 'ERROR')) AS failed,
    iif(state = 'submitting',
        (SELECT sum(step.state IN ('confirmed', 'refused')) FROM step
         WHERE step.submission_id = submission.id
           AND json_extract(step.step, '$.attach') IS NOT NULL), NULL) AS files_settled,
    again, twin, host, execution_uuid, attempts,
    CASE WHEN json_valid(plan) THEN json_extract(plan, '$.into.run')
         WHEN json_valid(coalesce(submission.snapshot, run.snapshot))
         THEN json_extract(coalesce(submission.snapshot, run.snapshot), '$.options.into.run')
         END AS into_run,
    iif(plan_id IS NULL AND json_valid(coalesce(submission.snapshot, run.snapshot)),
        json_extract(coalesce(submission.snapshot, run.snapshot), '$.options'), NULL) AS options";

/// Reads [`SUMMARY`].
fn summary(row: &Row<'_>) -> Result<SubmissionSummary, StoreError> {
    // A row that cannot be understood is listed all the same, and costs only itself.
    let (skipped, unreadable) = match left_out(row)? {
        Ok(skipped) => (skipped, None),
        Err(error) => (Vec::new(), Some(unreadable(&error))),
    };

    let state: SubmissionState = row.get("state")?;
    let by_katalon: bool = row.get("by_katalon")?;
    let submitted_by = match (state, by_katalon) {
        (SubmissionState::Submitted, true) => Some(SubmittedBy::Katalon),
        (SubmissionState::Submitted, false) => Some(SubmittedBy::Kado),
        _ => None,
    };

    let results: Option<usize> = row.get("results")?;
    let attachments: Option<usize> = row.get("attachments")?;
    let (refused_results, refused_files) = count_refused(&skipped);
    let passed: usize = row.get("passed")?;
    let failed: usize = row.get("failed")?;

    let id = row.get("id")?;
    let folder: String = row.get("folder")?;
    let reason: Option<String> = row.get("reason")?;
    let reason = reason.map(|reason| with_commands(&reason, id, &folder));
    let options = options(row)?;
    let is_without_plan = options.as_ref().is_some_and(|it| it.invalid_plan.is_some());

    Ok(SubmissionSummary {
        id,
        key: row.get("key")?,
        project: row.get("project")?,
        suite: row.get("suite")?,
        folder,
        started: row.get("started_ms")?,
        ended: row.get("ended_ms")?,
        plan_id: row.get("plan_id")?,
        wanted_plan: wanted_plan(row, options.as_ref())?,
        state,
        ado_run_id: row.get("ado_run_id")?,
        url: row.get("url")?,
        into: row.get("into_run")?,
        submitted_by,
        // The plan counts what was to be sent; what ADO refused never arrived.
        results: results.unwrap_or(0).saturating_sub(refused_results),
        outcomes: Outcomes {
            passed,
            failed,
            other: results.unwrap_or(0).saturating_sub(passed + failed),
        },
        // Katalon's files are not kado's to count.
        attachments: if by_katalon {
            0
        } else {
            attachments.unwrap_or(0).saturating_sub(refused_files)
        },
        skipped,
        // What another version stored and this one cannot read is not known.
        recount: json_or_null(row, "recount").unwrap_or_default(),
        error: unreadable.or(reason),
        goes_after: None,
        obstacle: row.get("obstacle")?,
        next_attempt: row.get("next_attempt_ms")?,
        attempts: row.get("attempts")?,
        files_settled: row.get("files_settled")?,
        needs_plan: state == SubmissionState::Parked && is_without_plan,
    })
}

/// A reason with the commands as this submission is named in them: it was made before the
/// submission had an id, or for all runs that it holds for.
fn with_commands(reason: &str, id: i64, folder: &str) -> String {
    reason
        .replace(
            "`kado submit FOLDER`",
            &format!("`kado submit {}`", shell_word(folder)),
        )
        .replace("`kado runs retry`", &format!("`kado runs retry {id}`"))
        .replace("`kado runs retry ID", &format!("`kado runs retry {id}"))
}

/// The options of a submission whose test plan is not known.
fn options(row: &Row<'_>) -> Result<Option<Options>, StoreError> {
    let text: Option<String> = row.get("options")?;
    // What another version stored and this one cannot read is said elsewhere.
    Ok(text.and_then(|text| serde_json::from_str(&text).ok()))
}

/// What the settings say of a test plan that is not known yet.
fn wanted_plan(row: &Row<'_>, options: Option<&Options>) -> Result<Option<String>, StoreError> {
    let Some(options) = options else {
        return Ok(None);
    };

    let key: String = row.get("key")?;
    let choice = open_choice(
        options,
        &identity(row)?,
        row.get("twin")?,
        row.get("again")?,
        &key,
    );
    Ok(match choice {
        // No settings said it: the summary names that test run as the one that is filled.
        Some(PlanChoice::OfRun(_)) | None => None,
        Some(choice) => Some(choice.to_string()),
    })
}

/// What was left out while planning, then what ADO refused; an error of JSON is data here.
fn left_out(row: &Row<'_>) -> Result<Result<Vec<LeftOut>, serde_json::Error>, StoreError> {
    let mut all: Vec<LeftOut> = Vec::new();
    for column in ["skipped", "refused"] {
        let Some(text) = row.get::<_, Option<String>>(column)? else {
            continue;
        };
        match serde_json::from_str::<Vec<LeftOut>>(&text) {
            Ok(some) => all.extend(some),
            Err(error) => return Ok(Err(error)),
        }
    }

    Ok(Ok(all))
}

/// How many results and how many files ADO refused: a result has its test case's id, a file has
/// none.
fn count_refused(left_out: &[LeftOut]) -> (usize, usize) {
    let mut results = 0;
    let mut files = 0;

    for one in left_out {
        if matches!(one.kind, LeftOutKind::Refused | LeftOutKind::GivenUp) {
            match one.azure_id {
                Some(_) => results += 1,
                None => files += 1,
            }
        }
    }
    (results, files)
}

impl Store {
    /// All submissions, the newest run first; with ids, only those.
    ///
    /// # Errors
    /// When the database fails.
    pub(crate) fn summaries(
        &self,
        only: Option<&[i64]>,
    ) -> Result<Vec<SubmissionSummary>, StoreError> {
        let mut statement = self.connection.prepare_cached(&format!(
            "SELECT {SUMMARY}, {REFUSED} FROM submission JOIN run ON run.id = run_id
             WHERE ?1 IS NULL OR submission.id IN (SELECT value FROM json_each(?1))
             ORDER BY started_ms DESC, submission.id DESC"
        ))?;

        // SQLite binds no lists, but it unpacks one that comes as JSON.
        let only = only.map(serde_json::to_string).transpose()?;
        let mut rows = statement.query([only])?;

        // Found once for all rows: a backlog may have thousands of either kind.
        let held = self.left_to_katalon()?;

        let mut summaries = Vec::new();
        while let Some(row) = rows.next()? {
            let mut summary = summary(row)?;
            if let Some(first) = held.before(&summary, row.get("server")?) {
                summary.go_after(first);
            }
            summaries.push(summary);
        }
        Ok(summaries)
    }

    /// The servers that submissions go to, by name.
    ///
    /// # Errors
    /// When the database fails.
    pub(crate) fn servers(&self) -> Result<Vec<ServerRuns>, StoreError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT server, sum(state IN ('pending', 'submitting')), max(submitted_ms)
             FROM submission WHERE server <> '' GROUP BY server ORDER BY server",
        )?;
        let rows = statement.query_map([], |row| {
            Ok(ServerRuns {
                server: row.get(0)?,
                waiting: row.get(1)?,
                last_success: row.get(2)?,
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// How many files are sent of the submissions that are under way; with ids, of these alone,
    /// however far they are.
    ///
    /// # Errors
    /// When the database fails.
    pub(crate) fn files_sent(&self, only: Option<&[i64]>) -> Result<FilesSent, StoreError> {
        let only = only.map(serde_json::to_string).transpose()?;
        let mut statement = self.connection.prepare_cached(
            "SELECT submission_id, step->>'attach', step.state IN ('confirmed', 'refused')
             FROM step JOIN submission ON submission.id = submission_id
             WHERE step->>'attach' IS NOT NULL
               AND iif(?1 IS NULL, submission.state = 'submitting',
                       submission_id IN (SELECT value FROM json_each(?1)))",
        )?;
        let steps = statement.query_map([only], |row| {
            Ok((row.get(0)?, row.get::<_, usize>(1)?, row.get(2)?))
        })?;

        let mut files = FilesSent::default();
        let mut sizes: HashMap<i64, Vec<u64>> = HashMap::new();
        for step in steps {
            let (submission, number, is_settled): (i64, usize, bool) = step?;
            let planned = match sizes.entry(submission) {
                Entry::Occupied(known) => known.into_mut(),
                Entry::Vacant(new) => new.insert(self.sizes_of_files(submission)?),
            };
            let size = planned.get(number).copied().unwrap_or_default();
            files.all += 1;
            files.all_bytes += size;
            if is_settled {
                files.sent += 1;
                files.sent_bytes += size;
            }
        }
        Ok(files)
    }

    /// The sizes of the planned files of a submission, in their order.
    fn sizes_of_files(&self, submission: i64) -> Result<Vec<u64>, StoreError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT file.value->>'size' FROM submission, json_each(plan, '$.attachments') AS file
             WHERE submission.id = ?1 ORDER BY file.id",
        )?;
        let sizes = statement.query_map([submission], |row| row.get(0))?;
        Ok(sizes.collect::<Result<_, _>>()?)
    }

    /// How many submissions there are in each state; a state that is not there has none.
    ///
    /// # Errors
    /// When the database fails.
    pub(crate) fn counts(&self) -> Result<HashMap<SubmissionState, usize>, StoreError> {
        let mut statement = self
            .connection
            .prepare_cached("SELECT state, count(*) FROM submission GROUP BY state")?;
        let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::katalon::run::FileKind;
    use crate::katalon::settings::SendingRule;
    use crate::moment::Moment;
    use crate::outbox::store::test_runs::{NOW, at, found, open, snapshot};
    use crate::plan::ado_facts::AdoFacts;
    use crate::plan::history::TestMemory;
    use crate::plan::{plan, sample};

    #[test]
    fn files_on_their_way_are_counted_with_their_bytes_until_all_are_settled() {
        let folder = tempfile::tempdir().unwrap();
        let mut store = open(folder.path());
        let mut run = snapshot(&[18], None);
        run.options.attachments.when = SendingRule::All;
        run.run.files = vec![
            sample::file("execution0.log", FileKind::Log, 3),
            sample::file("execution1.log", FileKind::Log, 5),
        ];
        let id = found(&mut store, &run);
        let planned = plan(&run, 18, "k", &AdoFacts::default(), &TestMemory::default());
        store.store_plan(id, &planned, NOW).unwrap();

        // Create the run, read its results, attach the first file.
        for position in 0..3 {
            store.intend(id, position).unwrap();
            store.confirm(id, position, &(), NOW).unwrap();
        }

        let one_of_two = FilesSent {
            sent: 1,
            all: 2,
            sent_bytes: 3,
            all_bytes: 8,
        };
        assert_eq!(store.files_sent(None).unwrap(), one_of_two);
        assert_eq!(store.files_sent(Some(&[id])).unwrap(), one_of_two);
        let of_another = store.files_sent(Some(&[id + 1])).unwrap();
        assert_eq!(of_another, FilesSent::default());
    }

    #[test]
    fn what_azure_devops_refused_is_counted_as_results_and_files_and_the_rest_is_not() {
        let of = |kind, azure_id| LeftOut {
            test: None,
            azure_id,
            reason: "no".to_owned(),
            kind,
        };
        let left_out = [
            of(LeftOutKind::Refused, Some(1001)),
            of(LeftOutKind::GivenUp, Some(1002)),
            of(LeftOutKind::Refused, None),
            of(LeftOutKind::NoPoint, Some(1003)),
            of(LeftOutKind::File, None),
        ];

        assert_eq!(count_refused(&left_out), (2, 1));
    }

    #[test]
    fn a_server_is_told_with_what_waits_for_it_and_when_it_last_took_a_run() {
        let folder = tempfile::tempdir().unwrap();
        let mut store = open(folder.path());
        let done = found(&mut store, &at(0, 9, snapshot(&[18], None)));
        found(&mut store, &at(1000, 1009, snapshot(&[18], None)));
        assert_eq!(store.servers().unwrap()[0].last_success, None);
        assert_eq!(store.last_success().unwrap(), None);

        store.submitted(done, NOW).unwrap();

        let servers = store.servers().unwrap();
        assert_eq!(servers.len(), 1);
        assert_eq!(servers[0].waiting, 1);
        assert_eq!(servers[0].last_success, Some(NOW));
        assert_eq!(store.last_success().unwrap(), Some(NOW));
        let last_end = Moment::from_millis(1009);
        assert_eq!(store.last_run_seen().unwrap(), Some(last_end));
    }

    #[test]
    fn late_reports_are_taken_of_runs_that_kado_submitted_and_that_ended_since() {
        let folder = tempfile::tempdir().unwrap();
        let mut store = open(folder.path());
        let old = found(&mut store, &at(0, 9, snapshot(&[18], None)));
        let young = found(&mut store, &at(1000, 1009, snapshot(&[18], None)));
        found(&mut store, &at(2000, 2009, snapshot(&[18], None)));
        assert!(store.submitted_ids().unwrap().is_empty());

        for submitted in [old, young] {
            store.submitted(submitted, NOW).unwrap();
        }

        let since = |millis| store.submitted_since(Moment::from_millis(millis)).unwrap();
        assert_eq!(since(9), [old, young]);
        assert_eq!(since(10), [young]);
        assert_eq!(store.submitted_ids().unwrap().len(), 2);
    }
}
