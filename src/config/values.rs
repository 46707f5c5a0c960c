//! Single values of `kado.toml`. Each reader returns the value or says what was expected, in words
//! that go behind the name of the key.

use std::time::Duration;

use jiff::SignedDuration;
use toml::de::DeValue;

use crate::config::Late;
use crate::discovery::eligibility::{History, RunsFrom};
use crate::katalon::run::FileKind;
use crate::katalon::settings::SendingRule;
use crate::moment::Moment;
use crate::plan::automation::AutomationRule;
use crate::plan::options::{AutomationChoice, Collections, Definition, KatalonSubmits};
use crate::plan::snapshot::Unmapped;

/// What a reader of a value gives.
pub(crate) type Read<T> = Result<T, String>;

/// A text.
pub(crate) fn text(value: &DeValue<'_>) -> Read<String> {
    value
        .as_str()
        .map(str::to_owned)
        .ok_or_else(|| "must be a text in quotes".to_owned())
}

/// A text that is not empty.
pub(crate) fn word(value: &DeValue<'_>) -> Read<String> {
    let text = text(value)?;
    let word = text.trim();
    if word.is_empty() {
        return Err("must not be empty".to_owned());
    }
    if word.contains(char::is_control) {
        return Err(format!("must not hold control characters; {PATHS}"));
    }
    Ok(word.to_owned())
}

/// What a backslash in a text most often was meant to be.
const PATHS: &str = "write Windows paths in single quotes, such as 'C:\\agent\\_work'";

/// A message of the TOML reader, with the way out of the most common mistake.
pub(crate) fn with_way_out(message: &str) -> String {
    if message.contains("escape") {
        format!("{message}; {PATHS}")
    } else {
        message.to_owned()
    }
}

/// `true` or `false`.
pub(crate) fn boolean(value: &DeValue<'_>) -> Read<bool> {
    value
        .as_bool()
        .ok_or_else(|| "must be true or false".to_owned())
}

/// A positive id of ADO.
pub(crate) fn id(value: &DeValue<'_>) -> Read<u32> {
    let number = value.as_integer().and_then(|number| {
        u32::from_str_radix(&number.as_str().replace('_', ""), number.radix()).ok()
    });
    number
        .filter(|id| *id > 0)
        .ok_or_else(|| "must be a positive number".to_owned())
}

/// A definition of a pipeline: its id, or -1 for none as Katalon writes it.
pub(crate) fn definition(value: &DeValue<'_>) -> Read<Definition> {
    if value
        .as_integer()
        .is_some_and(|number| number.as_str() == "-1")
    {
        return Ok(Definition::None);
    }
    id(value)
        .map(Definition::Of)
        .map_err(|_| "must be a positive number, or -1 for none".to_owned())
}

/// A list, every item read by `item`.
pub(crate) fn list<T>(value: &DeValue<'_>, item: impl Fn(&DeValue<'_>) -> Read<T>) -> Read<Vec<T>> {
    let items = value
        .as_array()
        .ok_or_else(|| "must be a list in brackets".to_owned())?;
    items
        .iter()
        .map(|value| {
            item(value.get_ref()).map_err(|expected| format!("holds an item that {expected}"))
        })
        .collect()
}

/// A duration such as `2h` or `90 min`, longer than nothing.
pub(crate) fn duration(value: &DeValue<'_>) -> Read<Duration> {
    let expected = "must be a duration such as \"2h\" or \"90m\"";
    any_duration(value)
        .filter(|duration| !duration.is_zero())
        .ok_or_else(|| expected.to_owned())
}

/// A duration such as `2m`, or `0s` for none.
pub(crate) fn pause(value: &DeValue<'_>) -> Read<Duration> {
    let expected = "must be a duration such as \"2m\" or \"0s\"";
    any_duration(value).ok_or_else(|| expected.to_owned())
}

fn any_duration(value: &DeValue<'_>) -> Option<Duration> {
    let parsed: SignedDuration = value.as_str()?.trim().parse().ok()?;
    Duration::try_from(parsed).ok()
}

/// A size in bytes such as `75 MiB` or `10 GiB`; a number alone is bytes.
pub(crate) fn size(value: &DeValue<'_>) -> Read<u64> {
    let expected = || "must be a size such as \"75 MiB\" or \"10 GiB\"".to_owned();
    let text = text(value)?;
    let text = text.trim();
    let digits = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let factor: u64 = match unit.trim().to_lowercase().as_str() {
        "" | "b" => 1,
        "kb" => 1000,
        "kib" => 1 << 10,
        "mb" => 1_000_000,
        "mib" => 1 << 20,
        "gb" => 1_000_000_000,
        "gib" => 1 << 30,
        _ => return Err(expected()),
    };
    number
        .parse::<u64>()
        .ok()
        .and_then(|number| number.checked_mul(factor))
        .ok_or_else(expected)
}

/// `new`, `all` or an RFC 3339 instant.
pub(crate) fn history(value: &DeValue<'_>) -> Read<History> {
    let given = match value {
        DeValue::Datetime(instant) => instant.to_string(),
        other => text(other)?,
    };
    match given.as_str() {
        "new" => Ok(History::New),
        "all" => Ok(History::All),
        instant => Moment::parse(instant).map(History::Since).map_err(|_| {
            "must be \"new\", \"all\" or an instant such as \"2026-01-31T00:00:00Z\"".to_owned()
        }),
    }
}

/// `park` or `send`.
pub(crate) fn late(value: &DeValue<'_>) -> Read<Late> {
    choice(value, &[("park", Late::Park), ("send", Late::Send)])
}

/// `this-host` or `any`.
pub(crate) fn runs_from(value: &DeValue<'_>) -> Read<RunsFrom> {
    choice(
        value,
        &[("this-host", RunsFrom::ThisHost), ("any", RunsFrom::Any)],
    )
}

/// `detect`, `never` or `always`.
pub(crate) fn katalon_submits(value: &DeValue<'_>) -> Read<KatalonSubmits> {
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
pub(crate) fn api_version(value: &DeValue<'_>) -> Read<String> {
    let expected = || "must be a version such as \"7.1\", \"6.0\" or \"7.2-preview\"".to_owned();
    let text = value.as_str().ok_or_else(expected)?.trim();
    let (number, preview) = text.split_once("-preview").unwrap_or((text, ""));
    let digits = |text: &str| {
        text.parse::<u32>()
            .ok()
            .filter(|_| text.bytes().all(|digit| digit.is_ascii_digit()))
    };
    let is_preview = preview.is_empty() || preview.strip_prefix('.').and_then(digits).is_some();
    let (major, minor) = number
        .split_once('.')
        .filter(|_| is_preview)
        .ok_or_else(expected)?;
    match (digits(major), digits(minor)) {
        (Some(major @ 5..), Some(minor)) => Ok(format!("{major}.{minor}")),
        (Some(_), Some(_)) => {
            Err("must be 5.0 (Azure DevOps Server 2019) or later, such as \"7.1\"".to_owned())
        }
        _ => Err(expected()),
    }
}

/// `off`, `fill` or `override`.
pub(crate) fn automation(value: &DeValue<'_>) -> Read<AutomationChoice> {
    let on = AutomationChoice::On;
    let words = [
        ("off", AutomationChoice::Off),
        ("fill", on(AutomationRule::Fill)),
        ("override", on(AutomationRule::Override)),
    ];
    choice(value, &words)
}

/// Tags of a run: at most 5, alphanumeric, shorter than 30 characters (`ado/api.md` §5). Each is
/// taken once.
pub(crate) fn tags(value: &DeValue<'_>) -> Read<Vec<String>> {
    let fine = |tag: &String| {
        !tag.is_empty() && tag.chars().count() < 30 && tag.chars().all(char::is_alphanumeric)
    };
    let tag = |value: &DeValue<'_>| {
        let expected = || "must be a text of at most 29 letters and digits".to_owned();
        text(value).ok().filter(fine).ok_or_else(expected)
    };
    let mut tags = list(value, tag)?;
    let mut seen = std::collections::BTreeSet::new();
    tags.retain(|tag| seen.insert(tag.to_lowercase()));
    if tags.len() > 5 {
        Err("must hold at most 5 tags".to_owned())
    } else {
        Ok(tags)
    }
}

/// `ignore` or `fail`.
pub(crate) fn unmapped(value: &DeValue<'_>) -> Read<Unmapped> {
    choice(
        value,
        &[("ignore", Unmapped::Ignore), ("fail", Unmapped::Fail)],
    )
}

/// `each` or `one`.
pub(crate) fn collections(value: &DeValue<'_>) -> Read<Collections> {
    choice(
        value,
        &[("each", Collections::Each), ("one", Collections::One)],
    )
}

/// `all` or `failed`.
pub(crate) fn sending(value: &DeValue<'_>) -> Read<SendingRule> {
    choice(
        value,
        &[("all", SendingRule::All), ("failed", SendingRule::Failed)],
    )
}

/// One of the kinds of files that can be sent.
pub(crate) fn file_kind(value: &DeValue<'_>) -> Read<FileKind> {
    let words: Vec<_> = FileKind::SENDABLE
        .into_iter()
        .map(|kind| (kind.word(), kind))
        .collect();
    choice(value, &words)
}

/// One of several words, without regard to case.
pub(crate) fn choice<T: Copy>(value: &DeValue<'_>, words: &[(&str, T)]) -> Read<T> {
    let given = text(value)?;
    words
        .iter()
        .find(|(word, _)| word.eq_ignore_ascii_case(given.trim()))
        .map(|(_, value)| *value)
        .ok_or_else(|| {
            let known: Vec<_> = words
                .iter()
                .map(|(word, _)| format!("\"{word}\""))
                .collect();
            format!("must be one of {}", known.join(", "))
        })
}
