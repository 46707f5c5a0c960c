//! Reads what is attached: a file of the run, from its copy in the spool or from the run folder, or
//! a text of kado's own.
//!
//! The Katalon project may be wiped or written while its files are sent. A file that is gone or
//! unreadable is an answer of its own, apart from a [`Stop`](crate::submit::stop::Stop): it costs
//! only itself. A file system that does not answer is one as well.

use std::io::{self, Cursor};
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::fs::File;
use tokio::io::AsyncRead;

use crate::ado::AdoError;
use crate::ado::upload::Upload;
use crate::blocking::{Stopped, blocking};
use crate::door;
use crate::file_names::KnownFolder;
use crate::holes;
use crate::plan::attachments::Source;
use crate::spool::path_of_copy;
use crate::submit::execution::Execution;

/// How often a file that another program holds for itself, such as a virus scanner, is looked at
/// again. What is still held then is named as left out.
const LOOKS_AT_HELD_FILE: u32 = 10;
/// How long it is waited between these looks.
const BETWEEN_LOOKS: Duration = Duration::from_secs(2);

/// What is to be attached. It is not in memory: a video may have hundreds of megabytes.
pub(super) enum Content {
    /// A text of kado's own.
    Text(String),
    /// A file.
    File {
        /// The folder that it must not lead out of.
        folder: KnownFolder,
        /// Its path in there.
        path: PathBuf,
        /// Its size when it was looked at, in bytes; no more of it is sent.
        size: u64,
    },
}

impl Content {
    /// The content as it is sent, under a name.
    ///
    /// # Errors
    /// When the file cannot be opened any more.
    pub(super) async fn upload(&self, name: String) -> Result<Upload, AdoError> {
        let origin = match self {
            Self::Text(_) => PathBuf::from("a text of kado"),
            Self::File { folder, path, .. } => folder.path.join(path),
        };

        match self.bytes().await {
            Ok((bytes, size)) => Ok(Upload::new(name, origin, size, bytes)),
            Err(error) => Err(AdoError::File {
                file: origin,
                message: error.to_string(),
            }),
        }
    }

    /// The content as bytes to be read, with how many they are.
    ///
    /// # Errors
    /// When the file cannot be opened any more.
    pub(super) async fn bytes(&self) -> io::Result<(Box<dyn AsyncRead + Send + Unpin>, u64)> {
        match self {
            Self::Text(text) => {
                let bytes = text.clone().into_bytes();
                let size = bytes.len() as u64;
                Ok((Box::new(Cursor::new(bytes)), size))
            }
            Self::File { folder, path, size } => {
                Ok((Box::new(open_file(folder, path).await?), *size))
            }
        }
    }
}

async fn open_file(folder: &KnownFolder, path: &Path) -> io::Result<File> {
    let folder = folder.clone();
    let path = path.to_owned();
    let opened = blocking(move || door::answered(move || door::file_of_run(&folder, &path)))
        .await
        .map_err(io::Error::other)?;
    Ok(File::from_std(opened??))
}

/// What is to be attached, once another program that holds the file has let go of it. The inner
/// error says why the file cannot be sent.
///
/// # Errors
/// When the program is ending.
pub(super) async fn read(
    execution: &Execution<'_>,
    source: &Source,
) -> Result<io::Result<Content>, Stopped> {
    for _ in 0..LOOKS_AT_HELD_FILE {
        match look(execution, source).await? {
            Err(error) if door::is_held(&error) => tokio::time::sleep(BETWEEN_LOOKS).await,
            content => return Ok(content),
        }
    }
    look(execution, source).await
}

async fn look(execution: &Execution<'_>, source: &Source) -> Result<io::Result<Content>, Stopped> {
    let path = match source {
        Source::Text(text) => return Ok(Ok(Content::Text(text.clone()))),
        Source::File(path) => path,
    };
    let Some((run_folder, inside)) = execution.submission.snapshot.run_folder_of(path) else {
        return Ok(Err(io::ErrorKind::NotFound.into()));
    };

    let path = PathBuf::from(inside);
    let copy = PathBuf::from(path_of_copy(inside));
    let original = run_folder.known();
    let root = execution.submission.snapshot.root();
    let copies = run_folder.run.map(|run| KnownFolder {
        path: execution.spool.folder_of(&run, &root),
        id: None,
    });
    let looked = blocking(move || {
        door::answered(move || {
            // The copy first (invariant I8): the workspace may have been wiped meanwhile.
            if let Some(copies) = copies
                && let Ok(content) = look_below(copies, &copy)
            {
                return Ok(content);
            }
            look_below(original, &path)
        })
    })
    .await?;
    Ok(looked.unwrap_or_else(|silent| Err(silent.into())))
}

/// Looks at a file, never through a link, and never in another folder than its run's, whatever took
/// the place of either since the folder was listed.
fn look_below(folder: KnownFolder, path: &Path) -> io::Result<Content> {
    let file = door::file_of_run(&folder, path)?;
    holes::refuse_empty(&file)?;
    let size = file.metadata()?.len();
    Ok(Content::File {
        folder,
        path: path.to_owned(),
        size,
    })
}
