//! When tokens end (`azure.expires`). Azure DevOps tells no program when a personal access token
//! ends, so a person who makes one may say it, and kado says it again in time. Pure: `today` is
//! passed in.

use std::fmt;

use jiff::civil::Date;

use crate::config::{Config, Tables};

/// How many days before its end a token is spoken of.
const AHEAD: i32 = 14;

/// The end of a token that a table of `kado.toml` names.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct TokenEnd {
    /// The table, such as `azure.expires`.
    pub key: String,
    /// Its last day.
    pub day: Date,
    pub phase: EndPhase,
    /// Whether it is the secret of an identity and no token.
    of_identity: bool,
}

/// How near the end is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum EndPhase {
    Far,
    /// In this many days; 0 is today.
    Near(i32),
    Over,
}

/// The ends of all tokens, in the order of the file.
pub(crate) fn token_ends(config: &Config, today: Date) -> Vec<TokenEnd> {
    let mut ends = Vec::new();
    ends.extend(end_of("azure.expires".to_owned(), &config.machine, today));
    for project in &config.projects {
        let key = format!("azure.expires of [[project]] {}", project.path.display());
        ends.extend(end_of(key, &project.tables, today));
    }
    ends
}

fn end_of(key: String, tables: &Tables, today: Date) -> Option<TokenEnd> {
    let day = tables.access.expires?;
    let left = (day - today).get_days();
    let phase = match left {
        ..0 => EndPhase::Over,
        0..=AHEAD => EndPhase::Near(left),
        _ => EndPhase::Far,
    };

    Some(TokenEnd {
        key,
        day,
        phase,
        of_identity: tables.access.identity.is_some(),
    })
}

impl TokenEnd {
    /// What mends it.
    pub(crate) fn remedy(&self) -> String {
        let make = if self.of_identity {
            "make a new secret for the application in Entra, put it into its file"
        } else {
            "make a new token under User settings > Personal access tokens, hand it over with `kado \
             setup`"
        };
        format!("{make}, and correct `expires` in kado.toml")
    }
}

/// As a sentence without its end.
impl fmt::Display for TokenEnd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = if self.of_identity {
            "the secret of the identity"
        } else {
            "the token"
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
        let ends = token_ends(&config, date(2027, 1, 17));
        ends[0].to_string()
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
