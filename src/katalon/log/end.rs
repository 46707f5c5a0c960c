//! A cheap look for the end of a suite in a log that is still growing.

use memchr::memmem;

/// What stands in the record that ends a suite, and hardly anywhere else, because in texts `<` is
/// always escaped. Not the tags around it: where one is damaged the reader takes the record all the
/// same.
const NEEDLE: &[u8] = b"endSuite<";
const CLOSE: &[u8] = b"</record>";

/// Watches the bytes that are appended to a log and says whether the suite's END record may have
/// appeared, so that a growing log need not be read from its start at every change. It keeps less
/// than 32 bytes between two chunks.
#[derive(Clone, Debug, Default)]
pub(crate) struct EndScanner {
    /// The last bytes that were looked at; a needle may begin in them.
    carry: Vec<u8>,
    /// The needle was there, and its record is not closed yet.
    in_record: bool,
    has_end: bool,
}

impl EndScanner {
    /// A scanner at the start of a log.
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// Takes the bytes behind those of the last call, cut anywhere.
    pub(crate) fn feed(&mut self, chunk: &[u8]) {
        // An end stays one: the records that Katalon appends to a finished log hours later mean
        // nothing.
        if self.has_end {
            return;
        }

        // First the seam between the chunks, then the chunk itself.
        let overlap = &chunk[..chunk.len().min(NEEDLE.len() - 1)];
        self.carry.extend_from_slice(overlap);
        let seam = std::mem::take(&mut self.carry);
        self.look_at(&seam);
        self.look_at(chunk);

        // A chunk shorter than the needle lies wholly in the seam, which is then what counts.
        let last = if chunk.len() > overlap.len() {
            chunk
        } else {
            &seam
        };
        self.carry = last[last.len().saturating_sub(NEEDLE.len() - 1)..].to_vec();
    }

    /// Whether a whole END record of a suite went by. It may be the end of something else in a
    /// damaged log, so the log has to be read to be sure.
    pub(crate) const fn may_have_ended(&self) -> bool {
        self.has_end
    }

    fn look_at(&mut self, bytes: &[u8]) {
        // The name of the method is not enough. Its record may still be written, and whoever read
        // the log now would drop it as cut.
        let mut rest = bytes;
        if !self.in_record {
            let Some(at) = memmem::find(rest, NEEDLE) else {
                return;
            };
            self.in_record = true;
            rest = &rest[at + NEEDLE.len()..];
        }

        self.has_end |= memmem::find(rest, CLOSE).is_some();
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const LOG: &str = "<record><method>endTest</method></record><record><level>END</level>\
                       <method>endSuite</method><message>&lt;method&gt;</message></record>\n</log>";

    #[test]
    fn a_record_that_is_still_being_written_is_no_end() {
        let mut scanner = EndScanner::new();
        scanner.feed(&LOG.as_bytes()[..LOG.len() - 20]);
        assert!(!scanner.may_have_ended());
    }

    proptest! {
        #[test]
        fn the_end_is_seen_however_the_log_is_cut(cuts in prop::collection::vec(0..LOG.len(), 0..12)) {
            let mut scanner = EndScanner::new();
            let mut cuts = cuts;
            cuts.sort_unstable();
            let mut from = 0;
            for cut in cuts.into_iter().chain([LOG.len()]) {
                scanner.feed(&LOG.as_bytes()[from..cut]);
                from = cut;
            }
            prop_assert!(scanner.may_have_ended());
        }

        #[test]
        fn a_log_without_the_end_is_never_said_to_have_ended(chunks in prop::collection::vec("[<>/a-z]{0,40}", 0..10)) {
            let mut scanner = EndScanner::new();
            let whole = chunks.concat();
            chunks.iter().for_each(|chunk| scanner.feed(chunk.as_bytes()));
            prop_assert!(!scanner.may_have_ended() || whole.contains("endSuite"));
        }
    }
}
