//! How requests identify themselves. Nothing in here has a printable form.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::header::HeaderValue;
use secrecy::{ExposeSecret as _, SecretString};

use crate::ado::error::AdoError;

/// What a server accepts in place of a person who signs in (`ado/api.md` §2).
#[derive(Clone)]
pub enum Credential {
    /// A personal access token: Basic, with nobody's name before it. Services and Server take it.
    Pat(SecretString),
    /// The token of a pipeline job (`SYSTEM_ACCESSTOKEN`), or another one that is given whole: Bearer.
    Bearer(SecretString),
}

impl Credential {
    /// The value of `Authorization`, marked so that no log shows it.
    ///
    /// # Errors
    /// When the token holds characters that no token has.
    pub(super) fn authorization(&self) -> Result<HeaderValue, AdoError> {
        let text = match self {
            Self::Pat(token) => format!("Basic {}", STANDARD.encode(format!(":{}", token.expose_secret()))),
            Self::Bearer(token) => format!("Bearer {}", token.expose_secret()),
        };
        let mut value = HeaderValue::from_str(&text)
            .map_err(|_| AdoError::Configuration("the token holds characters that no token has".to_owned()))?;
        value.set_sensitive(true);
        Ok(value)
    }

    /// A digest by which two credentials are told apart without keeping either.
    pub fn digest(&self) -> [u8; 32] {
        let (kind, token) = match self {
            Self::Pat(token) => ("kado credential pat", token),
            Self::Bearer(token) => ("kado credential bearer", token),
        };
        blake3::derive_key(kind, token.expose_secret().as_bytes())
    }
}
