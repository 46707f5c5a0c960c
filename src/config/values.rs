//! Single values of `kado.toml`. Each reader returns the value or says what was expected, in words
//! that go behind the name of the key.

use std::collections::BTreeSet;
use std::time::Duration;

use jiff::SignedDuration;
use toml::de::DeValue;

use crate::config::Late;
use crate::discovery::eligibility::{History, RunsFrom};
use crate::katalon::run::FileKind;
use crate::katalon::settings::SendingRule;
use crate::moment::Moment;
use crate::plan::automation::AutomationRule;
use crate::plan::options::Unmapped;
use crate::plan::overrides::{AutomationChoice, Collections, Definition, KatalonSubmits};

/// What a reader of a value gives.
pub(super) type Read<T> = Result<T, String>;

/// A text.
pub(super) fn text(value: &DeValue<'_>) -> Read<String> {
    value
        .as_str()
        .map(str::to_owned)
        .ok_or_else(|| "must be a text in quotes".to_owned())
}

/// A text that is not empty.
pub(super) fn word(value: &DeValue<'_>) -> Read<String> {
    let text = text(value)?;
    let word = text.trim();
    if word.is_empty() {
        return Err("must not be empty".to_owned());
    }
    // A tab or a bell in a path is most often the `\t` or `\a` of one that stands in double quotes.
    if word.contains(char::is_control) {
        return Err(format!("must not hold control characters; {PATHS}"));
    }
    Ok(word.to_owned())
}

/// A path, as it is written: a name may begin or end in a blank, and without it another file would
/// be meant.
pub(super) fn path(value: &DeValue<'_>) -> Read<String> {
    word(value)?;
    text(value)
}

/// What a backslash in a text most often was meant to be.
const PATHS: &str = "write Windows paths in single quotes, such as 'C:\\agent\\_work'";

/// A message of the TOML reader, with the way out of the most common mistake.
pub(super) fn with_way_out(message: &str) -> String {
    if message.contains("escape") {
        format!("{message}; {PATHS}")
    } else {
        message.to_owned()
    }
}

/// `true` or `false`.
pub(super) fn boolean(value: &DeValue<'_>) -> Read<bool> {
    value
        .as_bool()
        .ok_or_else(|| "must be true or false".to_owned())
}

/// A positive id of ADO.
pub(super) fn id(value: &DeValue<'_>) -> Read<u32> {
    match integer(value) {
        Some(id) if id > 0 => Ok(id),
        _ => Err("must be a positive number".to_owned()),
    }
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
        Err(_) => Err("must be a positive number, or -1 for none".to_owned()),
    }
}

/// A list, every item read by `item`.
pub(super) fn list<T>(value: &DeValue<'_>, item: impl Fn(&DeValue<'_>) -> Read<T>) -> Read<Vec<T>> {
    let Some(items) = value.as_array() else {
        return Err("must be a list in brackets".to_owned());
    };

    let mut list = Vec::new();
    for value in items {
        match item(value.get_ref()) {
            Ok(item) => list.push(item),
            Err(expected) => return Err(format!("holds an item that {expected}")),
        }
    }
    Ok(list)
}

/// A duration such as `2h` or `90 min`, longer than nothing.
pub(super) fn duration(value: &DeValue<'_>) -> Read<Duration> {
    match any_duration(value) {
        // After no time at all every open run would count as aborted.
        Some(duration) if !duration.is_zero() => Ok(duration),
        _ => Err("must be a duration such as \"2h\" or \"90m\"".to_owned()),
    }
}

/// A duration such as `2m`, or `0s` for none.
pub(super) fn pause(value: &DeValue<'_>) -> Read<Duration> {
    any_duration(value).ok_or_else(|| "must be a duration such as \"2m\" or \"0s\"".to_owned())
}

fn any_duration(value: &DeValue<'_>) -> Option<Duration> {
    let duration: SignedDuration = value.as_str()?.trim().parse().ok()?;
    Duration::try_from(duration).ok()
}

/// A size in bytes such as `75 MiB` or `10 GiB`; a number alone is bytes.
pub(super) fn size(value: &DeValue<'_>) -> Read<u64> {
    let text = text(value)?;
    bytes(text.trim()).ok_or_else(|| "must be a size such as \"75 MiB\" or \"10 GiB\"".to_owned())
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
            "must be \"new\", \"all\" or an instant such as \"2026-01-31T00:00:00Z\"".to_owned()
        }),
    }
}

/// `park` or `send`.
pub(super) fn late(value: &DeValue<'_>) -> Read<Late> {
    choice(value, &[("park", Late::Park), ("send", Late::Send)])
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
        Some(_) => {
            Err("must be 5.0 (Azure DevOps Server 2019) or later, such as \"7.1\"".to_owned())
        }
        None => Err("must be a version such as \"7.1\", \"6.0\" or \"7.2-preview\"".to_owned()),
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

/// Tags of a run: at most 5, alphanumeric, shorter than 30 characters (`ado/api.md` §5). Each is
/// taken once.
pub(super) fn tags(value: &DeValue<'_>) -> Read<Vec<String>> {
    let mut tags = list(value, tag)?;

    let mut lower_case = BTreeSet::new();
    tags.retain(|tag| lower_case.insert(tag.to_lowercase()));
    if tags.len() > 5 {
        return Err("must hold at most 5 tags".to_owned());
    }
    Ok(tags)
}

fn tag(value: &DeValue<'_>) -> Read<String> {
    match value.as_str() {
        Some(tag) if is_tag(tag) => Ok(tag.to_owned()),
        _ => Err("must be a text of at most 29 letters and digits".to_owned()),
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

/// `each` or `one`.
pub(super) fn collections(value: &DeValue<'_>) -> Read<Collections> {
    choice(
        value,
        &[("each", Collections::Each), ("one", Collections::One)],
    )
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

    let quoted: Vec<String> = words
        .iter()
        .map(|(word, _)| format!("\"{word}\""))
        .collect();
    Err(format!("must be one of {}", quoted.join(", ")))
}
