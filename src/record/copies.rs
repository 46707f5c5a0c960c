//! Copies a run's files into the spool.

use std::path::PathBuf;

use crate::blocking::{Stopped, blocking};
use crate::config::Config;
use crate::intake::FinishedRun;
use crate::katalon::run::RunFile;
use crate::plan::attachments;
use crate::spool::{Spool, Used};

/// Which files of a run are copied.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Files {
    /// Those that its own outcomes ask for.
    OfRun,
    /// Those that may be sent with its collection, whatever becomes of the other members.
    OfMember,
}

/// Copies the files of a run into the spool; without room for them they are sent from where they
/// lie. Gives how much of the spool is used then.
pub(super) async fn copy(
    config: &Config,
    taken: &FinishedRun,
    which: Files,
    mut used: Used,
) -> Result<Used, Stopped> {
    let wanted: Vec<_> = match which {
        Files::OfRun => attachments::wanted(&taken.snapshot).collect(),
        Files::OfMember => attachments::wanted_in_a_whole(&taken.snapshot).collect(),
    };
    let spool = Spool::new(&config.state_dir, config.spool_limit);
    for run_folder in taken.snapshot.run_folders() {
        let Some(run) = run_folder.run.clone() else {
            continue;
        };
        let inside = |file: &&RunFile| {
            Some(RunFile {
                path: run_folder.inside(&file.path)?.to_owned(),
                ..(*file).clone()
            })
        };
        let files: Vec<_> = wanted.iter().filter_map(inside).collect();
        let (spool, folder, shown, before) = (
            spool.clone(),
            PathBuf::from(&run_folder.path),
            run_folder.path,
            used,
        );
        let copied;
        (copied, used) = blocking(move || {
            let mut used = before;
            (spool.copy(&run, &folder, files.iter(), &mut used), used)
        })
        .await?;
        if copied.left > 0 {
            let files = copied.left;
            tracing::warn!(
                folder = shown,
                files,
                "the spool is full (`spool_limit`); these files are sent from where they lie"
            );
        }
        if let Some(error) = copied.error {
            let files = copied.failed;
            tracing::warn!(
                folder = shown,
                files,
                error,
                "files cannot be copied into the spool and are sent from where they lie"
            );
        }
    }
    Ok(used)
}
