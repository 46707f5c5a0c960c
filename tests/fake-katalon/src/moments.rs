//! Times as Katalon prints them. All arithmetic is in milliseconds since 1970.

use jiff::Timestamp;
use jiff::tz::TimeZone;

/// `yyyyMMdd_HHmmss` in local time, the stamp of report folders.
pub(crate) fn stamp(millis: i64, zone: &TimeZone) -> String {
    local(millis, zone, "%Y%m%d_%H%M%S")
}

/// `yyyy-MM-ddTHH:mm:ss` in local time, the `date` of records before 9.0.
pub(crate) fn local_date(millis: i64, zone: &TimeZone) -> String {
    local(millis, zone, "%Y-%m-%dT%H:%M:%S")
}

/// `java.time.Instant.toString`: 0, 3, 6 or 9 digits of the second. `sub_milli` is in nanoseconds.
pub(crate) fn instant(millis: i64, sub_milli: u32) -> String {
    let seconds = local(millis, &TimeZone::UTC, "%Y-%m-%dT%H:%M:%S");
    let nanos = millis.rem_euclid(1000) as u32 * 1_000_000 + sub_milli;

    if nanos == 0 {
        format!("{seconds}Z")
    } else if nanos.is_multiple_of(1_000_000) {
        format!("{seconds}.{:03}Z", nanos / 1_000_000)
    } else if nanos.is_multiple_of(1000) {
        format!("{seconds}.{:06}Z", nanos / 1000)
    } else {
        format!("{seconds}.{nanos:09}Z")
    }
}

/// Any local format.
pub(crate) fn local(millis: i64, zone: &TimeZone, format: &str) -> String {
    let timestamp = Timestamp::from_millisecond(millis).unwrap_or(Timestamp::UNIX_EPOCH);
    timestamp
        .to_zoned(zone.clone())
        .strftime(format)
        .to_string()
}

/// A duration in the CSV report: `1.250s`, `2m - 3.390s`, `1h - 0m - 0.000s`.
pub(crate) fn csv_duration(millis: i64) -> String {
    let seconds = format!("{}.{:03}s", millis / 1000 % 60, millis % 1000);
    match (millis / 3_600_000, millis / 60_000 % 60) {
        (0, 0) => seconds,
        (0, minutes) => format!("{minutes}m - {seconds}"),
        (hours, minutes) => format!("{hours}h - {minutes}m - {seconds}"),
    }
}

/// Seconds as `Double.toString` has them: `0.25`, `41.0`.
pub(crate) fn seconds(millis: i64) -> String {
    format!("{:?}", millis as f64 / 1000.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instant_has_as_many_digits_as_it_needs() {
        assert_eq!(instant(1_700_000_000_000, 0), "2023-11-14T22:13:20Z");
        assert_eq!(instant(1_700_000_000_250, 0), "2023-11-14T22:13:20.250Z");
        assert_eq!(
            instant(1_700_000_000_250, 7000),
            "2023-11-14T22:13:20.250007Z"
        );
        assert_eq!(
            instant(1_700_000_000_250, 7100),
            "2023-11-14T22:13:20.250007100Z"
        );
    }

    #[test]
    fn durations_are_printed_as_java_prints_them() {
        assert_eq!(csv_duration(123_390), "2m - 3.390s");
        assert_eq!(seconds(250), "0.25");
        assert_eq!(seconds(41_000), "41.0");
    }
}
