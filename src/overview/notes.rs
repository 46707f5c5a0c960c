//! What is worth a look and may be as it should be: the words of the notes.

use crate::outbox::store::{DoubleSubmission, LostRun, OlderRuns, UnreadableRow};
use crate::outbox::submission::SubmissionSummary;
use crate::overview::exec_commands::{CommandOutcome, FruitlessCommand};
use crate::overview::problem::{About, Problem, ProblemKind};
use crate::plural::{counted, form};
use crate::shell_word::shell_word;

impl Problem {
    /// Runs of the last days of which Azure DevOps holds something else than was sent, the newest
    /// first; `None` without any.
    pub(super) fn of_differences(rows: &[&SubmissionSummary]) -> Option<Self> {
        let newest = rows.first()?;
        let text = format!(
            "Azure DevOps holds other results than were sent: {} of the last seven days, the newest \
             is run {} ({})",
            counted(rows.len(), "run"),
            newest.id,
            newest.suite
        );
        let hint = format!(
            "`kado runs show {id}` says what differs, `kado runs verify {id}` counts again",
            id = newest.id
        );
        Some(Self::with_hint(ProblemKind::Different, text, hint))
    }

    /// Runs that both kado and Katalon submitted in the last days, the newest first; `None` without
    /// any.
    pub(super) fn of_doubles(doubles: &[DoubleSubmission]) -> Option<Self> {
        let newest = doubles.first()?;
        let text = format!(
            "Katalon submits as well: {} of the last seven days arrived twice, the newest as test \
             run {} by kado and {} by Katalon (run {}, noticed {})",
            counted(doubles.len(), "run"),
            newest.ado_run_id,
            newest.katalon_run,
            newest.submission,
            newest.at
        );
        let hint = "a longer `submit.katalon_wait` in kado.toml lets Katalon be first, or switch \
                    automatic submission off in Katalon; kado deletes no test run";

        let about = About {
            runs: doubles.len(),
            ..About::default()
        };
        Some(Self::with_hint(ProblemKind::Double, text, hint.to_owned()).about(about))
    }

    /// Runs of the last days of which nothing is left, the newest loss first; `None` without any.
    pub(super) fn of_lost(lost: &[LostRun]) -> Option<Self> {
        let newest = lost.first()?;
        let folder = newest.folder.display();
        let mut text = match lost.len() {
            1 => format!("a run folder vanished {}", newest.before_what()),
            runs => format!(
                "{runs} run folders of the last seven days vanished before their runs were \
                 recorded, the last of them {}",
                newest.before_what()
            ),
        };
        text.push_str(&format!(
            " ({}, begun at {}, missed at {}), and nothing of {} is submitted: `{folder}`",
            newest.run.suite,
            newest.run.started,
            newest.missed,
            form(lost.len(), "it", "them"),
        ));

        let asked = match &newest.project {
            Some(project) if lost.len() > 1 => project.display(),
            _ => folder,
        };
        let hint = format!(
            "`kado why {}` says what is known; {}",
            shell_word(asked),
            LostRun::WAY_OUT
        );
        Some(Self::with_hint(ProblemKind::Lost, text, hint).about(About {
            suite: Some(newest.run.suite.clone()),
            ..About::default()
        }))
    }

    /// Runs of a project that were there before kado was.
    pub(super) fn of_older(runs: &OlderRuns) -> Self {
        let is = form(runs.count, "is", "are");
        let text = format!(
            "{} of `{}` {is} older than the history and {is} left alone; the newest is of {}, \
             ended {}",
            counted(runs.count, "run"),
            runs.project,
            runs.suite.as_deref().unwrap_or("a suite that is not known"),
            runs.ended
        );

        let hint = format!(
            "`history = \"all\"` or an earlier instant in kado.toml submits them, `kado submit \
             {}` the newest alone",
            shell_word(&runs.newest)
        );
        Self::with_hint(ProblemKind::Older, text, hint).about(About {
            runs: runs.count,
            ..About::subject(&runs.project)
        })
    }

    /// What another version stored of a claim or of a test run that shows a suite.
    pub(super) fn of_unreadable(row: &UnreadableRow) -> Self {
        let (text, hint, about) = match row {
            UnreadableRow::Claim {
                project,
                begun,
                error,
            } => {
                let project = project.display().to_string();

                let text = format!(
                    "this version of kado cannot read what a `kado exec` for `{project}` wanted, begun \
                     at {begun} ({error}); its runs are submitted without its options"
                );
                let hint = "`kado runs` lists them; `kado runs retry ID --plan PLAN` sends one that \
                            waits to another test plan";
                (text, hint, About::subject(project))
            }

            UnreadableRow::LiveRun {
                plan_id,
                ado_run_id,
                url,
                error,
            } => {
                let run = match ado_run_id {
                    Some(run) => format!("test run {run}"),
                    None => "a test run that may have been made".to_owned(),
                };

                let text = format!(
                    "this version of kado cannot read which suite is shown by {run} in test plan \
                     {plan_id} ({error}), and does not end it"
                );
                let hint = "complete or delete it in Azure DevOps, unless it was submitted";
                let about = About {
                    url: url.clone(),
                    ..About::subject(run)
                };
                (text, hint, about)
            }
        };

        Self::with_hint(ProblemKind::Unreadable, text, hint.to_owned()).about(about)
    }

    /// A command of `kado exec` of which nothing is submitted.
    pub(super) fn of_command(command: &FruitlessCommand) -> Self {
        let project = command.project.display();
        let what = match &command.suite {
            Some(suite) => format!("the `kado exec` for {suite} of `{project}`"),
            None => format!("a `kado exec` for `{project}`"),
        };
        let begun = command.begun;

        let (text, hint) = match &command.outcome {
            CommandOutcome::Killed => (
                format!("{what}, begun at {begun}, was killed, and no run of it is known"),
                "where katalonc went on, `kado submit FOLDER` submits its run, and so does a \
                 service that watches the project"
                    .to_owned(),
            ),
            CommandOutcome::Ended { at } => (
                format!(
                    "{what}, begun at {begun}, ended at {at}, and no run of it is known: its \
                     command did not start, ended before a suite began, or removed its run folders"
                ),
                "the log of its job has what the command said".to_owned(),
            ),
            CommandOutcome::Aborted { id, folder } => (
                format!(
                    "{what}, begun at {begun}, was aborted: its run {id} has no end and is not \
                     submitted"
                ),
                format!(
                    "`kado submit {}` submits what there is of it",
                    shell_word(folder.display())
                ),
            ),
        };
        Self::with_hint(ProblemKind::Exec, text, hint).about(About {
            suite: command.suite.clone(),
            ..About::subject(project.to_string())
        })
    }
}
