//! When tokens end. Azure DevOps tells no program when a personal access token ends, nor Entra when
//! a secret does, so a person who makes one may say it (`azure.expires`), and kado says it again in
//! time; a certificate says it itself (`connect::ends` reads it). Pure: `today` is passed in.

use std::fmt;

use jiff::civil::Date;

use crate::config::identity::{IdentityKind, ProofFile};
use crate::config::{Access, Config, Tables};
use crate::server::{Server, without_secrets};

/// How many days before its end a token is spoken of.
const AHEAD: i32 = 14;
/// How many days before its end it is spoken of once more.
const VERY_NEAR: i32 = 3;

/// The end of a token that a table of `kado.toml` names.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct TokenEnd {
    /// Where it stands, such as `azure.expires`.
    pub key: String,
    /// The server of the same table, as it is shown; `None` where the table names none.
    pub server: Option<String>,
    /// Its last day.
    pub day: Date,
    pub phase: EndPhase,
    what: Ending,
}

/// What ends.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Ending {
    Token,
    /// The secret of an identity.
    Secret,
    /// The certificate of an identity.
    Certificate,
}

/// How near the end is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum EndPhase {
    Far,
    /// In this many days; 0 is today.
    Near(i32),
    Over,
}

/// How urgent an end is: whoever tells it once tells it again when this changes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum EndStage {
    /// In 14 days or fewer.
    Near,
    /// In 3 days or fewer.
    VeryNear,
    /// Today is its last day.
    Today,
    Over,
}

/// The table of a token, with what its end is called there.
pub(crate) struct TokenTable<'a> {
    /// Behind the name of a key of its `azure`; empty for the machine's.
    of: String,
    tables: &'a Tables,
}

/// The tables that may name a token, in the order of the file.
pub(crate) fn token_tables(config: &Config) -> Vec<TokenTable<'_>> {
    let mut all = vec![TokenTable {
        of: String::new(),
        tables: &config.machine,
    }];
    for project in &config.projects {
        all.push(TokenTable {
            of: format!(" of [[project]] {}", project.path.display()),
            tables: &project.tables,
        });
    }
    all
}

impl TokenTable<'_> {
    /// How the server of the table is reached.
    pub(crate) const fn access(&self) -> &Access {
        &self.tables.access
    }

    /// The end that a person wrote down.
    pub(crate) fn written_end(&self, today: Date) -> Option<TokenEnd> {
        let access = self.access();
        let what = match access.identity.as_ref().map(|identity| &identity.kind) {
            None | Some(IdentityKind::ManagedIdentity(_) | IdentityKind::Federated(_)) => {
                Ending::Token
            }
            Some(IdentityKind::ServicePrincipal { proof, .. }) => match proof {
                ProofFile::Secret(_) => Ending::Secret,
                ProofFile::Certificate(_) => Ending::Certificate,
            },
        };
        Some(self.end("azure.expires", what, access.expires?, today))
    }

    /// The end that its certificate says.
    pub(crate) fn end_of_certificate(&self, day: Date, today: Date) -> TokenEnd {
        self.end(
            "azure.identity.certificate_file",
            Ending::Certificate,
            day,
            today,
        )
    }

    fn end(&self, key: &str, what: Ending, day: Date, today: Date) -> TokenEnd {
        let left = (day - today).get_days();
        let phase = match left {
            ..0 => EndPhase::Over,
            0..=AHEAD => EndPhase::Near(left),
            _ => EndPhase::Far,
        };

        let url = self.tables.overrides.server_url.as_deref();
        TokenEnd {
            key: format!("{key}{}", self.of),
            server: url.map(|url| match Server::parse(url) {
                Ok(server) => server.base().to_owned(),
                Err(_) => without_secrets(url).into_owned(),
            }),
            day,
            phase,
            what,
        }
    }
}

impl TokenEnd {
    /// How urgent it is; `None` while it is far.
    pub(crate) const fn stage(&self) -> Option<EndStage> {
        match self.phase {
            EndPhase::Far => None,
            EndPhase::Near(0) => Some(EndStage::Today),
            EndPhase::Near(..=VERY_NEAR) => Some(EndStage::VeryNear),
            EndPhase::Near(_) => Some(EndStage::Near),
            EndPhase::Over => Some(EndStage::Over),
        }
    }

    /// What mends it.
    pub(crate) fn remedy(&self) -> String {
        let make = match self.what {
            Ending::Token => {
                "make a new token under User settings > Personal access tokens, hand it over with \
                 `kado setup`, and correct `expires` in kado.toml"
            }
            Ending::Secret => {
                "make a new secret for the application in Entra, put it into its file, and correct \
                 `expires` in kado.toml"
            }
            Ending::Certificate => {
                "make a new certificate, upload it to the application in Entra, and put it into \
                 `certificate_file` with its key"
            }
        };
        make.to_owned()
    }
}

/// As a sentence without its end.
impl fmt::Display for TokenEnd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match self.what {
            Ending::Token => "the token",
            Ending::Secret => "the secret of the identity",
            Ending::Certificate => "the certificate of the identity",
        };

        match self.phase {
            EndPhase::Over => write!(f, "{what} ended on {}", self.day)?,
            EndPhase::Near(0) => write!(f, "{what} ends today, {}", self.day)?,
            EndPhase::Near(1) => write!(f, "{what} ends tomorrow, {}", self.day)?,
            EndPhase::Near(days) => write!(f, "{what} ends in {days} days, on {}", self.day)?,
            EndPhase::Far => write!(f, "{what} is good until {}", self.day)?,
        }
        write!(f, " (`{}`)", self.key)
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;
    use crate::config::of_text;

    /// What is said today of a token whose end stands in the file like this.
    fn told(end: &str) -> String {
        let config = of_text(&format!("watch = [\"/w\"]\n[azure]\nexpires = {end}\n")).unwrap();
        let end = token_tables(&config)[0].written_end(date(2027, 1, 17));
        end.unwrap().to_string()
    }

    #[test]
    fn an_end_is_told_from_two_weeks_ahead_on() {
        let all = [
            told("2027-02-01"),
            told("2027-01-31"),
            told("\"2027-01-18\""),
            told("\"2027-01-17\""),
            told("\"2027-01-16\""),
        ];

        insta::assert_snapshot!(
            all.join("\n"),
            @r"
        the token is good until 2027-02-01 (`azure.expires`)
        the token ends in 14 days, on 2027-01-31 (`azure.expires`)
        the token ends tomorrow, 2027-01-18 (`azure.expires`)
        the token ends today, 2027-01-17 (`azure.expires`)
        the token ended on 2027-01-16 (`azure.expires`)
        "
        );
    }

    #[test]
    fn an_end_becomes_more_urgent_three_days_ahead_and_on_its_last_day() {
        let config = of_text("watch = [\"/w\"]\n[azure]\nexpires = 2027-01-31\n").unwrap();
        let tables = token_tables(&config);
        let stage = |day| tables[0].written_end(date(2027, 1, day)).unwrap().stage();

        assert_eq!(stage(16), None);
        assert_eq!(stage(17), Some(EndStage::Near));
        assert_eq!(stage(27), Some(EndStage::Near));
        assert_eq!(stage(28), Some(EndStage::VeryNear));
        assert_eq!(stage(30), Some(EndStage::VeryNear));
        assert_eq!(stage(31), Some(EndStage::Today));
        let over = tables[0].written_end(date(2027, 2, 1)).unwrap();
        assert_eq!(over.stage(), Some(EndStage::Over));
    }

    #[test]
    fn what_is_no_day_is_refused() {
        for wrong in [
            "\"soon\"",
            "\"2027-02-30\"",
            "2027-01-31T00:00:00Z",
            "20270131",
        ] {
            let problems = of_text(&format!("watch = [\"/w\"]\n[azure]\nexpires = {wrong}\n"));
            assert!(problems.is_err(), "{wrong}");
        }
    }
}
