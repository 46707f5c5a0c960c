//! Attachments of runs and results. Uploads are not idempotent: before one is sent again, the list
//! tells whether it arrived.

use std::time::Duration;

use reqwest::Method;
use reqwest::header::{CONTENT_LENGTH, CONTENT_TYPE};

use crate::ado::error::AdoError;
use crate::ado::transport::AdoClient;
use crate::ado::upload::Upload;
use crate::ado::version::Call;
use crate::ado::wire::{Attachment, List};

/// Time for an upload besides its size.
const BASE_TIMEOUT: Duration = Duration::from_secs(120);
/// The slowest line an upload is waited for, in bytes of its body in a second.
const SLOWEST_LINE: u64 = 100 * 1024;

/// What attachments belong to: a run, or one of its results.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Owner {
    pub(crate) run: u32,
    /// The result inside the run.
    pub(crate) result: Option<u32>,
}

impl AdoClient {
    /// The attachments that are there.
    ///
    /// # Errors
    /// When the server fails.
    pub(crate) async fn attachments(
        &self,
        project: &str,
        owner: Owner,
    ) -> Result<Vec<Attachment>, AdoError> {
        let path = path(project, owner);
        let path: Vec<&str> = path.iter().map(String::as_str).collect();
        let list: List<Attachment> = self.get(&path, Call::Attachments, &[]).await?.content;
        Ok(list.value)
    }

    /// Sends an attachment; it is encoded while it is sent, so memory does not grow with its size.
    ///
    /// # Errors
    /// When the server fails or refuses it, or when the file changes or vanishes meanwhile.
    pub(crate) async fn attach(
        &self,
        project: &str,
        owner: Owner,
        upload: Upload,
    ) -> Result<Attachment, AdoError> {
        let path = path(project, owner);
        let segments: Vec<&str> = path.iter().map(String::as_str).collect();
        // A large file may take long on a slow line; what stands still is given up all the same.
        let length = upload.body_length();
        let timeout =
            self.patience().unwrap_or(BASE_TIMEOUT) + Duration::from_secs(length / SLOWEST_LINE);

        let asked_for = self.address_in(&segments);

        // Taken before the upload is, because sending it uses it up.
        let failure = upload.failure();
        let request = self
            .request(Method::POST, &segments, Call::Attachments, &[])
            .header(CONTENT_TYPE, "application/json")
            .header(CONTENT_LENGTH, length)
            .timeout(timeout)
            .body(reqwest::Body::wrap_stream(upload.into_stream()));

        match self.send_file(request).await {
            Ok(page) => Ok(page.content),
            // Its bytes are gone; the step is carried out again, and then by the GUID.
            Err(error) if self.goes_by_guid_now(&segments, &asked_for, &error) => Err(
                AdoError::unavailable("the project was renamed; the file is sent again"),
            ),
            // A file that cannot be read any more looks to the client like a broken connection.
            Err(error) => Err(failure.take().unwrap_or(error)),
        }
    }
}

fn path(project: &str, owner: Owner) -> Vec<String> {
    let mut path = vec![
        project.to_owned(),
        "_apis".to_owned(),
        "test".to_owned(),
        "Runs".to_owned(),
        owner.run.to_string(),
    ];

    if let Some(result) = owner.result {
        path.push("Results".to_owned());
        path.push(result.to_string());
    }
    path.push("attachments".to_owned());
    path
}
