//! Reads the files that are attached.

use std::io::Cursor;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::ado::AdoError;
use crate::ado::upload::Upload;
use crate::blocking::{Stopped, blocking};
use crate::plan::attachments::Source;
use crate::submit::execution::Execution;
use crate::workspace::open;

/// How often a file that another program holds for itself, such as a virus scanner, is looked at
/// again, and how long it is waited each time. What is still held then is named as left out.
const HELD: u32 = 10;
const BETWEEN_LOOKS: Duration = Duration::from_secs(2);

/// What is to be attached.
pub(super) enum Content {
    /// A text of our own.
    Text(String),
    /// A file.
    File {
        /// The folder that it must not lead out of.
        folder: PathBuf,
        /// Its path in there.
        path: PathBuf,
        /// Its size now.
        size: u64,
    },
}

impl Content {
    pub(super) async fn upload(&self, name: String) -> Result<Upload, AdoError> {
        match self {
            Self::Text(text) => {
                let bytes = text.clone().into_bytes();
                Ok(Upload::new(
                    name,
                    PathBuf::from("a text of kado"),
                    bytes.len() as u64,
                    Cursor::new(bytes),
                ))
            }
            Self::File { folder, path, size } => {
                let file = folder.join(path);
                let failed = |error: std::io::Error| AdoError::File {
                    file: file.clone(),
                    message: error.to_string(),
                };
                let opened = open_file(folder, path).await.map_err(failed)?;
                Ok(Upload::new(name, file.clone(), *size, opened))
            }
        }
    }
}

pub(super) async fn open_file(folder: &Path, path: &Path) -> std::io::Result<tokio::fs::File> {
    let (folder, path) = (folder.to_owned(), path.to_owned());
    let opened = blocking(move || open::regular_below(&folder, &path))
        .await
        .map_err(std::io::Error::other)?;
    Ok(tokio::fs::File::from_std(opened?))
}

impl Execution<'_> {
    /// What is to be attached, once another program that holds the file has let go of it, at most
    /// after [`HELD`] looks.
    pub(super) async fn patient_content(
        &self,
        source: &Source,
    ) -> Result<std::io::Result<Content>, Stopped> {
        for _ in 0..HELD {
            match self.content(source).await? {
                Err(error) if open::is_held(&error) => tokio::time::sleep(BETWEEN_LOOKS).await,
                content => return Ok(content),
            }
        }
        self.content(source).await
    }

    async fn content(&self, source: &Source) -> Result<std::io::Result<Content>, Stopped> {
        match source {
            Source::Text(text) => Ok(Ok(Content::Text(text.clone()))),
            Source::File(path) => {
                let Some((run_folder, inside)) = self.submission.snapshot.run_folder_of(path)
                else {
                    return Ok(Err(std::io::ErrorKind::NotFound.into()));
                };
                let path = PathBuf::from(inside);
                let spooled = run_folder.run.map(|run| self.spool.folder_of(&run));
                let folder = PathBuf::from(run_folder.path);
                blocking(move || {
                    // Never through a link, whatever took the file's place since the folder was
                    // listed.
                    let look = |folder: PathBuf| {
                        let size = open::regular_below(&folder, &path)?.metadata()?.len();
                        Ok(Content::File {
                            folder,
                            path: path.clone(),
                            size,
                        })
                    };
                    let copy =
                        spooled.map_or_else(|| Err(std::io::ErrorKind::NotFound.into()), look);
                    copy.or_else(|_| look(folder))
                })
                .await
            }
        }
    }
}
