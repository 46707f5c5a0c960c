//! The way to the server and what is told at its door: proxy, identity, version, clocks, scopes of
//! the token.

use url::Url;

use crate::ado::proxy::Ways;
use crate::ado::scope::Scope;
use crate::ado::{AdoClient, Credential};
use crate::check::report::Report;
use crate::config::Access;
use crate::connect::proxy_rule;
use crate::exit::Exit;
use crate::server::Server;

/// Difference of clocks from which on a person should know, in milliseconds; servers tell whole
/// seconds.
const SOME: i64 = 30_000;
/// Difference of clocks from which on tokens of Entra are refused and runs stand in the wrong
/// place.
const MUCH: i64 = 5 * 60_000;

/// Says which proxy is in force for a server, and why. Nothing is asked.
pub(super) fn check_proxy(server: &Server, access: &Access, report: &mut Report) {
    let Ok(url) = Url::parse(server.base()) else {
        return;
    };
    let ways = Ways::new(&proxy_rule(access));
    report.fine(
        format!("proxy to {}", url.host_str().unwrap_or_default()),
        ways.explain(&url).to_string(),
    );
}

/// "Connect": whether the server knows the token, which comes from `source`, and what else it tells
/// of itself. `false` when it does not.
pub(super) async fn check_connection(
    client: &AdoClient,
    source: &str,
    report: &mut Report,
) -> bool {
    token(client.credential(), source, report);
    let found = client.connection().await;
    clocks(client.clock_ahead(), report);
    match found {
        Ok(user) => {
            let who = user
                .provider_display_name
                .unwrap_or_else(|| "somebody without a name".to_owned());
            let (server, version) = (client.server().base(), client.version());
            report.fine(
                "connection",
                format!(
                    "{server} knows the token as that of {who}; spoken to in version {version}"
                ),
            );
            expiry(client.credential(), report).await;
            true
        }
        Err(error) => {
            report.ado_failed("connection", &error);
            false
        }
    }
}

fn clocks(ahead: Option<i64>, report: &mut Report) {
    let Some(ahead) = ahead else { return };
    let seconds = ahead.abs() / 1000;
    let where_it_is = if ahead > 0 { "ahead of" } else { "behind" };
    let apart = format!("this machine's clock is {seconds} s {where_it_is} the server's");
    let hint = "set the clock, with NTP or the host of the virtual machine: runs and results carry this machine's times, and \
                identities of Entra are refused when clocks differ";
    match ahead.abs() {
        0..SOME => report.fine("clock", "agrees with the server's"),
        SOME..MUCH => report.note("clock", apart, hint),
        _ => report.wrong("clock", apart, hint),
    }
}

/// Which token it is, and whether anybody tells when it ends.
fn token(credential: &Credential, source: &str, report: &mut Report) {
    match credential {
        Credential::Pat(_) => report.note(
            "token",
            source,
            "Azure DevOps does not tell programs when it ends: see User settings > Personal access tokens",
        ),
        Credential::Bearer(_) => report.fine("token", source),
        Credential::Entra(_) => report.fine("token", format!("{source}, fetched and renewed by kado")),
    }
}

/// When the token in hand ends, where that is known.
async fn expiry(credential: &Credential, report: &mut Report) {
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
    wanted: &[Scope],
    report: &mut Report,
) {
    for scope in wanted {
        let title = format!("scope {}", scope.name());
        match client.lacks(project, *scope).await {
            Ok(None) => report.fine(title, "the token has it"),
            Ok(Some(why)) => report.failed(
                title,
                format!("the token lacks it ({why})"),
                "make a token with this scope under User settings > Personal access tokens; a token of the machine goes \
                 into `azure.token_file`",
                Exit::Refused,
            ),
            Err(error) => return report.ado_failed(&title, &error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clocks_that_differ_are_told() {
        let told = |ahead| {
            let mut report = Report::default();
            clocks(Some(ahead), &mut report);
            (report.checks[0].ok, report.checks[0].detail.clone())
        };
        assert_eq!(told(1500), (true, "agrees with the server's".to_owned()));
        assert_eq!(
            told(-40_000),
            (
                true,
                "this machine's clock is 40 s behind the server's".to_owned()
            )
        );
        assert_eq!(
            told(400_000),
            (
                false,
                "this machine's clock is 400 s ahead of the server's".to_owned()
            )
        );
    }
}
