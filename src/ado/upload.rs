//! The body of an upload, made while it is sent: file → base64 → JSON, in pieces of some kilobytes.
//!
//! The comment of the attachment carries a digest of the file, by which a later look recognises it;
//! it stands behind the content, because it is only known then. The length of the body is known
//! before, so no chunked transfer is needed.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use futures_util::Stream;
use tokio::io::{AsyncRead, AsyncReadExt as _};

use crate::ado::error::AdoError;
use crate::locked::locked;
use crate::measures::{Measures, UploadUnderWay};

/// Bytes of the file in one piece; a multiple of three, so that no padding falls between pieces.
const PIECE_SIZE: usize = 48 * 1024;
/// Hexadecimal digits of a digest in a comment.
const DIGEST_LENGTH: usize = 32;
/// Word before the digest.
const DIGEST_MARK: &str = "kado ";
/// The body before the content.
const PREFIX: &str = r#"{"stream":""#;

type Input = Box<dyn AsyncRead + Send + Unpin>;

/// An attachment that is about to be sent.
pub(crate) struct Upload {
    name: String,
    /// The file, for messages.
    origin: PathBuf,
    size: u64,
    input: Input,
    failure: FileFailure,
    /// Where its bytes are counted; `None` counts none.
    counted: Option<UploadUnderWay>,
}

/// Where the stream leaves the reason when the file lets it down.
#[derive(Clone, Default)]
pub(super) struct FileFailure(Arc<Mutex<Option<AdoError>>>);

impl FileFailure {
    /// The reason, once.
    pub(super) fn take(&self) -> Option<AdoError> {
        locked(&self.0).take()
    }

    fn set(&self, file: &Path, error: &io::Error) {
        let failure = AdoError::File {
            file: file.to_owned(),
            message: error.to_string(),
        };
        *locked(&self.0) = Some(failure);
    }
}

impl Upload {
    /// The first `size` bytes of an open file, under the name `name`. `origin` is for messages.
    pub(crate) fn new(
        name: String,
        origin: PathBuf,
        size: u64,
        input: impl AsyncRead + Send + Unpin + 'static,
    ) -> Self {
        Self {
            name,
            origin,
            size,
            input: Box::new(input),
            failure: FileFailure::default(),
            counted: None,
        }
    }

    /// The same with its bytes counted, as a file of this submission.
    #[must_use]
    pub(crate) fn counted(self, submission: i64, measures: &Arc<Measures>) -> Self {
        let counted = Some(measures.begin_upload(submission, &self.name, self.size));
        Self { counted, ..self }
    }

    /// Where to look for the reason when sending fails.
    pub(super) fn failure(&self) -> FileFailure {
        self.failure.clone()
    }

    /// Length of the body in bytes.
    pub(super) fn body_length(&self) -> u64 {
        // Of the size that the file had when it was opened: a log may grow while it is sent, and
        // the length has been announced by then.
        let encoded = self.size.div_ceil(3) * 4;
        // Every digest is as long as this one.
        let suffix = suffix(&self.name, &"0".repeat(DIGEST_LENGTH));
        (PREFIX.len() + suffix.len()) as u64 + encoded
    }

    /// The body.
    pub(super) fn into_stream(self) -> impl Stream<Item = io::Result<Bytes>> + Send + 'static {
        let state = BodyState {
            bytes_left: self.size,
            hasher: blake3::Hasher::new(),
            stage: BodyPart::Prefix,
            upload: self,
        };

        futures_util::stream::try_unfold(state, |mut state| async move {
            match state.next_piece().await {
                Ok(Some(piece)) => Ok(Some((piece, state))),
                Ok(None) => Ok(None),
                Err(error) => {
                    state.upload.failure.set(&state.upload.origin, &error);
                    Err(error)
                }
            }
        })
    }
}

/// What of the body comes next.
enum BodyPart {
    Prefix,
    Content,
    Suffix,
    End,
}

/// How far a body is.
struct BodyState {
    upload: Upload,
    /// Bytes of the file that are still to be read.
    bytes_left: u64,
    hasher: blake3::Hasher,
    stage: BodyPart,
}

impl BodyState {
    async fn next_piece(&mut self) -> io::Result<Option<Bytes>> {
        match self.stage {
            BodyPart::Prefix => {
                self.stage = if self.bytes_left == 0 {
                    BodyPart::Suffix
                } else {
                    BodyPart::Content
                };
                Ok(Some(Bytes::from_static(PREFIX.as_bytes())))
            }

            BodyPart::Content => self.content().await.map(Some),

            BodyPart::Suffix => {
                self.stage = BodyPart::End;
                let digest = short_digest(&self.hasher);
                Ok(Some(Bytes::from(suffix(&self.upload.name, &digest))))
            }
            BodyPart::End => Ok(None),
        }
    }

    async fn content(&mut self) -> io::Result<Bytes> {
        let size = piece_size(self.bytes_left);
        let mut piece = vec![0; size];
        // A file that became shorter ends here, as an error that names it.
        self.upload.input.read_exact(&mut piece).await?;

        self.hasher.update(&piece);
        self.bytes_left -= size as u64;
        if let Some(counted) = &self.upload.counted {
            counted.add(size as u64);
        }
        if self.bytes_left == 0 {
            self.stage = BodyPart::Suffix;
        }
        Ok(Bytes::from(STANDARD.encode(&piece)))
    }
}

fn piece_size(bytes_left: u64) -> usize {
    usize::try_from(bytes_left).map_or(PIECE_SIZE, |bytes| bytes.min(PIECE_SIZE))
}

/// The body behind the content.
fn suffix(name: &str, digest: &str) -> String {
    // Written as JSON, because a file may have any name.
    let name = serde_json::Value::String(name.to_owned());
    let comment = format!("{DIGEST_MARK}{digest}");
    format!(r#"","fileName":{name},"comment":"{comment}","attachmentType":"GeneralAttachment"}}"#)
}

fn short_digest(hasher: &blake3::Hasher) -> String {
    // These are 128 bits, ample to tell files apart, in a comment that people see.
    hasher.finalize().to_hex()[..DIGEST_LENGTH].to_owned()
}

/// The comment that an attachment with this content has.
///
/// # Errors
/// When the content cannot be read.
pub(crate) async fn comment_of(mut input: impl AsyncRead + Unpin, size: u64) -> io::Result<String> {
    let mut hasher = blake3::Hasher::new();
    let mut bytes_left = size;
    let mut piece = vec![0; PIECE_SIZE];

    while bytes_left > 0 {
        let size = piece_size(bytes_left);
        input.read_exact(&mut piece[..size]).await?;
        hasher.update(&piece[..size]);
        bytes_left -= size as u64;
    }
    Ok(format!("{DIGEST_MARK}{}", short_digest(&hasher)))
}

#[cfg(test)]
mod tests {
    use futures_util::TryStreamExt as _;

    use super::*;

    fn upload(name: &str, content: &[u8]) -> Upload {
        let input = io::Cursor::new(content.to_vec());
        Upload::new(
            name.to_owned(),
            PathBuf::from("a.log"),
            content.len() as u64,
            input,
        )
    }

    #[tokio::test]
    async fn the_body_is_json_of_the_announced_length_with_the_content_whole() {
        for size in [
            0,
            1,
            2,
            3,
            PIECE_SIZE - 1,
            PIECE_SIZE,
            PIECE_SIZE + 1,
            3 * PIECE_SIZE + 7,
        ] {
            let content: Vec<u8> = (0..size).map(|n| u8::try_from(n % 251).unwrap()).collect();
            let upload = upload("a \"quoted\" näme.png", &content);
            let length = upload.body_length();

            let pieces: Vec<Bytes> = upload.into_stream().try_collect().await.unwrap();

            let body = pieces.concat();
            assert_eq!(length, body.len() as u64, "size {size}");
            let json: serde_json::Value = serde_json::from_slice(&body).unwrap();
            let stream = STANDARD.decode(json["stream"].as_str().unwrap()).unwrap();
            assert_eq!(stream, content);
            assert_eq!(json["fileName"], "a \"quoted\" näme.png");

            let comment = comment_of(io::Cursor::new(content), size as u64)
                .await
                .unwrap();
            assert_eq!(json["comment"], comment);
        }
    }

    #[tokio::test]
    async fn a_file_that_became_shorter_is_named_as_the_reason() {
        let mut upload = upload("x", &[1, 2, 3]);
        upload.size = 10;
        let failure = upload.failure();

        let pieces: Result<Vec<_>, _> = upload.into_stream().try_collect().await;

        assert!(pieces.is_err());
        assert!(
            matches!(failure.take(), Some(AdoError::File { file, .. }) if file.ends_with("a.log"))
        );
    }
}
