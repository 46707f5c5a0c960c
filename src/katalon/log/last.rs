//! When the last record of a log was written, from the log's end alone.

use memchr::memmem;

use crate::moment::Moment;

/// What a record's time stands in; in texts `<` is always escaped.
const OPEN: &[u8] = b"<millis>";
const CLOSE: &[u8] = b"</millis>";

/// Time of the last record whose time stands whole in these bytes of a log.
pub(crate) fn last_moment(end: &[u8]) -> Option<Moment> {
    let close = memmem::rfind(end, CLOSE)?;
    let open = memmem::rfind(&end[..close], OPEN)? + OPEN.len();
    let millis = std::str::from_utf8(&end[open..close]).ok()?;
    Some(Moment::from_millis(millis.trim().parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_whole_time_counts() {
        let log = b"lis>1</millis>\n<record>\n  <millis>1796082452523</millis>\n <millis>17960";

        assert_eq!(
            last_moment(log),
            Some(Moment::from_millis(1_796_082_452_523))
        );
    }

    #[test]
    fn bytes_without_a_time_have_none() {
        for log in ["", "<millis>1", "1</millis>", "<millis>soon</millis>"] {
            assert_eq!(last_moment(log.as_bytes()), None, "{log}");
        }
    }
}
