//! When the credentials of kado.toml end: what a person wrote there, and what a certificate says of
//! itself, which counts before that.

use jiff::civil::Date;

use crate::ado::entra::assertion::Certificate;
use crate::clock;
use crate::config::Config;
use crate::config::expiry::{TokenEnd, TokenTable, token_tables};
use crate::config::identity::{IdentityKind, ProofFile};
use crate::secrets;

use secrecy::ExposeSecret as _;

/// The ends of all credentials, in the order of the file, as far as they are known to this account:
/// a certificate lies beside its key, which others may not read.
pub(crate) fn token_ends(config: &Config, today: Date) -> Vec<TokenEnd> {
    let mut ends = Vec::new();
    for table in token_tables(config) {
        match end_of_certificate(&table) {
            Some(day) => ends.push(table.end_of_certificate(day, today)),
            None => ends.extend(table.written_end(today)),
        }
    }
    ends
}

/// The last day of the certificate of a table, if it has one that can be read.
fn end_of_certificate(table: &TokenTable<'_>) -> Option<Date> {
    let identity = table.access().identity.as_ref()?;
    let IdentityKind::ServicePrincipal {
        proof: ProofFile::Certificate(file),
        ..
    } = &identity.kind
    else {
        return None;
    };

    let pem = secrets::closed_file(file).ok()?;
    let end = Certificate::end(pem.expose_secret())?;
    Some(clock::day_of(end))
}
