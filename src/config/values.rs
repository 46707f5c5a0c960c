//! Single values of `kado.toml`. Each reader returns the value or says what was expected
//! (`value_error`).

use std::collections::BTreeSet;
use std::time::Duration;

use jiff::SignedDuration;
use jiff::civil::Date;
use toml::de::{DeTable, DeValue};

use crate::config::Overtaken;
use crate::config::value_error::ValueError;
use crate::discovery::eligibility::{History, RunsFrom};
use crate::katalon::id_rule::IdPattern;
use crate::katalon::id_source::IdSource;
use crate::katalon::redaction::RedactPattern;
use crate::katalon::run::FileKind;
use crate::katalon::settings::SendingRule;
use crate::katalon::text::head;
use crate::katalon::url_secrets::without_users;
use crate::moment::Moment;
use crate::plan::automation::AutomationRule;
use crate::plan::options::Unmapped;
use crate::plan::overrides::{AutomationChoice, Collections, Definition, KatalonSubmits};
use crate::plan::plan_choice::{CURRENT, PlanChoice, PlanDescription};
use crate::plan::recount::Verify;

/// Most patterns of `redact.patterns`: each is looked for in each text.
const MOST_REDACT_PATTERNS: usize = 100;
/// Most bytes of a wrong value that a message shows.
const LONGEST_SHOWN: usize = 80;

/// Longest wait for Katalon.
const LONGEST_KATALON_WAIT: Duration = Duration::from_secs(60 * 60);
/// Bytes of a text.
const LONGEST_TEXT: usize = 64 * 1024;
/// Bytes of the name of a test run with its placeholders; Azure DevOps takes 256 characters of it.
const LONGEST_NAME: usize = 4096;
/// Items of a list.
const MOST_ITEMS: usize = 1_000;
/// Test plans of a project: each gets every run.
const MOST_PLANS: usize = 100;
/// Tags of a run (`ado/api.md` §5).
const MOST_TAGS: usize = 5;

/// What a reader of a value gives.
pub(super) type Read<T> = Result<T, ValueError>;

/// A text.
pub(super) fn text(value: &DeValue<'_>) -> Read<String> {
    text_within(value, LONGEST_TEXT)
}

/// The name of a test run.
pub(super) fn run_name(value: &DeValue<'_>) -> Read<String> {
    text_within(value, LONGEST_NAME)
}

fn text_within(value: &DeValue<'_>, longest: usize) -> Read<String> {
    match value.as_str() {
        Some(text) if text.len() > longest => Err(ValueError::TooLong { most: longest }),
        Some(text) => Ok(text.to_owned()),
        None => Err(ValueError::MustBe("a text in quotes")),
    }
}

/// A text that is not empty.
pub(super) fn word(value: &DeValue<'_>) -> Read<String> {
    let text = text(value)?;
    let word = text.trim();
    if word.is_empty() {
        return Err(ValueError::Blank);
    }
    if word.contains(char::is_control) {
        return Err(ValueError::ControlCharacters);
    }
    Ok(word.to_owned())
}

/// A path, as it is written: a name may begin or end in a blank, and without it another file would
/// be meant.
pub(super) fn path(value: &DeValue<'_>) -> Read<String> {
    word(value)?;
    text(value)
}

/// The path of a token's file. A token in its place would be named by every message that names the
/// file.
pub(super) fn token_file(value: &DeValue<'_>) -> Read<String> {
    let path = path(value)?;
    if looks_like_token(path.trim()) {
        return Err(ValueError::TokenInPlaceOfItsFile);
    }
    Ok(path)
}

/// Whether a text has the form of a personal access token: 52 letters and digits, or 84 of the
/// newer ones.
fn looks_like_token(text: &str) -> bool {
    matches!(text.len(), 52 | 84) && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

/// `true` or `false`.
pub(super) fn boolean(value: &DeValue<'_>) -> Read<bool> {
    value.as_bool().ok_or(ValueError::MustBe("true or false"))
}

/// A positive id of ADO.
pub(super) fn id(value: &DeValue<'_>) -> Read<u32> {
    match integer(value) {
        Some(id) if id > 0 => Ok(id),
        _ => Err(ValueError::MustBe("a positive number")),
    }
}

/// The test plans that a run goes to.
pub(super) fn plan_choices(value: &DeValue<'_>) -> Read<Vec<PlanChoice>> {
    let choices = list(value, plan_choice)?;
    if choices.len() > MOST_PLANS {
        return Err(ValueError::TooMany {
            most: MOST_PLANS,
            things: "test plans",
        });
    }
    Ok(choices)
}

/// A test plan: its id, its name, or what it is for.
fn plan_choice(value: &DeValue<'_>) -> Read<PlanChoice> {
    if let DeValue::Table(table) = value {
        return described_plan(table).map(PlanChoice::Described);
    }
    if value.as_str().is_some() {
        return word(value).map(PlanChoice::Name);
    }
    id(value).map(PlanChoice::Id)
}

fn described_plan(table: &DeTable<'_>) -> Read<PlanDescription> {
    const FORM: ValueError =
        ValueError::MustBe("a description such as { iteration = \"@current\", area = \"Shop\" }");

    let mut iteration = None;
    let mut area = None;
    for (key, value) in table {
        let place = match key.get_ref().as_ref() {
            "iteration" => &mut iteration,
            "area" => &mut area,
            _ => return Err(FORM),
        };
        *place = Some(path_in_ado(value.get_ref())?);
    }

    let iteration = iteration.ok_or(FORM)?;
    if iteration.starts_with('@') && !iteration.eq_ignore_ascii_case(CURRENT) {
        return Err(ValueError::UnknownIteration { known: CURRENT });
    }
    Ok(PlanDescription { iteration, area })
}

/// A path of areas or iterations, `Shop\Sprint 4`.
fn path_in_ado(value: &DeValue<'_>) -> Read<String> {
    word(value).map_err(|expected| ValueError::WrongPathInAdo(Box::new(expected)))
}

/// An integer as TOML writes it: with a radix, and `_` between digits.
fn integer(value: &DeValue<'_>) -> Option<u32> {
    // The reader keeps numbers as texts, because TOML's may be larger than any type.
    let number = value.as_integer()?;
    u32::from_str_radix(&number.as_str().replace('_', ""), number.radix()).ok()
}

/// A definition of a pipeline: its id, or -1 for none as Katalon writes it.
pub(super) fn definition(value: &DeValue<'_>) -> Read<Definition> {
    if let Some(number) = value.as_integer()
        && number.as_str() == "-1"
    {
        return Ok(Definition::None);
    }
    match id(value) {
        Ok(id) => Ok(Definition::Of(id)),
        Err(_) => Err(ValueError::MustBe("a positive number, or -1 for none")),
    }
}

/// A list, every item read by `item`.
pub(super) fn list<T>(value: &DeValue<'_>, item: impl Fn(&DeValue<'_>) -> Read<T>) -> Read<Vec<T>> {
    let Some(items) = value.as_array() else {
        return Err(ValueError::MustBe("a list in brackets"));
    };
    if items.len() > MOST_ITEMS {
        return Err(ValueError::TooMany {
            most: MOST_ITEMS,
            things: "items",
        });
    }

    let mut list = Vec::new();
    for value in items {
        match item(value.get_ref()) {
            Ok(item) => list.push(item),
            Err(expected) => {
                return Err(ValueError::WrongItem {
                    shown: shown(value.get_ref()),
                    expected: Box::new(expected),
                });
            }
        }
    }
    Ok(list)
}

/// A duration such as `2h` or `90 min`, longer than nothing.
pub(super) fn duration(value: &DeValue<'_>) -> Read<Duration> {
    match any_duration(value) {
        // After no time at all every open run would count as aborted.
        Some(duration) if !duration.is_zero() => Ok(duration),
        _ => Err(ValueError::MustBe("a duration such as \"2h\" or \"90m\"")),
    }
}

/// A duration such as `2m`, or `0s` for none.
pub(super) fn pause(value: &DeValue<'_>) -> Read<Duration> {
    any_duration(value).ok_or(ValueError::MustBe("a duration such as \"2m\" or \"0s\""))
}

/// How long Katalon is waited for, such as `2m`, or `0s` for not at all: others of its test plan
/// wait as well.
pub(super) fn katalon_wait(value: &DeValue<'_>) -> Read<Duration> {
    match any_duration(value) {
        Some(wait) if wait <= LONGEST_KATALON_WAIT => Ok(wait),
        _ => Err(ValueError::MustBe(
            "a duration of at most an hour, such as \"2m\" or \"0s\"",
        )),
    }
}

fn any_duration(value: &DeValue<'_>) -> Option<Duration> {
    let duration: SignedDuration = value.as_str()?.trim().parse().ok()?;
    Duration::try_from(duration).ok()
}

/// A size in bytes such as `75 MiB` or `10 GiB`; a number alone is bytes.
pub(super) fn size(value: &DeValue<'_>) -> Read<u64> {
    let text = text(value)?;
    bytes(text.trim()).ok_or(ValueError::MustBe(
        "a size such as \"75 MiB\" or \"10 GiB\"",
    ))
}

fn bytes(text: &str) -> Option<u64> {
    let end_of_number = text
        .find(|letter: char| !letter.is_ascii_digit())
        .unwrap_or(text.len());

    let (number, unit) = text.split_at(end_of_number);
    let factor: u64 = match unit.trim().to_lowercase().as_str() {
        "" | "b" => 1,
        "kb" => 1000,
        "kib" => 1 << 10,
        "mb" => 1_000_000,
        "mib" => 1 << 20,
        "gb" => 1_000_000_000,
        "gib" => 1 << 30,
        _ => return None,
    };
    number.parse::<u64>().ok()?.checked_mul(factor)
}

/// `new`, `all` or an RFC 3339 instant.
pub(super) fn history(value: &DeValue<'_>) -> Read<History> {
    // TOML has instants of its own; people also write one as a text.
    let text = match value {
        DeValue::Datetime(instant) => instant.to_string(),
        other => text(other)?,
    };
    match text.as_str() {
        "new" => Ok(History::New),
        "all" => Ok(History::All),
        instant => Moment::parse(instant).map(History::Since).map_err(|_| {
            ValueError::MustBe("\"new\", \"all\" or an instant such as \"2026-01-31T00:00:00Z\"")
        }),
    }
}

/// A day such as `2027-01-31`, as TOML has it or as a text.
pub(super) fn date(value: &DeValue<'_>) -> Read<Date> {
    let text = match value {
        DeValue::Datetime(day) => day.to_string(),
        other => text(other)?,
    };
    day(&text).ok_or(ValueError::MustBe("a day such as \"2027-01-31\""))
}

/// A day as kado writes it. A time behind it, which jiff would take as well, is none.
pub(crate) fn day(text: &str) -> Option<Date> {
    let text = text.trim();
    let day: Date = text.parse().ok()?;
    (day.to_string() == text).then_some(day)
}

/// `park` or `send`.
pub(super) fn overtaken(value: &DeValue<'_>) -> Read<Overtaken> {
    choice(
        value,
        &[("park", Overtaken::Park), ("send", Overtaken::Send)],
    )
}

/// `this-host` or `any`.
pub(super) fn runs_from(value: &DeValue<'_>) -> Read<RunsFrom> {
    choice(
        value,
        &[("this-host", RunsFrom::ThisHost), ("any", RunsFrom::Any)],
    )
}

/// `detect`, `never` or `always`.
pub(super) fn katalon_submits(value: &DeValue<'_>) -> Read<KatalonSubmits> {
    let words = [
        ("detect", KatalonSubmits::Detect),
        ("never", KatalonSubmits::Never),
        ("always", KatalonSubmits::Always),
    ];
    choice(value, &words)
}

/// A version of ADO's REST interface such as `7.1` or `7.2-preview`, as its number alone: which
/// calls are previews in it is known (`ado/api.md` §1). Below 5.0 the calls that kado needs do not
/// exist.
pub(super) fn api_version(value: &DeValue<'_>) -> Read<String> {
    let version = value.as_str().and_then(version);
    match version {
        Some((major @ 5.., minor)) => Ok(format!("{major}.{minor}")),
        Some(_) => Err(ValueError::MustBe(
            "5.0 (Azure DevOps Server 2019) or later, such as \"7.1\"",
        )),
        None => Err(ValueError::MustBe(
            "a version such as \"7.1\", \"6.0\" or \"7.2-preview\"",
        )),
    }
}

/// The numbers of `7.1`, `7.2-preview` or `7.2-preview.1`.
fn version(text: &str) -> Option<(u32, u32)> {
    let text = text.trim();
    let number = match text.split_once("-preview") {
        Some((number, "")) => number,
        Some((number, preview)) => {
            digits(preview.strip_prefix('.')?)?;
            number
        }
        None => text,
    };

    let (major, minor) = number.split_once('.')?;
    Some((digits(major)?, digits(minor)?))
}

/// A number without a sign, which `parse` would take.
fn digits(text: &str) -> Option<u32> {
    if text.bytes().all(|digit| digit.is_ascii_digit()) {
        text.parse().ok()
    } else {
        None
    }
}

/// `off`, `fill` or `override`.
pub(super) fn automation(value: &DeValue<'_>) -> Read<AutomationChoice> {
    let words = [
        ("off", AutomationChoice::Off),
        ("fill", AutomationChoice::On(AutomationRule::Fill)),
        ("override", AutomationChoice::On(AutomationRule::Override)),
    ];
    choice(value, &words)
}

/// Tags of a run: alphanumeric, shorter than 30 characters (`ado/api.md` §5). Each is taken once.
pub(super) fn tags(value: &DeValue<'_>) -> Read<Vec<String>> {
    let mut tags = list(value, tag)?;

    let mut lower_case = BTreeSet::new();
    tags.retain(|tag| lower_case.insert(tag.to_lowercase()));
    if tags.len() > MOST_TAGS {
        return Err(ValueError::TooMany {
            most: MOST_TAGS,
            things: "tags",
        });
    }
    Ok(tags)
}

fn tag(value: &DeValue<'_>) -> Read<String> {
    match value.as_str() {
        Some(tag) if is_tag(tag) => Ok(tag.to_owned()),
        _ => Err(ValueError::MustBe(
            "a text of at most 29 letters and digits",
        )),
    }
}

fn is_tag(tag: &str) -> bool {
    !tag.is_empty() && tag.chars().count() < 30 && tag.chars().all(char::is_alphanumeric)
}

/// `ignore` or `fail`.
pub(super) fn unmapped(value: &DeValue<'_>) -> Read<Unmapped> {
    choice(
        value,
        &[("ignore", Unmapped::Ignore), ("fail", Unmapped::Fail)],
    )
}

/// Places where ids stand, in the order in which they are looked at.
pub(super) fn id_sources(value: &DeValue<'_>) -> Read<Vec<IdSource>> {
    let words = IdSource::ALL.map(|source| (source.word(), source));
    let sources = list(value, |value| choice(value, &words))?;
    if sources.is_empty() {
        return Err(ValueError::NothingListed {
            meaning: "; name at least one place, such as [\"integration\"]",
        });
    }
    Ok(sources)
}

/// A regular expression whose groups are ids.
pub(super) fn id_pattern(value: &DeValue<'_>) -> Read<IdPattern> {
    let pattern = text(value)?;
    IdPattern::parse(&pattern).map_err(ValueError::IdPattern)
}

/// Regular expressions by which texts are hidden. What is wrong is told by its number, because what
/// stands there may be the word that is to be hidden.
pub(super) fn redact_patterns(value: &DeValue<'_>) -> Read<Vec<RedactPattern>> {
    let Some(items) = value.as_array() else {
        return Err(ValueError::MustBe(
            "a list of regular expressions in brackets",
        ));
    };
    if items.len() > MOST_REDACT_PATTERNS {
        return Err(ValueError::TooManyPatterns {
            most: MOST_REDACT_PATTERNS,
        });
    }

    let mut patterns = Vec::new();
    for (at, item) in items.iter().enumerate() {
        let number = at + 1;
        let Some(text) = item.get_ref().as_str() else {
            return Err(ValueError::HiddenItem { number });
        };
        let pattern = RedactPattern::parse(text)
            .map_err(|error| ValueError::RedactPattern { number, error })?;
        patterns.push(pattern);
    }
    Ok(patterns)
}

/// `each` or `one`.
pub(super) fn collections(value: &DeValue<'_>) -> Read<Collections> {
    choice(
        value,
        &[("each", Collections::Each), ("one", Collections::One)],
    )
}

/// `counts` or `full`.
pub(super) fn verify(value: &DeValue<'_>) -> Read<Verify> {
    choice(value, &[("counts", Verify::Counts), ("full", Verify::Full)])
}

/// `all` or `failed`.
pub(super) fn sending(value: &DeValue<'_>) -> Read<SendingRule> {
    choice(
        value,
        &[("all", SendingRule::All), ("failed", SendingRule::Failed)],
    )
}

/// One of the kinds of files that can be sent.
pub(super) fn file_kind(value: &DeValue<'_>) -> Read<FileKind> {
    let words: Vec<_> = FileKind::SENDABLE
        .into_iter()
        .map(|kind| (kind.word(), kind))
        .collect();
    choice(value, &words)
}

/// One of several words, without regard to case.
pub(super) fn choice<T: Copy>(value: &DeValue<'_>, words: &[(&str, T)]) -> Read<T> {
    let text = text(value)?;
    for (word, meaning) in words {
        if word.eq_ignore_ascii_case(text.trim()) {
            return Ok(*meaning);
        }
    }
    let words = words.iter().map(|(word, _)| (*word).to_owned());
    Err(ValueError::NotAmong(words.collect()))
}

/// A wrong value as a message shows it: a text as it is, cut, without the user part of URLs in it;
/// of what holds others only what it is.
pub(super) fn shown(value: &DeValue<'_>) -> String {
    let text = match value {
        DeValue::String(text) if text.is_empty() => return "an empty text".to_owned(),
        DeValue::String(text) => printable(text),
        DeValue::Integer(number) => number.to_string(),
        DeValue::Float(number) => number.to_string(),
        DeValue::Boolean(truth) => truth.to_string(),
        DeValue::Datetime(instant) => instant.to_string(),
        DeValue::Array(_) => return "a list".to_owned(),
        DeValue::Table(_) => return "a table".to_owned(),
    };

    let text = without_users(&text);
    let start = head(&text, LONGEST_SHOWN);
    let rest = if start.len() < text.len() { "…" } else { "" };
    format!("`{start}{rest}`")
}

/// A text on one line: a control character as it is written in TOML.
fn printable(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for letter in text.chars() {
        if letter.is_control() {
            shown.extend(letter.escape_default());
        } else {
            shown.push(letter);
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How a wrong value is shown, by its TOML.
    fn shown_of(value: &str) -> String {
        let text = format!("key = {value}");
        let table = toml::de::DeTable::parse(&text).unwrap();
        shown(table.get_ref()["key"].get_ref())
    }

    #[test]
    fn a_wrong_value_is_shown_on_one_line() {
        for (value, as_shown) in [
            ("\"sideways\"", "`sideways`"),
            ("\"\"", "an empty text"),
            (r"'C:\agent\_work'", r"`C:\agent\_work`"),
            (r#""a\nb""#, r"`a\nb`"),
            ("0", "`0`"),
            ("-1.5", "`-1.5`"),
            ("true", "`true`"),
            ("[1, 2]", "a list"),
            ("{ a = 1 }", "a table"),
        ] {
            assert_eq!(shown_of(value), as_shown, "{value}");
        }
    }

    #[test]
    fn a_wrong_value_is_shown_without_the_user_of_a_url() {
        assert_eq!(
            shown_of("\"http://robot:hunter2@host/x\""),
            "`http://host/x`"
        );
    }

    #[test]
    fn a_long_wrong_value_is_cut() {
        let shown = shown_of(&format!("\"{}\"", "x".repeat(5000)));

        assert_eq!(shown, format!("`{}…`", "x".repeat(LONGEST_SHOWN)));
    }

    #[test]
    fn a_token_in_the_place_of_its_file_is_no_path() {
        let is_token = |text: &str| looks_like_token(text);

        for length in [52, 84] {
            assert!(is_token(&"aB3".repeat(28)[..length]), "{length}");
        }
        for path in ["token", "/etc/kado/token", &"a".repeat(51)] {
            assert!(!is_token(path), "{path}");
        }
    }
}
