//! What the headers of an answer say. What cannot be read is as if it was not there.

use std::time::Duration;

use jiff::civil::DateTime;
use jiff::fmt::strtime::BrokenDownTime;
use jiff::tz::TimeZone;
use reqwest::header::HeaderMap;
use url::Url;

use crate::ado::pace::Budget;
use crate::clock;
use crate::moment::Moment;

/// Longest pause that is believed: a server that asks for more is asked again then.
const LONGEST_PAUSE: Duration = Duration::from_secs(60 * 60);

/// How dates were written of old, which has to be read to this day (RFC 9110 §5.6.7); all are GMT.
const OLD_DATES: [&str; 2] = ["%A, %d-%b-%y %H:%M:%S GMT", "%a %b %e %H:%M:%S %Y"];

/// The text of a header.
pub(super) fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

/// Longest name of an account that is kept, in characters.
const LONGEST_ACCOUNT: usize = 200;

/// Whose token a request came with: Azure DevOps writes the id and the name of the account, with a
/// colon between, beside each answer to somebody that it knows.
pub(super) fn account(headers: &HeaderMap) -> Option<String> {
    let (_, name) = header(headers, "x-vss-userdata")?.split_once(':')?;
    let name = name.trim();
    (!name.is_empty()).then(|| name.chars().take(LONGEST_ACCOUNT).collect())
}

/// What the server says of its limits (`ado/api.md` §14).
pub(super) fn budget(headers: &HeaderMap) -> Budget {
    // A number beyond all dates becomes the last one, and `Budget::pause` has an upper bound.
    let reset = number(headers, "x-ratelimit-reset")
        .map(|seconds| Moment::from_millis((seconds * 1000.0) as i64));
    Budget {
        retry_after: retry_after(headers),
        limit: number(headers, "x-ratelimit-limit"),
        remaining: number(headers, "x-ratelimit-remaining"),
        reset: reset.map(|reset| reset.since(clock::now())),
    }
}

fn number(headers: &HeaderMap, name: &str) -> Option<f64> {
    header(headers, name)?.trim().parse().ok()
}

/// The pause that an answer asks for, in seconds or until a date (RFC 9110 §10.2.3), at most
/// [`LONGEST_PAUSE`]; what is neither is none.
pub(super) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let pause = match header(headers, "retry-after")?.trim().parse::<f64>() {
        Ok(seconds) if seconds >= 0.0 => {
            Duration::try_from_secs_f64(seconds).unwrap_or(LONGEST_PAUSE)
        }
        Ok(_) => return None,
        Err(_) => {
            // The date is one of the server's clock, which may not be this machine's.
            let Some(end) = date(headers, "retry-after") else {
                return is_beyond_time(headers, "retry-after").then_some(LONGEST_PAUSE);
            };
            let now = date(headers, "date").unwrap_or_else(|| clock::now().millis());
            Duration::from_millis(u64::try_from(end - now).ok()?)
        }
    };
    Some(pause.min(LONGEST_PAUSE))
}

/// A date of a header, in milliseconds since 1970.
pub(super) fn date(headers: &HeaderMap, name: &str) -> Option<i64> {
    let text = header(headers, name)?.trim();
    let parser = jiff::fmt::rfc2822::DateTimeParser::new().relaxed_weekday(true);
    if let Ok(date) = parser.parse_timestamp(text) {
        return Some(date.as_millisecond());
    }

    for form in OLD_DATES {
        if let Ok(date) = DateTime::strptime(form, text)
            && let Ok(date) = date.to_zoned(TimeZone::UTC)
        {
            return Some(date.timestamp().as_millisecond());
        }
    }
    None
}

/// Whether a header holds a date behind the last moment that can be told, which is in the last
/// hours of the year 9999: a server's "never".
fn is_beyond_time(headers: &HeaderMap, name: &str) -> bool {
    let Some(text) = header(headers, name) else {
        return false;
    };
    match BrokenDownTime::parse(
        "%a, %d %b %Y %H:%M:%S",
        text.trim().trim_end_matches(" GMT"),
    ) {
        Ok(date) => date.year() == Some(9999),
        Err(_) => false,
    }
}

/// Where a server sends a plain http request on to when it wants the same by https, as web servers
/// in front of Azure DevOps Server do; `None` for any other redirect, such as that to a sign-in
/// page. kado follows none.
pub(super) fn https_target(asked: &Url, headers: &HeaderMap) -> Option<Url> {
    let target = asked.join(header(headers, "location")?).ok()?;

    // The port is another one by nature, and paths of Azure DevOps have no case (`ado/api.md` §1).
    // The host has to be the same, or this would be the way to a sign-in page.
    let is_same_by_https = asked.scheme() == "http"
        && target.scheme() == "https"
        && asked.host() == target.host()
        && asked.path().eq_ignore_ascii_case(target.path());
    is_same_by_https.then_some(target)
}

#[cfg(test)]
mod tests {
    use reqwest::header::{HeaderName, HeaderValue};

    use super::*;

    fn headers<const N: usize>(pairs: [(&'static str, &str); N]) -> HeaderMap {
        let pairs = pairs.map(|(name, value)| {
            (
                HeaderName::from_static(name),
                HeaderValue::from_str(value).unwrap(),
            )
        });
        HeaderMap::from_iter(pairs)
    }

    #[test]
    fn only_the_same_address_by_https_is_a_server_that_wants_https() {
        let asked = Url::parse("http://tfs.corp:8080/tfs/Main/_apis/connectionData?x=1").unwrap();
        let target_of = |location: &str| {
            https_target(&asked, &headers([("location", location)])).map(|url| url.to_string())
        };

        let same = "https://tfs.corp/tfs/Main/_apis/connectionData?x=1";
        assert_eq!(target_of(same).as_deref(), Some(same));

        for other in [
            "https://evil.example/tfs/Main/_apis/connectionData",
            "https://tfs.corp/_signin?reply=x",
            "http://tfs.corp/tfs/Main/_apis/connectionData",
            "/_signin",
        ] {
            assert_eq!(target_of(other), None, "{other}");
        }
    }

    #[test]
    fn a_pause_is_read_as_seconds_and_as_a_date_and_has_an_end() {
        let pause = |text: &str| {
            let date = ("date", "Thu, 26 Nov 2026 10:00:00 GMT");
            retry_after(&headers([date, ("retry-after", text)])).map(|pause| pause.as_secs_f64())
        };

        assert_eq!(pause("2"), Some(2.0));
        assert_eq!(pause(" 0.5 "), Some(0.5));
        assert_eq!(pause("Thu, 26 Nov 2026 10:01:30 GMT"), Some(90.0));
        assert_eq!(pause("Thursday, 26-Nov-26 10:01:30 GMT"), Some(90.0));
        assert_eq!(pause("Thu Nov 26 10:01:30 2026"), Some(90.0));
        assert_eq!(pause("Thu, 26 Nov 2026 09:59:00 GMT"), None, "it is over");
        for far in [
            "999999999",
            "1e300",
            "Sat, 26 Nov 2033 10:00:00 GMT",
            "Fri, 31 Dec 9999 23:59:59 GMT",
        ] {
            assert_eq!(pause(far), Some(3600.0), "{far}");
        }
        for nonsense in ["-5", "soon", "", "NaN"] {
            assert_eq!(pause(nonsense), None, "{nonsense}");
        }
    }
}
