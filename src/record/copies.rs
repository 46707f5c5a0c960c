//! Copies the files of a run into the spool, because its workspace may be wiped before they are
//! sent (invariant I8).
//!
//! A file that is not copied costs only itself: it is sent from where it lies, and named in the
//! run's comment should it be gone by then.

use crate::config::Config;
use crate::intake::FinishedRun;
use crate::katalon::run::RunFile;
use crate::outbox::StoreError;
use crate::plan::attachments;
use crate::plan::members::RunFolder;
use crate::record::disk::on_disk;
use crate::spool::{Copied, Spool, Used};

/// Which files of a run are copied.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Files {
    /// Those that its own outcomes ask for.
    OfRun,
    /// Those that may be sent with its collection, whatever becomes of the other members.
    OfMember,
}

/// Brings the copies of a run's files up to date. `used` is how much of the spool is used, before
/// and after.
///
/// # Errors
/// When the program is ending.
pub(super) async fn copy(
    config: &Config,
    run: &FinishedRun,
    files: Files,
    used: &mut Used,
) -> Result<(), StoreError> {
    let wanted: Vec<&RunFile> = match files {
        Files::OfRun => attachments::wanted(&run.snapshot).collect(),
        Files::OfMember => attachments::wanted_in_a_whole(&run.snapshot).collect(),
    };

    // The members of a collection have their copies under their own names: each may have been
    // copied when it ended.
    for run_folder in run.snapshot.run_folders() {
        // Copies lie under the identity of their run; without one nobody would find them.
        let Some(identity) = run_folder.run.clone() else {
            continue;
        };
        let files = files_inside(&run_folder, &wanted);
        let project = run.snapshot.root();
        let spool = Spool::new(&config.state_dir, config.spool_limit);
        let folder = run_folder.known();

        // Cloned, so that a stop in between forgets nothing.
        let mut used_now = used.clone();
        let copying = on_disk(move || {
            let copied = spool.copy(&identity, &project, &folder, files.iter(), &mut used_now);
            (copied, used_now)
        });
        match copying.await {
            Ok((copied, used_now)) => {
                *used = used_now;
                warn_of_files_left_out(&run_folder.path, &copied);
            }

            Err(StoreError::Silent(silent)) => {
                // What is copied once it answers is not counted here, so it is measured.
                *used = Used::default();
                tracing::warn!(
                    folder = &run_folder.path,
                    error = %silent,
                    "files are not copied into the spool and are sent from where they lie"
                );
            }
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Those of the files that lie in a run folder, with their paths inside it.
fn files_inside(run_folder: &RunFolder, files: &[&RunFile]) -> Vec<RunFile> {
    let mut inside = Vec::new();
    for file in files {
        if let Some(path) = run_folder.inside(&file.path) {
            inside.push(RunFile {
                path: path.to_owned(),
                ..(*file).clone()
            });
        }
    }
    inside
}

fn warn_of_files_left_out(folder: &str, copied: &Copied) {
    if copied.left > 0 {
        tracing::warn!(
            folder,
            files = copied.left,
            "the spool has no room for them (`spool_limit`, of which one project may use three \
             quarters), or copying took longer than a minute; these files are sent from where they lie"
        );
    }

    if let Some(error) = &copied.error {
        tracing::warn!(
            folder,
            files = copied.failed,
            error,
            "files cannot be copied into the spool and are sent from where they lie"
        );
    }
}
