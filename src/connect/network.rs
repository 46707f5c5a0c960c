//! How the network is used, from the configuration to values: certificates are read from their file
//! here, for each connection anew, because they are renewed in it.

#![expect(
    clippy::disallowed_methods,
    reason = "certificates to trust lie in a file"
)]

use std::path::Path;

use crate::ado::AdoError;
use crate::ado::http::{self, Network};
use crate::ado::proxy::ProxyRule;
use crate::config::Access;

/// How the network is used for the servers of this access.
///
/// # Errors
/// When the certificates cannot be read.
pub(crate) fn network(access: &Access) -> Result<Network, AdoError> {
    let ca = match &access.ca_file {
        Some(file) => Some(certificates(file)?),
        None => None,
    };
    Ok(Network {
        ca,
        proxy: proxy_rule(access),
    })
}

fn certificates(file: &Path) -> Result<Vec<u8>, AdoError> {
    let content =
        std::fs::read(file).map_err(|error| unusable(file, &format!("cannot be read: {error}")))?;

    // What is wrong with them is better said with the name of the file.
    http::authorities(&content).map_err(|error| unusable(file, &error.to_string()))?;
    Ok(content)
}

fn unusable(file: &Path, reason: &str) -> AdoError {
    AdoError::Configuration(format!("`azure.ca_file` `{}` {reason}", file.display()))
}

/// What the configuration says of proxies for the servers of this access.
pub(crate) fn proxy_rule(access: &Access) -> ProxyRule {
    ProxyRule {
        proxy: access.proxy.clone(),
        no_proxy: access.no_proxy.clone().unwrap_or_default(),
    }
}
