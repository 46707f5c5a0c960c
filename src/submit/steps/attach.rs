//! The steps that attach a file, or the list of what was left out.

use crate::ado::AdoError;
use crate::outbox::step::Step;
use crate::plan::attachments::{PlannedAttachment, Source, Target};
use crate::plan::comment::LEFT_OUT_FILE;
use crate::plan::left_out::{LeftOut, LeftOutKind};
use crate::submit::execution::{Execution, Moved};
use crate::submit::probe;

impl Execution<'_> {
    pub(in crate::submit) async fn attach(
        &self,
        position: usize,
        planned: &PlannedAttachment,
        resumed: bool,
    ) -> Moved {
        let step = self.submission.steps[position].step;
        let owner = self.owner(planned.target)?;
        let content = match self.patient_content(&planned.source).await? {
            Ok(content) => content,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                let reason = format!("file `{}` vanished before it was sent", planned.name);
                return self.refuse(position, LeftOut::file(None, reason)).await;
            }
            Err(error) => {
                let reason = format!("file `{}` cannot be read: {error}", planned.name);
                return self.refuse(position, LeftOut::file(None, reason)).await;
            }
        };
        if resumed
            && let Some(there) =
                probe::attachment(self.client, self.project(), owner, &planned.name, &content)
                    .await?
        {
            return self.confirm(position, step, &there).await;
        }
        let upload = content.upload(planned.name.clone()).await?;
        match self.client.attach(self.project(), owner, upload).await {
            Ok(attachment) => self.confirm(position, step, &attachment.id).await,
            Err(AdoError::Rejected { message, .. } | AdoError::Gone { message, .. }) => {
                let reason = format!(
                    "file `{}` was refused by Azure DevOps: {message}",
                    planned.name
                );
                let left_out = LeftOut {
                    test: None,
                    azure_id: None,
                    reason,
                    kind: LeftOutKind::Refused,
                };
                self.refuse(position, left_out).await
            }
            Err(error) => Err(error.into()),
        }
    }

    pub(in crate::submit) async fn left_out_list(&self, position: usize, resumed: bool) -> Moved {
        let Some(list) = self.plan().comment(&self.submission.refused).overflow else {
            return self.confirm(position, Step::LeftOutList, &()).await;
        };
        let attachment = PlannedAttachment {
            target: Target::Run,
            size: list.len() as u64,
            source: Source::Text(list),
            name: LEFT_OUT_FILE.to_owned(),
            kind: crate::katalon::run::FileKind::Other,
        };
        self.attach(position, &attachment, resumed).await
    }
}
