//! What is said of a credential that is refused and was accepted before: since when it worked, and
//! which tokens ended by themselves meanwhile. The one place that words it.

use std::fmt;

use crate::moment::Moment;
use crate::worked_tokens::WorkedSpan;

/// When personal access tokens for all organizations ended at Azure DevOps Services: 1 December
/// 2026, as soon as that day began anywhere.
const GLOBAL_TOKENS_ENDED: Moment = Moment::from_millis(1_796_032_800_000);
/// A token that was accepted after the month in which they ended was none of them.
const NONE_WORKED_AFTER: Moment = Moment::from_millis(1_798_761_600_000);

/// That a credential was accepted before it was refused.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Accepted {
    kind: AcceptedKind,
    span: WorkedSpan,
    may_be_global: bool,
}

/// What the credential is, as far as it matters for what is said.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum AcceptedKind {
    /// A personal access token for Azure DevOps Services.
    ServicesToken,
    /// Another token.
    Token,
    /// An identity of Entra.
    Identity,
}

impl Accepted {
    /// A credential of this kind was accepted then, and is refused `now`.
    pub(super) fn new(kind: AcceptedKind, span: WorkedSpan, now: Moment) -> Self {
        let is_over = now >= GLOBAL_TOKENS_ENDED && span.last < NONE_WORKED_AFTER;
        Self {
            kind,
            span,
            may_be_global: kind == AcceptedKind::ServicesToken && is_over,
        }
    }
}

/// In words that go behind a semicolon. A reason is shortened in its middle, so all of it fits into
/// the half of one that stays.
impl fmt::Display for Accepted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match self.kind {
            AcceptedKind::ServicesToken | AcceptedKind::Token => "token",
            AcceptedKind::Identity => "identity",
        };
        let WorkedSpan { first, last } = self.span;

        if first == last {
            write!(f, "this {what} worked at {last}")?;
        } else {
            write!(f, "this {what} worked from {first} until {last}")?;
        }
        if self.may_be_global {
            f.write_str("; tokens for all organizations ended on 1 December 2026")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is said of one that worked for these days and is refused on that day.
    fn said(kind: AcceptedKind, days: [&str; 2], refused: &str) -> String {
        let [first, last, now] = [days[0], days[1], refused]
            .map(|day| Moment::parse(&format!("{day}T09:30:00Z")).unwrap());
        Accepted::new(kind, WorkedSpan { first, last }, now).to_string()
    }

    #[test]
    fn a_token_that_worked_says_since_when_and_what_may_have_ended_it() {
        use AcceptedKind::{Identity, ServicesToken, Token};
        let all = [
            said(ServicesToken, ["2026-09-01", "2026-11-30"], "2026-12-01"),
            said(ServicesToken, ["2026-09-01", "2026-09-01"], "2026-11-30"),
            said(ServicesToken, ["2026-09-01", "2027-02-01"], "2027-02-02"),
            said(Token, ["2026-09-01", "2026-11-30"], "2026-12-01"),
            said(Identity, ["2026-09-01", "2026-11-30"], "2026-12-01"),
        ];

        insta::assert_snapshot!(
            all.join("\n").replace("; ", ";\n  "),
            @r"
        this token worked from 2026-09-01T09:30:00.000Z until 2026-11-30T09:30:00.000Z;
          tokens for all organizations ended on 1 December 2026
        this token worked at 2026-09-01T09:30:00.000Z
        this token worked from 2026-09-01T09:30:00.000Z until 2027-02-01T09:30:00.000Z
        this token worked from 2026-09-01T09:30:00.000Z until 2026-11-30T09:30:00.000Z
        this identity worked from 2026-09-01T09:30:00.000Z until 2026-11-30T09:30:00.000Z
        "
        );
    }

    #[test]
    fn all_of_it_is_left_of_a_reason_that_is_shortened() {
        let days = ["2026-09-01", "2026-11-30"];
        let said = said(AcceptedKind::ServicesToken, days, "2026-12-01");
        let reason = crate::plan::text::reason(&format!("{}; {said}", "x".repeat(1000)));

        assert!(reason.ends_with(&format!("; {said}")), "{reason}");
    }
}
