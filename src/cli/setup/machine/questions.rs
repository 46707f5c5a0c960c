//! The questions of `kado setup`, in their order. What an option answered is not asked.

mod identity;

use std::path::PathBuf;

use secrecy::ExposeSecret as _;

use crate::cli::setup::dialogue::{
    Asked, Dialogue, Preset, Question, TextQuestion, Typed, Unanswered,
};
use crate::cli::setup::machine::answers::{
    Answers, CredentialKind, Given, NewCredential, ServiceChoice, watched_folder, wrong_history,
};
use crate::cli::setup::machine::carry_out::{difference_of, tell_tested};
use crate::config::day;
use crate::plural::counted;
use crate::secrets;
use crate::server::Server;
use crate::service;
use crate::setup::machine::{FoundFolder, find_folders, folders_beginning_with};

/// All of them.
pub(super) const QUESTIONS: &[Question<Answers>] = &[
    ask_folders,
    ask_other_folder,
    ask_server,
    ask_credential,
    ask_token,
    ask_end,
    ask_identity,
    ask_history,
    ask_service,
    ask_whether_to_write,
];

fn ask_folders(answers: &mut Answers, dialogue: &Dialogue) -> Result<Asked, Unanswered> {
    if !answers.options.watch.is_empty() {
        return Ok(Asked::No);
    }

    let present = answers.file.watch();
    let found = find_folders();
    if found.is_empty() && present.is_empty() {
        answers.watch.clear();
        answers.wants_other_folder = true;
        return Ok(Asked::No);
    }

    // Those that are watched already first, then what was found.
    let mut folders: Vec<PathBuf> = present.iter().map(PathBuf::from).collect();
    let mut options = present.clone();
    for FoundFolder { path, projects } in found {
        if !folders.contains(&path) {
            options.push(format!(
                "{} ({})",
                path.display(),
                counted(projects, "project")
            ));
            folders.push(path);
        }
    }
    options.push("another folder".to_owned());
    let ticked: Vec<usize> = if present.is_empty() {
        (0..folders.len()).collect()
    } else {
        (0..present.len()).collect()
    };

    let chosen = dialogue.several_of(
        "Which folders hold Katalon projects? (space ticks, Enter goes on)",
        &options,
        &ticked,
    )?;
    answers.wants_other_folder = chosen.contains(&folders.len()) || chosen.is_empty();
    answers.watch = Vec::new();
    for index in chosen {
        answers.watch.extend(folders.get(index).cloned());
    }
    Ok(Asked::Yes)
}

fn ask_other_folder(answers: &mut Answers, dialogue: &Dialogue) -> Result<Asked, Unanswered> {
    if !answers.options.watch.is_empty() || !answers.wants_other_folder {
        return Ok(Asked::No);
    }

    let folder = dialogue.text(&TextQuestion {
        message: "Which folder is searched for Katalon projects?",
        default: None,
        help: "such as the work folder of the agent, /srv/agent/_work; new projects in it are found \
               while kado runs; Tab completes",
        typed: Typed::checked(|entered| match entered.trim() {
            "" => Some("name a folder".to_owned()),
            folder => watched_folder(folder.as_ref())
                .err()
                .map(|error| error.to_string()),
        })
        .completed(folders_beginning_with),
    })?;

    let folder = watched_folder(folder.as_ref()).map_err(anyhow::Error::from)?;
    if !answers.watch.contains(&folder) {
        answers.watch.push(folder);
    }
    Ok(Asked::Yes)
}

fn ask_server(answers: &mut Answers, dialogue: &Dialogue) -> Result<Asked, Unanswered> {
    if answers.server_from == Given::ByOption {
        return Ok(Asked::No);
    }

    let url = dialogue.text(&TextQuestion {
        message: "Which Azure DevOps?",
        default: answers.url(),
        help: "the address as the browser shows it; empty: each Katalon project has its own server \
               and token",
        typed: Typed::checked(|entered| match entered.trim() {
            "" => None,
            url => Server::meant_by(url).err().map(|error| error.to_string()),
        })
        .meaning(Server::another_spelling),
    })?;
    if url.is_empty() {
        answers.server = None;
        return Ok(Asked::Yes);
    }

    let server = Server::meant_by(&url).map_err(anyhow::Error::from)?;
    if server.base() != url {
        dialogue.say(&format!("  {} is used", server.base()));
    }
    if let Some(remark) = server.remark_on_host() {
        dialogue.say(&format!("  {remark}"));
    }
    answers.server = Some(server);
    Ok(Asked::Yes)
}

fn ask_credential(answers: &mut Answers, dialogue: &Dialogue) -> Result<Asked, Unanswered> {
    if answers.credential_from == Given::ByOption || answers.url().is_none() {
        return Ok(Asked::No);
    }

    let mut options = vec![
        "a personal access token".to_owned(),
        "an application in Entra (service principal)".to_owned(),
        "the managed identity of this machine".to_owned(),
        "an application in Entra that trusts another issuer, such as Kubernetes or Azure Pipelines \
         (federated)"
            .to_owned(),
    ];
    let mut first = 0;
    if answers.has_credential() && !answers.is_other_server() {
        first = options.len();
        options.push("the one that is there".to_owned());
    }
    let chosen = dialogue.one_of(
        "What does it know kado by? (tokens for all organizations stop working on 1 December 2026; \
         an Entra identity needs no renewal)",
        &options,
        first,
    )?;

    answers.credential = None;
    answers.kind = match chosen {
        0 => Some(CredentialKind::Token),
        1 => Some(CredentialKind::ServicePrincipal),
        2 => Some(CredentialKind::ManagedIdentity),
        3 => Some(CredentialKind::Federated),
        _ => None,
    };
    Ok(Asked::Yes)
}

fn ask_token(answers: &mut Answers, dialogue: &Dialogue) -> Result<Asked, Unanswered> {
    if answers.kind != Some(CredentialKind::Token) {
        return Ok(Asked::No);
    }

    loop {
        let token = dialogue.secret(
            "Token",
            "made under User settings > Personal access tokens, with Test Management (read & write) \
             and Work Items (read); it is not shown",
            wrong_token,
        )?;
        let token = secrets::token_in(token.expose_secret().as_bytes())
            .map_err(|misfit| anyhow::anyhow!("the token {misfit}"))?;
        answers.credential = Some(NewCredential::Token(token));
        if is_accepted(answers, dialogue)? {
            return Ok(Asked::Yes);
        }
    }
}

/// Tests the new credential and says what came of it; whether it is to be used.
fn is_accepted(answers: &Answers, dialogue: &Dialogue) -> Result<bool, Unanswered> {
    dialogue.say("  asking the server …");
    match answers.test()? {
        Ok(tested) => {
            for line in tell_tested(&tested) {
                dialogue.say(&format!("  {line}"));
            }
            if tested.can_submit() {
                return Ok(true);
            }

            dialogue.yes_or_no("Use it all the same?", Preset::No)
        }
        Err(error) => {
            dialogue.say(&format!(
                "  {error} (Esc goes back to the questions before)"
            ));
            Ok(false)
        }
    }
}

fn wrong_token(entered: &str) -> Option<String> {
    match secrets::token_in(entered.as_bytes()) {
        Ok(token) if token.expose_secret().is_empty() => Some("paste the token".to_owned()),
        Ok(_) => None,
        Err(misfit) => Some(format!("this {misfit}")),
    }
}

fn ask_end(answers: &mut Answers, dialogue: &Dialogue) -> Result<Asked, Unanswered> {
    let is_new_token = matches!(answers.credential, Some(NewCredential::Token(_)));
    if answers.options.expires.is_some() || !is_new_token {
        return Ok(Asked::No);
    }

    let text = dialogue.text(&TextQuestion {
        message: "When does it end?",
        default: None,
        help: "a day such as 2027-01-31, which the page of the token shows; kado says it two weeks \
               ahead; empty: nobody knows",
        typed: Typed::checked(|entered| match entered.trim() {
            "" => None,
            text if day(text).is_some() => None,
            _ => Some("write a day such as 2027-01-31".to_owned()),
        }),
    })?;
    answers.expires = day(&text);
    Ok(Asked::Yes)
}

fn ask_identity(answers: &mut Answers, dialogue: &Dialogue) -> Result<Asked, Unanswered> {
    let keys = match answers.kind {
        Some(CredentialKind::ServicePrincipal) => identity::service_principal(dialogue)?,
        Some(CredentialKind::ManagedIdentity) => identity::managed_identity(dialogue)?,
        Some(CredentialKind::Federated) => identity::federated(dialogue)?,
        Some(CredentialKind::Token) | None => return Ok(Asked::No),
    };

    answers.credential = Some(NewCredential::Identity(keys));
    if is_accepted(answers, dialogue)? {
        Ok(Asked::Yes)
    } else {
        ask_identity(answers, dialogue)
    }
}

fn ask_history(answers: &mut Answers, dialogue: &Dialogue) -> Result<Asked, Unanswered> {
    if answers.options.history.is_some() {
        return Ok(Asked::No);
    }

    let present = answers.file.history().unwrap_or_else(|| "new".to_owned());
    let first = match present.as_str() {
        "new" => 0,
        "all" => 1,
        _ => 2,
    };
    let chosen = dialogue.one_of(
        "Which finished runs are submitted?",
        &[
            "those that end from now on".to_owned(),
            "those that are there already, too".to_owned(),
            "those since an instant".to_owned(),
        ],
        first,
    )?;

    let history = match chosen {
        0 => "new".to_owned(),
        1 => "all".to_owned(),
        _ => dialogue.text(&TextQuestion {
            message: "Since when?",
            default: (first == 2).then(|| present.clone()),
            help: "an instant such as 2026-01-31T00:00:00Z",
            typed: Typed::checked(wrong_history),
        })?,
    };
    // The default need not stand there.
    answers.history = (history != present).then_some(history);
    Ok(Asked::Yes)
}

fn ask_service(answers: &mut Answers, dialogue: &Dialogue) -> Result<Asked, Unanswered> {
    if answers.options.service_choice().is_some() {
        return Ok(Asked::No);
    }
    match service::status(answers.scope) {
        Ok(status) if !status.installed => {}
        // It is there, or there is no service manager to install it with.
        Ok(_) | Err(_) => {
            answers.service = Some(ServiceChoice::Leave);
            return Ok(Asked::No);
        }
    }

    let wanted = dialogue.yes_or_no(
        "Install the service, so that kado starts by itself?",
        Preset::Yes,
    )?;
    answers.service = Some(if wanted {
        ServiceChoice::Install
    } else {
        ServiceChoice::Leave
    });
    Ok(Asked::Yes)
}

fn ask_whether_to_write(answers: &mut Answers, dialogue: &Dialogue) -> Result<Asked, Unanswered> {
    dialogue.say(&difference_of(answers)?);
    if dialogue.yes_or_no("Is this right?", Preset::Yes)? {
        Ok(Asked::Yes)
    } else {
        Err(Unanswered::Left)
    }
}
