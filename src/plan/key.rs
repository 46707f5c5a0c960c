//! kado's key: what makes a submission the same submission on every machine (invariant I5). It
//! stands in the run's comment in ADO, so its value never changes.

use crate::discovery::run_identity::RunIdentity;
use crate::plan::plan_choice::PlanChoice;
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
    /// The test plan; of one that is not known yet its stand-in.
    pub plan: KeyedPlan<'a>,
    /// How often a person asked for the same submission again.
    pub again: u32,
}

/// The test plan of a submission, as it counts for the key.
#[derive(Clone, Copy, Debug)]
pub(crate) enum KeyedPlan<'a> {
    /// It is known.
    Id(u32),
    /// ADO was not asked yet which one is meant: nothing is sent under such a key, and the key is
    /// made anew when the plan is known.
    Open(&'a PlanChoice),
    /// There is none: nothing is sent under such a key either.
    None,
}

impl KeyedPlan<'_> {
    /// No test plan has the id 0, and none has a name behind its id.
    fn text(self) -> String {
        match self {
            Self::Id(id) => id.to_string(),
            Self::Open(choice) => format!("0 {choice:?}"),
            Self::None => "0".to_owned(),
        }
    }
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
        parts.plan.text(),
        parts.again.to_string(),
    ];

    for text in texts {
        // The length goes first, so that no two lists of texts run together into the same bytes.
        hasher.update(&(text.len() as u64).to_le_bytes());
        hasher.update(text.as_bytes());
    }

    hasher.finalize().to_hex()[..32].to_owned()
}
