//! The way to the server and what it says at its door: proxy, identity, version, clocks, scopes of
//! the token.

use url::Url;

use crate::ado::proxy::ProxyResolver;
use crate::ado::scope::TokenScope;
use crate::ado::{AdoClient, Credential};
use crate::check::report::Report;
use crate::config::Access;
use crate::connect::proxy_rule;
use crate::exit::Exit;
use crate::server::Server;

/// Difference of clocks from which on a person should know, in milliseconds. Servers give whole
/// seconds, and an answer takes its time.
const NOTABLE_DIFFERENCE: i64 = 30_000;
/// Difference of clocks from which on Entra refuses tokens and runs stand in the wrong place, in
/// milliseconds.
const HARMFUL_DIFFERENCE: i64 = 5 * 60_000;

/// What became of the attempt to connect.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Connection {
    /// The server knows the token.
    Open,
    /// It does not, or does not answer: asking for more leads to nothing new.
    Failed,
}

/// Says which proxy is in force for a server, and why. Nothing is asked.
pub(super) fn check_proxy(server: &Server, access: &Access, report: &mut Report) {
    // An address that is none is reported where the settings are checked.
    let Ok(url) = Url::parse(server.base()) else {
        return;
    };

    let name = format!("proxy to {}", url.host_str().unwrap_or_default());
    let proxies = ProxyResolver::new(&proxy_rule(access));
    match proxies.fault(&url) {
        Some(fault) => report.failed(name, fault, "", Exit::Usage),
        None => report.fine(name, proxies.explain(&url).to_string()),
    }
}

/// "Connect": whether the server knows the token, which comes from `source`, and what else the
/// server says of itself.
pub(super) async fn check_connection(
    client: &AdoClient,
    source: &str,
    report: &mut Report,
) -> Connection {
    note_token(client.credential(), source, report);
    let answer = client.connection().await;

    // Even a refusal carries the server's time, and a wrong clock can be the reason for it.
    if let Some(ahead) = client.clock_ahead() {
        compare_clocks(ahead, report);
    }

    let user = match answer {
        Ok(user) => user,
        Err(error) => {
            report.ado_failed("connection", &error);
            return Connection::Failed;
        }
    };

    let name = user
        .provider_display_name
        .unwrap_or_else(|| "somebody without a name".to_owned());
    report.fine(
        "connection",
        format!(
            "{} knows the token as that of {name}; requests use api-version {}",
            client.server().base(),
            client.version()
        ),
    );

    // Only now: an identity fetches its first token with the first request.
    note_expiry(client.credential(), report).await;

    Connection::Open
}

/// `ahead` is what this machine's clock is ahead of the server's, in milliseconds.
fn compare_clocks(ahead: i64, report: &mut Report) {
    let direction = if ahead > 0 { "ahead of" } else { "behind" };
    let difference = format!(
        "this machine's clock is {} s {direction} the server's",
        ahead.abs() / 1000
    );
    let hint = "set the clock, with NTP or the host of the virtual machine: runs and results carry \
                this machine's times, and identities of Entra are refused when clocks differ";

    match ahead.abs() {
        0..NOTABLE_DIFFERENCE => report.fine("clock", "agrees with the server's"),
        NOTABLE_DIFFERENCE..HARMFUL_DIFFERENCE => report.note("clock", difference, hint),
        _ => report.wrong("clock", difference, hint),
    }
}

/// Says which token it is, and whether anybody says when it ends.
fn note_token(credential: &Credential, source: &str, report: &mut Report) {
    match credential {
        Credential::Pat(_) => report.note(
            "token",
            source,
            "Azure DevOps does not tell programs when it ends: see User settings > Personal access \
             tokens",
        ),
        Credential::Bearer(_) => report.fine("token", source),
        Credential::Entra(_) => {
            report.fine("token", format!("{source}, fetched and renewed by kado"));
        }
    }
}

/// Says when the token in hand ends, where that is known.
async fn note_expiry(credential: &Credential, report: &mut Report) {
    if let Credential::Entra(entra) = credential
        && let Some(until) = entra.valid_until().await
    {
        report.fine(
            "identity",
            format!("the present token is good until {until}"),
        );
    }
}

/// Whether the token has the scopes that submitting needs.
pub(super) async fn check_scopes(
    client: &AdoClient,
    project: &str,
    scopes: &[TokenScope],
    report: &mut Report,
) {
    for scope in scopes {
        let title = format!("scope {}", scope.name());

        match client.lacks(project, *scope).await {
            Ok(None) => report.fine(title, "the token has it"),
            Ok(Some(why)) => report.failed(
                title,
                format!("the token lacks it ({why})"),
                "make a token with this scope under User settings > Personal access tokens; a \
                 token of the machine goes into `azure.token_file`",
                Exit::Refused,
            ),
            // The server stopped answering, so the other scopes would only repeat the error.
            Err(error) => return report.ado_failed(&title, &error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::report::Check;

    fn clocks(ahead: i64) -> Check {
        let mut report = Report::default();
        compare_clocks(ahead, &mut report);
        report.checks.remove(0)
    }

    #[test]
    fn a_small_difference_of_clocks_is_none() {
        let check = clocks(1500);

        assert!(check.ok);
        assert_eq!(check.detail, "agrees with the server's");
    }

    #[test]
    fn a_notable_difference_of_clocks_is_a_note() {
        let check = clocks(-40_000);

        assert!(check.ok);
        assert_eq!(
            check.detail,
            "this machine's clock is 40 s behind the server's"
        );
    }

    #[test]
    fn a_harmful_difference_of_clocks_is_wrong() {
        let check = clocks(400_000);

        assert!(!check.ok);
        assert_eq!(
            check.detail,
            "this machine's clock is 400 s ahead of the server's"
        );
    }
}
