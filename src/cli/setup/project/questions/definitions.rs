//! The questions for the definitions whose latest build and release a test run is linked with.

use crate::ado::listing::DefinitionKind;
use crate::cli::setup::dialogue::{Asked, Dialogue, TextQuestion, Typed, Unanswered};
use crate::cli::setup::project::questions::{Answers, failed};
use crate::plan::overrides::Definition;
use crate::setup::project::{self as setup, DefinitionAnswer};

impl Answers<'_> {
    pub(super) fn ask_build(&mut self, dialogue: &Dialogue) -> Result<Asked, Unanswered> {
        self.ask_definition(dialogue, DefinitionKind::Build)
    }

    pub(super) fn ask_release(&mut self, dialogue: &Dialogue) -> Result<Asked, Unanswered> {
        self.ask_definition(dialogue, DefinitionKind::Release)
    }

    /// Asks for a definition until it is one that is there.
    fn ask_definition(
        &mut self,
        dialogue: &Dialogue,
        kind: DefinitionKind,
    ) -> Result<Asked, Unanswered> {
        let settings = &self.current.settings;
        let (option, now, message) = match kind {
            DefinitionKind::Build => (
                &self.options.build_definition,
                settings.build_definition,
                "Build definition ID:",
            ),
            DefinitionKind::Release => (
                &self.options.release_definition,
                settings.release_definition,
                "Release definition ID:",
            ),
        };
        if option.is_some() {
            return Ok(Asked::No);
        }

        let chosen = loop {
            let text = dialogue.text(&TextQuestion {
                message,
                default: Some(now.map_or_else(|| "none".to_owned(), |id| id.to_string())),
                help: "runs are linked with the latest one of it; none for no link",
                typed: Typed::checked(|text| {
                    setup::definition(text)
                        .err()
                        .map(|error| format!("it {error}"))
                }),
            })?;
            let chosen = setup::definition(&text).map_err(failed)?;
            if chosen == now.map_or(Definition::None, Definition::Of) {
                break None;
            }
            match self.why_missing(kind, chosen)? {
                None => break Some(chosen),
                Some(why) => dialogue.say(&why),
            }
        };

        match kind {
            DefinitionKind::Build => self.choices.build_definition = chosen,
            DefinitionKind::Release => self.choices.release_definition = chosen,
        }
        Ok(Asked::Yes)
    }

    /// What the server says where it has no such definition. One that the token may not see costs
    /// only the link.
    fn why_missing(
        &self,
        kind: DefinitionKind,
        chosen: Definition,
    ) -> Result<Option<String>, Unanswered> {
        let Definition::Of(id) = chosen else {
            return Ok(None);
        };

        let project = self.project();
        let answer = self
            .runtime
            .block_on(setup::verify_definition(self.client(), &project, kind, id))
            .map_err(failed)?;
        Ok(match answer {
            DefinitionAnswer::There | DefinitionAnswer::Closed(_) => None,
            DefinitionAnswer::Missing(what) => Some(what),
        })
    }
}
