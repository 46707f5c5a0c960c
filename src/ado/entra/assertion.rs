//! The signed statement with which an application proves that it holds the key of its certificate:
//! a JWT, RS256, named by the certificate's thumbprint (learn.microsoft.com, "Microsoft identity
//! platform application authentication certificate credentials").

use std::time::Duration;

use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
use aws_lc_rs::error::Unspecified;
use aws_lc_rs::rand::{SystemRandom, fill};
use aws_lc_rs::signature::{RSA_PKCS1_SHA256, RsaKeyPair};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use serde_json::{Value, json};

use crate::ado::entra::validity;
use crate::ado::error::AdoError;
use crate::moment::Moment;

/// How long a statement holds.
const LIVES: Duration = Duration::from_secs(10 * 60);
/// How far the authority's clock may be behind.
const SKEW: Duration = Duration::from_secs(5 * 60);

/// First byte of everything that is DER, PKCS #12 (.pfx) among it: a sequence.
const DER: u8 = 0x30;

/// A certificate with its key.
pub(crate) struct Certificate {
    key: RsaKeyPair,
    /// SHA-1 of the certificate, as the header `x5t` has it.
    thumbprint: String,
}

/// What a certificate file lacks, in words that go behind its name.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub(crate) enum CertificateFileError {
    #[error(
        "is not a PEM file; from a .pfx file `openssl pkcs12 -in kado.pfx -nodes -out kado.pem` \
         makes one, with certificate and key"
    )]
    Der,
    #[error("holds no certificate as PEM")]
    NoCertificate,
    #[error(
        "holds no private key as PEM, or only an encrypted one; put the unencrypted key beside the \
         certificate"
    )]
    NoKey,
    #[error("holds a key that is not RSA")]
    NotRsa,
    #[error("holds a key that is not RSA of at least 2048 bits")]
    NotUsable,
}

impl Certificate {
    /// Reads certificate and key, both as PEM in one text.
    ///
    /// # Errors
    /// What is missing.
    pub(crate) fn from_pem(pem: &[u8]) -> Result<Self, CertificateFileError> {
        let certificate = CertificateDer::from_pem_slice(pem).map_err(|_| match pem.first() {
            Some(&DER) => CertificateFileError::Der,
            _ => CertificateFileError::NoCertificate,
        })?;

        // SHA-1 only names the certificate here and protects nothing; `x5t` is defined with it.
        let thumbprint = digest(&SHA1_FOR_LEGACY_USE_ONLY, &certificate);

        // Each reader looks for the first part of its own kind, so the two may stand in any order.
        let key = PrivateKeyDer::from_pem_slice(pem).map_err(|_| CertificateFileError::NoKey)?;
        let key = match &key {
            PrivateKeyDer::Pkcs1(key) => RsaKeyPair::from_der(key.secret_pkcs1_der()),
            PrivateKeyDer::Pkcs8(key) => RsaKeyPair::from_pkcs8(key.secret_pkcs8_der()),
            // An elliptic key may also lie in PKCS #8; that one is found out below.
            _ => return Err(CertificateFileError::NotRsa),
        };

        Ok(Self {
            key: key.map_err(|_| CertificateFileError::NotUsable)?,
            thumbprint: URL_SAFE_NO_PAD.encode(thumbprint.as_ref()),
        })
    }

    /// When the certificate in a text ends; `None` where there is none, or where it does not say.
    pub(crate) fn end(pem: &[u8]) -> Option<Moment> {
        let certificate = CertificateDer::from_pem_slice(pem).ok()?;
        validity::not_after(&certificate)
    }

    /// The statement of `client_id` for this audience.
    ///
    /// # Errors
    /// When the system has no random numbers or the key cannot sign.
    pub(super) fn assertion(
        &self,
        client_id: &str,
        audience: &str,
        now: Moment,
    ) -> Result<String, AdoError> {
        // An authority takes each statement once, and knows it by this number.
        let mut number = [0; 16];
        fill(&mut number).map_err(cannot_sign)?;

        let header = json!({ "alg": "RS256", "typ": "JWT", "x5t": self.thumbprint });
        let claims = json!({
            "aud": audience,
            "iss": client_id,
            "sub": client_id,
            "jti": URL_SAFE_NO_PAD.encode(number),
            "nbf": seconds(now.minus(SKEW)),
            "iat": seconds(now),
            "exp": seconds(now.plus(LIVES)),
        });
        let statement = format!("{}.{}", encoded(&header), encoded(&claims));

        let mut signature = vec![0; self.key.public_modulus_len()];
        self.key
            .sign(
                &RSA_PKCS1_SHA256,
                &SystemRandom::new(),
                statement.as_bytes(),
                &mut signature,
            )
            .map_err(cannot_sign)?;
        Ok(format!("{statement}.{}", URL_SAFE_NO_PAD.encode(signature)))
    }
}

fn encoded(part: &Value) -> String {
    URL_SAFE_NO_PAD.encode(part.to_string())
}

fn seconds(moment: Moment) -> i64 {
    moment.millis() / 1000
}

fn cannot_sign(_: Unspecified) -> AdoError {
    AdoError::Configuration("the certificate of `azure.identity` cannot sign".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_file_lacks_is_named() {
        let error_of = |text: &str| Certificate::from_pem(text.as_bytes()).err();
        let key = rcgen::KeyPair::generate().unwrap();
        let params = rcgen::CertificateParams::new(Vec::new()).unwrap();
        let certificate = params.self_signed(&key).unwrap().pem();
        let with_elliptic_key = format!("{certificate}{}", key.serialize_pem());

        assert_eq!(error_of(""), Some(CertificateFileError::NoCertificate));
        assert_eq!(error_of(&certificate), Some(CertificateFileError::NoKey));
        assert_eq!(
            error_of(&with_elliptic_key),
            Some(CertificateFileError::NotUsable)
        );
    }
}
