//! kado's key: what makes a submission the same submission on every machine (invariant I5). It
//! stands in the run's comment in ADO, so its value never changes.

use crate::discovery::run_identity::RunIdentity;
use crate::server::ServerIdentity;

/// What a submission is for.
#[derive(Clone, Debug)]
pub(crate) struct KeyParts<'a> {
    /// The suite run.
    pub run: &'a RunIdentity,
    /// Tells runs apart that only their execution uuid tells apart; 0 for all others.
    pub twin: u32,
    /// The server.
    pub server: &'a ServerIdentity,
    /// The ADO project, as configured.
    pub project: &'a str,
    /// The test plan.
    pub plan_id: u32,
    /// How often a person asked for the same submission again.
    pub again: u32,
}

/// 32 hexadecimal digits that depend on nothing but the parts: neither on paths nor on when the run
/// was seen.
pub(crate) fn key(parts: &KeyParts<'_>) -> String {
    let mut hasher = blake3::Hasher::new_derive_key("kado 2026-11 submission key v1");

    // The uuid of the run is not among them: Katalon writes it late or never, and the key must not
    // change with it. Where it alone tells two runs apart, `twin` does.
    let texts = [
        parts.run.suite.clone(),
        parts.run.host.clone(),
        parts.server.to_string(),
        // ADO reads names of projects without regard to case, so both spellings are one project.
        parts.project.to_lowercase(),
        parts.run.started.millis().to_string(),
        parts.twin.to_string(),
        parts.plan_id.to_string(),
        parts.again.to_string(),
    ];

    for text in texts {
        // The length goes first, so that no two lists of texts run together into the same bytes.
        hasher.update(&(text.len() as u64).to_le_bytes());
        hasher.update(text.as_bytes());
    }

    hasher.finalize().to_hex()[..32].to_owned()
}
