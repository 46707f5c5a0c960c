//! The HTTP client below everything: certificates, proxy, time-outs. It follows no redirect, and
//! speaks HTTP/1.1 alone: with at most a few requests under way at once HTTP/2 gains nothing, and
//! its floods (resets, settings, pings, endless CONTINUATION, HPACK) meet nobody here. No
//! compressed answer is asked for, and none is unpacked, so an answer is as large as what came over
//! the line.
//!
//! What hyper itself refuses of an answer: more than 100 headers, a head of more than 408 KiB, 16
//! KiB of chunk extensions, 16 KiB of trailers. It counts no provisional answers (`100 Continue`),
//! and says nothing of them; only the time of the call ends a stream of these.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use reqwest::ClientBuilder;
use reqwest::header::HeaderMap;
use url::Url;

use crate::ado::error::AdoError;
use crate::ado::proxy::{ProxyChoice, ProxyResolver, ProxyRule};
use crate::ado::unreachable;
use crate::error_chain::chain;

/// Longest time to set up a connection.
const CONNECT: Duration = Duration::from_secs(10);
/// How long an idle connection is kept; routers forget them sooner than servers do.
const IDLE: Duration = Duration::from_secs(20);
/// Longest time for a call to whoever issues tokens.
const ISSUE: Duration = Duration::from_secs(30);
/// First byte of everything that is DER: a sequence.
const DER: u8 = 0x30;

/// How the network is used.
#[derive(Clone, Default)]
pub(crate) struct Network {
    /// Certificates to trust besides the system's, as PEM.
    pub(crate) ca: Option<Vec<u8>>,
    /// Which proxy.
    pub(crate) proxy: ProxyRule,
}

/// A client, with what it takes to say why it reached nobody.
pub(crate) struct Caller {
    pub(super) client: reqwest::Client,
    /// Which proxies it goes through; `None` when it knows none.
    proxies: Option<Arc<ProxyResolver>>,
    /// Whether a certificate of the other side was not accepted.
    distrusts: AtomicBool,
}

impl Caller {
    /// Why a request was not answered, in words that go behind "cannot be reached".
    pub(super) fn why(&self, error: &reqwest::Error) -> String {
        if unreachable::is_distrust(error) {
            self.distrusts.store(true, Ordering::Relaxed);
        }
        unreachable::why(error, self.proxies.as_deref())
    }

    /// Which proxy a request went through, in words; empty without one.
    pub(super) fn through(&self, error: &reqwest::Error) -> String {
        unreachable::through(error, self.proxies.as_deref())
    }

    /// Which proxy requests to a URL go through, and why; `None` where none is ever asked for.
    pub(super) fn proxy_of(&self, url: &str) -> Option<ProxyChoice> {
        let url = Url::parse(url).ok()?;
        Some(self.proxies.as_ref()?.explain(&url))
    }

    /// Whether a certificate of the other side was not accepted: a client that is built anew may
    /// know its authority by now, because the certificates of the system are read when a client is
    /// built.
    pub(super) fn distrusts(&self) -> bool {
        self.distrusts.load(Ordering::Relaxed)
    }
}

/// A client for a server, which sends these headers with each request.
pub(super) fn client(
    server: &str,
    network: &Network,
    headers: HeaderMap,
) -> Result<Caller, AdoError> {
    caller_with_proxy(server, builder(network, headers)?, network)
}

/// A client for an authority that issues tokens; no call takes longer than `patience`.
///
/// # Errors
/// When certificates or proxy cannot be used.
pub(crate) fn issuing(
    authority: &Url,
    network: &Network,
    patience: Option<Duration>,
) -> Result<Caller, AdoError> {
    let builder = builder(network, HeaderMap::new())?.timeout(timeout_of_issuing(patience));
    caller_with_proxy(authority.as_str(), builder, network)
}

/// A client for an address that has nothing to do with Azure DevOps; no call takes longer than
/// `patience`.
///
/// # Errors
/// When certificates or proxy cannot be used.
pub(super) fn outward(
    url: &Url,
    network: &Network,
    patience: Duration,
) -> Result<Caller, AdoError> {
    let builder = builder(network, HeaderMap::new())?.timeout(patience);
    caller_with_proxy(url.as_str(), builder, network)
}

/// A client for a service of this machine, which no proxy is ever before; no call takes longer than
/// `patience`.
///
/// # Errors
/// When certificates cannot be used.
pub(crate) fn of_machine(
    network: &Network,
    patience: Option<Duration>,
) -> Result<Caller, AdoError> {
    let builder = builder(network, HeaderMap::new())?
        .timeout(timeout_of_issuing(patience))
        .no_proxy();
    Ok(Caller {
        client: build(builder, network)?,
        proxies: None,
        distrusts: AtomicBool::new(false),
    })
}

fn timeout_of_issuing(patience: Option<Duration>) -> Duration {
    patience.map_or(ISSUE, |patience| patience.min(ISSUE))
}

fn caller_with_proxy(
    to: &str,
    builder: ClientBuilder,
    network: &Network,
) -> Result<Caller, AdoError> {
    let proxies = Arc::new(ProxyResolver::new(&network.proxy));

    // Before anything is sent: a password would go to another host as part of an address.
    if let Ok(url) = Url::parse(to)
        && let Some(fault) = proxies.fault(&url)
    {
        return Err(AdoError::Configuration(fault));
    }

    let asked_for_each_url = Arc::clone(&proxies);
    let proxy = reqwest::Proxy::custom(move |url| asked_for_each_url.proxy_of(url));

    Ok(Caller {
        client: build(builder.proxy(proxy), network)?,
        proxies: Some(proxies),
        distrusts: AtomicBool::new(false),
    })
}

fn builder(network: &Network, headers: HeaderMap) -> Result<ClientBuilder, AdoError> {
    // No redirect is followed: the token goes to the configured server only (invariant I10).
    let builder = reqwest::Client::builder()
        .user_agent(concat!("kado/", env!("CARGO_PKG_VERSION")))
        .default_headers(headers)
        .redirect(reqwest::redirect::Policy::none())
        .http1_only()
        .connect_timeout(CONNECT)
        .pool_idle_timeout(IDLE);

    let Some(ca) = &network.ca else {
        return Ok(builder);
    };
    let certificates =
        authorities(ca).map_err(|why| AdoError::Configuration(format!("`azure.ca_file` {why}")))?;
    // Besides those of the system, not in their place: a private authority of the server does not
    // sign for the public host that issues tokens.
    Ok(builder.tls_certs_merge(certificates))
}

/// What is wrong with a text of certificates, in words that go behind the name of its file.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AuthoritiesError {
    /// One of them is not well formed.
    #[error("holds a certificate that cannot be read: {}", chain(.0))]
    Unreadable(reqwest::Error),
    /// It is in the other form of certificates.
    #[error(
        "holds a certificate as DER, and has to hold it as PEM: `openssl x509 -inform der -in FILE \
         -out ca.pem` turns one into the other, on Windows `certutil -encode FILE ca.pem`"
    )]
    Der,
    /// There is none.
    #[error(
        "holds no certificate as PEM, which begins with `-----BEGIN CERTIFICATE-----` and is saved \
         as UTF-8 or ASCII (not UTF-16)"
    )]
    Nothing,
}

/// The certificates in a text, at least one.
///
/// # Errors
/// When there is none, or one that cannot be read.
pub(crate) fn authorities(pem: &[u8]) -> Result<Vec<reqwest::Certificate>, AuthoritiesError> {
    // A byte order mark would hide the first one.
    let pem = pem.strip_prefix(b"\xef\xbb\xbf").unwrap_or(pem);

    let certificates =
        reqwest::Certificate::from_pem_bundle(pem).map_err(AuthoritiesError::Unreadable)?;
    if !certificates.is_empty() {
        return Ok(certificates);
    }

    // What is no PEM is not an error to the reader, but a text without certificates.
    Err(if pem.first() == Some(&DER) {
        AuthoritiesError::Der
    } else {
        AuthoritiesError::Nothing
    })
}

fn build(builder: ClientBuilder, network: &Network) -> Result<reqwest::Client, AdoError> {
    builder.build().map_err(|error| {
        // Certificates are all of the configuration that a builder can stumble over.
        let hint = if network.ca.is_some() {
            "; look at the certificates in `azure.ca_file`"
        } else {
            ""
        };
        AdoError::Configuration(format!(
            "the connection cannot be set up: {}{hint}",
            chain(&error)
        ))
    })
}
