//! The HTTP client below everything: certificates, proxy, time-outs. It follows no redirect.

use std::sync::Arc;
use std::time::Duration;

use reqwest::header::HeaderMap;

use crate::ado::error::AdoError;
use crate::ado::proxy::{ProxyRule, Ways};
use crate::error_chain::chain;

/// Longest time to set up a connection.
const CONNECT: Duration = Duration::from_secs(10);
/// How long an idle connection is kept; routers forget them sooner than servers do.
const IDLE: Duration = Duration::from_secs(20);
/// Longest time for a call to whoever issues tokens.
const ISSUE: Duration = Duration::from_secs(30);

/// How the network is used.
#[derive(Clone, Default)]
pub struct Network {
    /// Certificates to trust besides the system's, as PEM.
    pub ca: Option<Vec<u8>>,
    /// Which proxy.
    pub proxy: ProxyRule,
}

/// A client that sends these headers with each request.
pub(super) fn client(network: &Network, headers: HeaderMap) -> Result<reqwest::Client, AdoError> {
    let ways = Arc::new(Ways::new(&network.proxy));
    let proxy = reqwest::Proxy::custom(move |url| ways.proxy_of(url));
    built(builder(network, headers)?.proxy(proxy), network)
}

/// A client for an authority that issues tokens.
///
/// # Errors
/// When certificates or proxy cannot be used.
pub fn issuing(network: &Network) -> Result<reqwest::Client, AdoError> {
    let ways = Arc::new(Ways::new(&network.proxy));
    let proxy = reqwest::Proxy::custom(move |url| ways.proxy_of(url));
    built(builder(network, HeaderMap::new())?.timeout(ISSUE).proxy(proxy), network)
}

/// A client for a service of this machine, which no proxy is ever before.
///
/// # Errors
/// When certificates cannot be used.
pub fn of_machine(network: &Network) -> Result<reqwest::Client, AdoError> {
    built(builder(network, HeaderMap::new())?.timeout(ISSUE).no_proxy(), network)
}

fn builder(network: &Network, headers: HeaderMap) -> Result<reqwest::ClientBuilder, AdoError> {
    let builder = reqwest::Client::builder()
        .user_agent(concat!("kado/", env!("CARGO_PKG_VERSION")))
        .default_headers(headers)
        .redirect(reqwest::redirect::Policy::none())
        .connect_timeout(CONNECT)
        .pool_idle_timeout(IDLE);
    let Some(ca) = &network.ca else { return Ok(builder) };
    let certificates = reqwest::Certificate::from_pem_bundle(ca)
        .map_err(|error| AdoError::Configuration(format!("`azure.ca_file` holds no certificates: {error}")))?;
    Ok(builder.tls_certs_merge(certificates))
}

fn built(builder: reqwest::ClientBuilder, network: &Network) -> Result<reqwest::Client, AdoError> {
    builder.build().map_err(|error| {
        // Certificates are all of the configuration that a builder can stumble over.
        let about = if network.ca.is_some() { "; look at the certificates in `azure.ca_file`" } else { "" };
        AdoError::Configuration(format!("no connection can be set up: {}{about}", chain(&error)))
    })
}
