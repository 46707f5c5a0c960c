//! Why nobody was reached, in words, with the way out: the layers below name neither the proxy that
//! was in between nor what mends a certificate that is not accepted.

use std::error::Error;
use std::io;

use rustls::{CertificateError, Error as TlsError};

use crate::ado::proxy::Ways;
use crate::error_chain::chain;

/// Which proxy a request went through, in words that go behind the name of whom it was for; empty
/// without one.
pub(super) fn through(error: &reqwest::Error, ways: Option<&Ways>) -> String {
    let way = error.url().zip(ways).map(|(url, ways)| ways.explain(url));
    way.filter(|way| way.proxy.is_some())
        .map(|way| format!(" through the proxy {way}"))
        .unwrap_or_default()
}

/// What is wrong, in words that go behind "cannot be reached", and what mends it where that is
/// known.
pub(super) fn why(error: &reqwest::Error, ways: Option<&Ways>) -> String {
    let said = chain(error);
    let host = error
        .url()
        .and_then(|url| url.host_str())
        .unwrap_or("the server");
    let hint = of_certificate(error)
        .map(str::to_owned)
        .or_else(|| of_proxy(&said, host))
        .unwrap_or_default();
    format!("{}: {said}{hint}", through(error, ways))
}

/// Whether the certificate of the other side was not accepted.
pub(super) fn is_distrust(error: &reqwest::Error) -> bool {
    certificate_error(error).is_some()
}

fn of_certificate(error: &reqwest::Error) -> Option<&'static str> {
    match certificate_error(error)? {
        // The second when another authority of the same name is known, such as the one before it
        // was renewed.
        CertificateError::UnknownIssuer | CertificateError::BadSignature => Some(
            "; neither this machine nor `azure.ca_file` knows the authority that signed its certificate: save the \
             authority's own certificate as PEM and name the file with `azure.ca_file`",
        ),
        CertificateError::Other(other) if format!("{other:?}").contains("CaUsedAsEndEntity") => {
            Some(
                "; it shows the certificate of an authority as its own, which is not accepted even when `azure.ca_file` holds \
             it: give the server one that an authority signed, or one of its own with `basicConstraints=CA:FALSE`",
            )
        }
        _ => None,
    }
}

/// The proxy's answers have no types, only these words (`hyper_util`, `TunnelError`).
fn of_proxy(said: &str, host: &str) -> Option<String> {
    if said.contains("proxy authorization required") {
        Some("; put user and password into `azure.proxy`".to_owned())
    } else if said.contains("tunnel error: unsuccessful") {
        Some(format!(
            "; the proxy refused to open a connection there: have {host} allowed on it, or put \
             {host} into `azure.no_proxy` if it \
             is reached without one"
        ))
    } else {
        None
    }
}

fn certificate_error<'e>(error: &'e (dyn Error + 'static)) -> Option<&'e CertificateError> {
    if let Some(TlsError::InvalidCertificate(why)) = error.downcast_ref() {
        return Some(why);
    }
    // What an I/O error wraps is not its source.
    match error
        .downcast_ref::<io::Error>()
        .and_then(io::Error::get_ref)
    {
        Some(wrapped) => certificate_error(wrapped),
        None => certificate_error(error.source()?),
    }
}
