//! The questions for an Entra identity, by its kind.

use std::path::PathBuf;

use crate::cli::setup::dialogue::{Dialogue, TextQuestion, Typed, Unanswered};
use crate::cli::setup::machine::{FEDERATED, MANAGED_IDENTITY, SERVICE_PRINCIPAL};
use crate::config::identity::wrong_authority;
use crate::setup::machine::{IdentityKeys, folders_beginning_with};

/// An application that proves itself with what only it has.
pub(super) fn service_principal(dialogue: &Dialogue) -> Result<IdentityKeys, Unanswered> {
    let application = application(dialogue)?;
    let proof = dialogue.one_of(
        "What does it prove itself with?",
        &["a client secret".to_owned(), "a certificate".to_owned()],
        0,
    )?;
    let file = file(
        dialogue,
        "File with it",
        "only kado may read it; a certificate is PEM, with its key",
    )?;

    let mut keys = IdentityKeys {
        kind: SERVICE_PRINCIPAL.to_owned(),
        ..application
    };
    if proof == 0 {
        keys.client_secret_file = Some(file);
    } else {
        keys.certificate_file = Some(file);
    }
    with_authority(dialogue, keys)
}

/// The identity of the machine itself.
pub(super) fn managed_identity(dialogue: &Dialogue) -> Result<IdentityKeys, Unanswered> {
    let client_id = dialogue.text(&TextQuestion {
        message: "Client ID of the identity",
        default: None,
        help: "only where the machine has several; empty: its only one",
        typed: Typed::checked(|_| None),
    })?;

    Ok(IdentityKeys {
        kind: MANAGED_IDENTITY.to_owned(),
        client_id: Some(client_id).filter(|id| !id.is_empty()),
        ..IdentityKeys::default()
    })
}

/// An application that trusts the tokens of another issuer.
pub(super) fn federated(dialogue: &Dialogue) -> Result<IdentityKeys, Unanswered> {
    let issuer = dialogue.one_of(
        "Whose token proves it?",
        &[
            "that of Kubernetes, as workload identity sets it in the environment of a pod"
                .to_owned(),
            "one in a file that its issuer keeps new".to_owned(),
            "that of a job of Azure Pipelines, for a service connection".to_owned(),
        ],
        0,
    )?;
    let kind = FEDERATED.to_owned();
    if issuer == 0 {
        // Tenant, application, file and authority stand in the environment.
        return Ok(IdentityKeys {
            kind,
            ..IdentityKeys::default()
        });
    }

    let mut keys = IdentityKeys {
        kind,
        ..application(dialogue)?
    };
    if issuer == 1 {
        keys.token_file = Some(file(
            dialogue,
            "File with the token",
            "read anew whenever it is needed",
        )?);
    } else {
        keys.service_connection_id = Some(required(
            dialogue,
            "Service connection",
            "its id, a GUID: it stands in the address of its page under Project settings > Service \
             connections",
        )?);
    }
    with_authority(dialogue, keys)
}

/// Tenant and id of an application.
fn application(dialogue: &Dialogue) -> Result<IdentityKeys, Unanswered> {
    let tenant_id = required(
        dialogue,
        "Tenant",
        "its GUID or domain: Microsoft Entra ID > Overview",
    )?;
    let client_id = required(
        dialogue,
        "Application (client) ID",
        "Microsoft Entra ID > App registrations",
    )?;

    Ok(IdentityKeys {
        tenant_id: Some(tenant_id),
        client_id: Some(client_id),
        ..IdentityKeys::default()
    })
}

fn with_authority(dialogue: &Dialogue, keys: IdentityKeys) -> Result<IdentityKeys, Unanswered> {
    let authority_url = dialogue.text(&TextQuestion {
        message: "Who issues its tokens?",
        default: None,
        help: "empty: the login of the public cloud; else the URL of that of a national cloud, such as \
               https://login.microsoftonline.us",
        typed: Typed::checked(|entered| match entered.trim() {
            "" => None,
            url => wrong_authority(url),
        }),
    })?;

    Ok(IdentityKeys {
        authority_url: Some(authority_url).filter(|url| !url.is_empty()),
        ..keys
    })
}

fn required(dialogue: &Dialogue, message: &str, help: &str) -> Result<String, Unanswered> {
    dialogue.text(&TextQuestion {
        message,
        default: None,
        help,
        typed: Typed::checked(|entered| {
            entered.trim().is_empty().then(|| "it is needed".to_owned())
        }),
    })
}

fn file(dialogue: &Dialogue, message: &str, help: &str) -> Result<PathBuf, Unanswered> {
    let file = dialogue.text(&TextQuestion {
        message,
        default: None,
        help,
        typed: Typed::checked(|entered| {
            entered.trim().is_empty().then(|| "it is needed".to_owned())
        })
        .completed(folders_beginning_with),
    })?;
    Ok(std::path::absolute(&file).unwrap_or_else(|_| file.into()))
}
