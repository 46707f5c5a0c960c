//! The dialogue of `kado setup`: a small set of questions at a terminal, asked one after the other.
//!
//! Esc goes back one question, Ctrl-C leaves. Nothing in here writes anything, so that whoever
//! leaves finds everything as it was. The questions go to standard error, results stay on standard
//! output. Texts of others (names of projects, paths, answers of a server) cannot steer the
//! terminal: every text is escaped here.

mod as_typed;

use std::io::IsTerminal as _;

use inquire::validator::{ErrorMessage, Validation};
use inquire::{Confirm, InquireError, MultiSelect, Password, PasswordDisplayMode, Select, Text};
use secrecy::SecretString;

pub(super) use as_typed::Typed;

use crate::cli::error::UsageError;
use crate::cli::tell::tell;
use crate::foreign::one_line;

/// Why a question has no answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unanswered {
    /// Esc: back to the question before.
    #[error("the question before is asked again")]
    Back,
    /// Ctrl-C.
    #[error("left; nothing was changed")]
    Left,
    /// The terminal cannot be used, or what the question needs is not to be had.
    #[error(transparent)]
    Failed(#[from] anyhow::Error),
}

impl Unanswered {
    /// As the error that ends the command; what failed keeps its exit code.
    pub(super) fn into_error(self) -> anyhow::Error {
        match self {
            Self::Failed(error) => error,
            other => other.into(),
        }
    }
}

/// What is wrong with a text that was entered; `None` where nothing is.
pub(super) type Check = fn(&str) -> Option<String>;

/// A question with a text as its answer.
pub(super) struct TextQuestion<'a> {
    /// The question, as one line.
    pub message: &'a str,
    /// What stands for an empty answer.
    pub default: Option<String>,
    /// A remark below it; may be empty.
    pub help: &'a str,
    /// What is said while it is typed, and until when it is asked.
    pub typed: Typed,
}

/// What an empty answer to a question with yes or no means.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Preset {
    Yes,
    No,
}

/// Whether a question was put to the person.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Asked {
    /// It was, so that Esc at a later one comes back to it.
    Yes,
    /// Its answer was known already.
    No,
}

/// A step of a dialogue, which keeps its answer in `A`.
pub(super) type Question<A> = fn(&mut A, &Dialogue) -> Result<Asked, Unanswered>;

/// A person at a terminal.
pub(super) struct Dialogue(());

impl Dialogue {
    /// # Errors
    /// When there is no terminal to ask at.
    pub(super) fn at_terminal() -> Result<Self, UsageError> {
        if std::io::stdin().is_terminal() && std::io::stderr().is_terminal() {
            return Ok(Self(()));
        }
        Err(UsageError(
            "`kado setup` asks, and there is no terminal to ask at; say everything with options \
             and `--unattended` (`kado setup --help` lists them)"
                .to_owned(),
        ))
    }

    /// Says something between two questions.
    pub(super) fn say(&self, text: &str) {
        tell(text);
    }

    /// Asks for a text.
    ///
    /// # Errors
    /// When the person goes back or leaves, or the terminal is gone.
    pub(super) fn text(&self, question: &TextQuestion<'_>) -> Result<String, Unanswered> {
        let message = one_line(question.message);
        let help = one_line(question.help);
        let default = question.default.as_deref().map(one_line);

        let mut text = question.typed.go_along(Text::new(&message));
        if !help.is_empty() {
            text = text.with_help_message(&help);
        }
        if let Some(default) = &default {
            text = text.with_default(default);
        }

        Ok(text.prompt()?.trim().to_owned())
    }

    /// Asks for one of several; gives its place in `options`. `first` is the one that is marked.
    ///
    /// # Errors
    /// As [`Dialogue::text`].
    pub(super) fn one_of(
        &self,
        message: &str,
        options: &[String],
        first: usize,
    ) -> Result<usize, Unanswered> {
        let message = one_line(message);
        let mut select = Select::new(&message, shown(options))
            .with_starting_cursor(first.min(options.len().saturating_sub(1)));
        if is_seen_whole(options) {
            select = select.without_filtering();
        }
        Ok(select.raw_prompt()?.index)
    }

    /// Asks for any number of several; gives their places in `options`, in order. `chosen` are
    /// those that are ticked already.
    ///
    /// # Errors
    /// As [`Dialogue::text`].
    pub(super) fn several_of(
        &self,
        message: &str,
        options: &[String],
        chosen: &[usize],
    ) -> Result<Vec<usize>, Unanswered> {
        let message = one_line(message);
        let mut select = MultiSelect::new(&message, shown(options)).with_default(chosen);
        if is_seen_whole(options) {
            select = select.without_filtering();
        }
        let chosen = select.raw_prompt()?;
        Ok(chosen.into_iter().map(|option| option.index).collect())
    }

    /// Asks for yes or no.
    ///
    /// # Errors
    /// As [`Dialogue::text`].
    pub(super) fn yes_or_no(&self, message: &str, preset: Preset) -> Result<bool, Unanswered> {
        let message = one_line(message);
        Ok(Confirm::new(&message)
            .with_default(preset == Preset::Yes)
            .prompt()?)
    }

    /// Asks for a secret, of which the terminal shows only that something was typed.
    ///
    /// # Errors
    /// As [`Dialogue::text`].
    pub(super) fn secret(
        &self,
        message: &str,
        help: &str,
        check: Check,
    ) -> Result<SecretString, Unanswered> {
        let message = one_line(message);
        let help = one_line(help);

        let secret = Password::new(&message)
            .with_display_mode(PasswordDisplayMode::Masked)
            .without_confirmation()
            .with_help_message(&help)
            .with_validator(move |entered: &str| {
                Ok(match check(entered) {
                    Some(wrong) => Validation::Invalid(ErrorMessage::Custom(wrong)),
                    None => Validation::Valid,
                })
            })
            .prompt()?;

        Ok(SecretString::from(secret))
    }
}

/// Asks the questions in their order. Esc leads to the one that was asked last before; at the first
/// there is none, and it is asked again.
///
/// # Errors
/// When the person leaves, or a question fails; the answers are worth nothing then.
pub(super) fn ask_all<A>(
    dialogue: &Dialogue,
    questions: &[Question<A>],
    answers: &mut A,
) -> Result<(), Unanswered> {
    let mut next = 0;
    let mut asked = Vec::new();

    while let Some(question) = questions.get(next) {
        match question(answers, dialogue) {
            Ok(Asked::Yes) => {
                asked.push(next);
                next += 1;
            }
            Ok(Asked::No) => next += 1,
            Err(Unanswered::Back) => {
                let Some(before) = asked.pop() else {
                    dialogue.say("this is the first question; Ctrl-C leaves");
                    continue;
                };
                next = before;
            }
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Whether all options stand on the screen at once; of more, typing leaves those that have the text
/// in them, such as the id of a test plan.
const fn is_seen_whole(options: &[String]) -> bool {
    options.len() <= Text::DEFAULT_PAGE_SIZE
}

fn shown(options: &[String]) -> Vec<String> {
    let mut shown = Vec::new();
    for option in options {
        shown.push(one_line(option).into_owned());
    }
    shown
}

impl From<InquireError> for Unanswered {
    fn from(error: InquireError) -> Self {
        match error {
            InquireError::OperationCanceled => Self::Back,
            InquireError::OperationInterrupted => Self::Left,
            other => Self::Failed(anyhow::Error::new(other).context("the terminal cannot be used")),
        }
    }
}
