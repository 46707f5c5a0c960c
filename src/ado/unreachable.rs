//! Why nobody was reached, in words, with the way out: the layers below name neither the proxy that
//! was in between nor what mends a certificate that is not accepted.

use std::error::Error;
use std::io;

use rustls::{CertificateError, Error as TlsError};

use crate::ado::proxy::ProxyResolver;
use crate::error_chain::chain;

/// Which proxy a request went through, in words that go behind the name of whom it was for; empty
/// without one.
pub(super) fn through(error: &reqwest::Error, proxies: Option<&ProxyResolver>) -> String {
    let (Some(url), Some(proxies)) = (error.url(), proxies) else {
        return String::new();
    };

    let choice = proxies.explain(url);
    match choice.proxy {
        Some(_) => format!(" through the proxy {choice}"),
        None => String::new(),
    }
}

/// What is wrong, in words that go behind "cannot be reached", and what mends it where that is
/// known.
pub(super) fn why(error: &reqwest::Error, proxies: Option<&ProxyResolver>) -> String {
    let said = chain(error);

    let hint = match certificate_error(error) {
        Some(certificate_error) => hint_at_certificate(certificate_error).map(str::to_owned),
        None => {
            let host = error.url().and_then(|url| url.host_str());
            hint_at_proxy(&said, host.unwrap_or("the server"))
        }
    };
    format!(
        "{}: {said}{}",
        through(error, proxies),
        hint.unwrap_or_default()
    )
}

/// Whether the certificate of the other side was not accepted.
pub(super) fn is_distrust(error: &reqwest::Error) -> bool {
    certificate_error(error).is_some()
}

/// What mends a certificate that was not accepted. Most reasons, such as an end that is past or a
/// wrong name, say it themselves.
fn hint_at_certificate(error: &CertificateError) -> Option<&'static str> {
    // The second when another authority of the same name is known, such as the one before it was
    // renewed.
    if let CertificateError::UnknownIssuer | CertificateError::BadSignature = error {
        return Some(
            "; neither this machine nor `azure.ca_file` knows the authority that signed its \
             certificate: save the authority's own certificate as PEM and name the file with \
             `azure.ca_file`",
        );
    }

    // This reason of webpki has no variant of rustls.
    if let CertificateError::Other(other) = error
        && format!("{other:?}").contains("CaUsedAsEndEntity")
    {
        return Some(
            "; it shows an authority's certificate as its own, which no `azure.ca_file` mends: give \
             it one that an authority signed, or one with `basicConstraints=CA:FALSE`",
        );
    }
    None
}

/// The proxy's answers have no types, only these words (`hyper_util`, `TunnelError`).
fn hint_at_proxy(said: &str, host: &str) -> Option<String> {
    if said.contains("proxy authorization required") {
        return Some("; put user and password into `azure.proxy`".to_owned());
    }

    if said.contains("tunnel error: unsuccessful") {
        return Some(format!(
            "; the proxy refused to open a connection there: have {host} allowed on it, or put \
             it into `azure.no_proxy` if it is reached without one"
        ));
    }
    None
}

fn certificate_error<'e>(error: &'e (dyn Error + 'static)) -> Option<&'e CertificateError> {
    if let Some(TlsError::InvalidCertificate(reason)) = error.downcast_ref() {
        return Some(reason);
    }

    // What an I/O error wraps is not its source.
    let io_error: Option<&io::Error> = error.downcast_ref();
    match io_error.and_then(io::Error::get_ref) {
        Some(wrapped) => certificate_error(wrapped),
        None => certificate_error(error.source()?),
    }
}
