//! How requests identify themselves. Nothing in here has a printable form.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::header::HeaderValue;
use secrecy::{ExposeSecret as _, SecretString};

use crate::ado::entra::Entra;
use crate::ado::error::AdoError;

/// What a server accepts in place of a person who signs in (`ado/api.md` §2).
#[derive(Clone)]
pub(crate) enum Credential {
    /// A personal access token: Basic, with nobody's name before it. Services and Server take it.
    Pat(SecretString),
    /// The token of a pipeline job (`SYSTEM_ACCESSTOKEN`), or another one that is given whole:
    /// Bearer.
    Bearer(SecretString),
    /// An Entra identity, which fetches tokens of an hour and renews them: Bearer. Services alone
    /// takes it.
    Entra(Arc<Entra>),
}

/// What one request carries.
pub(super) struct Authorization {
    /// The value of the header, marked so that no log shows it.
    pub(super) header: HeaderValue,
    token: SecretString,
}

impl Credential {
    /// What the next request carries.
    ///
    /// # Errors
    /// When the token holds characters that no token has, or when none can be fetched.
    pub(super) async fn authorization(&self) -> Result<Authorization, AdoError> {
        let token = match self {
            Self::Pat(token) | Self::Bearer(token) => token.clone(),
            Self::Entra(entra) => entra.token().await?,
        };

        let exposed = token.expose_secret();
        let value = match self {
            Self::Pat(_) => format!("Basic {}", STANDARD.encode(format!(":{exposed}"))),
            Self::Bearer(_) | Self::Entra(_) => format!("Bearer {exposed}"),
        };
        let mut header = HeaderValue::from_str(&value).map_err(|_| {
            AdoError::Configuration("the token holds characters that no token has".to_owned())
        })?;
        // Whatever logs a request then shows that there is a header, and not what it holds.
        header.set_sensitive(true);

        Ok(Authorization { header, token })
    }

    /// Whether there is another token in place of one that was refused.
    ///
    /// # Errors
    /// When another could be had and cannot be fetched.
    pub(super) async fn renew(&self, refused: &Authorization) -> Result<bool, AdoError> {
        match self {
            Self::Pat(_) | Self::Bearer(_) => Ok(false),
            Self::Entra(entra) => entra.renew(&refused.token).await,
        }
    }

    /// Whether another one that is made anew may get a token where this one does not.
    pub(super) fn is_outdated(&self) -> bool {
        match self {
            Self::Pat(_) | Self::Bearer(_) => false,
            Self::Entra(entra) => entra.is_outdated(),
        }
    }

    /// Whether the header that turns a sign-in page into a plain refusal is sent by default. In
    /// tenants with Conditional Access it makes the server refuse good tokens of Entra
    /// (`ado/api.md` §2).
    pub(super) const fn suppresses_sign_in(&self) -> bool {
        !matches!(self, Self::Entra(_))
    }

    /// A digest by which two credentials are told apart without keeping either.
    pub(crate) fn digest(&self) -> [u8; 32] {
        // The kind goes in: a server may refuse a text as one kind that it takes as the other, and
        // what is remembered of a refusal must not be mixed up.
        let (kind, token) = match self {
            Self::Pat(token) => ("kado credential pat", token),
            Self::Bearer(token) => ("kado credential bearer", token),
            Self::Entra(entra) => return entra.digest(),
        };
        blake3::derive_key(kind, token.expose_secret().as_bytes())
    }
}
