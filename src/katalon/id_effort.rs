//! How much may be spent on looking for ids in the texts of test cases: whoever writes a project
//! chooses the texts, their number and the pattern.
//!
//! It is counted and not timed, so that the same project gives the same ids on each machine. One
//! search costs the compiled size of the pattern times the bytes that are ahead of it; what a
//! search really takes is at most 0.15 ns for each (measured, with the worst pattern and text that
//! were found), and a thousandth of that with patterns as people write them.

/// What may be spent on one text: 5 s at worst. 1,000 ids in 60 KiB cost as much with a pattern of
/// 1 KiB, and so do 500 KiB of text with one that has a `\w`.
const OF_TEXT: u64 = 1 << 35;
/// What may be spent on the test cases of a run, or of a project that is read as a whole: 64 MiB of
/// text with a pattern of 4 KiB, or 40 s at worst.
const OF_READING: u64 = 8 * OF_TEXT;
/// What may be spent in one sweep on the test cases of a project that had no id before.
const OF_SWEEP: u64 = OF_TEXT / 2;

/// What is left to be spent in one reading.
#[derive(Debug)]
pub struct IdEffort {
    left: u64,
}

/// What is left to be spent on one text.
#[derive(Debug)]
pub(super) struct TextEffort<'e> {
    reading: &'e mut IdEffort,
    left: u64,
    /// Why it ends when nothing is left.
    limit: OutOfEffort,
}

/// Why a text is not looked through to its end.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub(super) enum OutOfEffort {
    /// It alone takes too much.
    #[error(
        "looking for ids in it costs too much; a smaller `submit.ids_pattern`, as with `[0-9]` for \
         `\\d`, costs less"
    )]
    Text,
    /// Those before it took everything.
    #[error(
        "the test cases before it took all that looking for ids may cost; a smaller \
         `submit.ids_pattern`, as with `[0-9]` for `\\d`, costs less"
    )]
    Reading,
}

impl IdEffort {
    /// For the test cases of one run, or of one project.
    pub const fn of_reading() -> Self {
        Self { left: OF_READING }
    }

    /// For what one sweep looks at in one project; the rest waits for the next one.
    pub(crate) const fn of_sweep() -> Self {
        Self { left: OF_SWEEP }
    }

    /// Whether nothing is left.
    pub(crate) const fn is_spent(&self) -> bool {
        self.left == 0
    }

    /// For one text of them. What is left for all may be exceeded by that of one text, so that a
    /// text is never given up for those before it while there is anything left.
    pub(super) const fn of_text(&mut self) -> TextEffort<'_> {
        let (left, limit) = if self.is_spent() {
            (0, OutOfEffort::Reading)
        } else {
            (OF_TEXT, OutOfEffort::Text)
        };
        TextEffort {
            reading: self,
            left,
            limit,
        }
    }
}

impl TextEffort<'_> {
    /// Spends a search by a pattern of this compiled size through so many bytes.
    ///
    /// # Errors
    /// When it is not to be done.
    pub(super) fn search(&mut self, size: usize, bytes: usize) -> Result<(), OutOfEffort> {
        let cost = (size as u64).saturating_mul(bytes as u64);
        self.left = self.left.checked_sub(cost).ok_or(self.limit)?;
        self.reading.left = self.reading.left.saturating_sub(cost);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIZE: usize = 1 << 17;
    const BYTES: usize = 1 << 16;

    #[test]
    fn a_text_has_its_share_and_no_more() {
        let mut effort = IdEffort::of_reading();
        let mut text = effort.of_text();
        let allowed = OF_TEXT / (SIZE * BYTES) as u64;

        for _ in 0..allowed {
            assert_eq!(text.search(SIZE, BYTES), Ok(()));
        }

        assert_eq!(text.search(SIZE, BYTES), Err(OutOfEffort::Text));
    }

    #[test]
    fn the_texts_of_a_reading_have_a_share_together() {
        let mut effort = IdEffort::of_reading();
        for _ in 0..OF_READING / OF_TEXT {
            let spent = effort
                .of_text()
                .search(1, usize::try_from(OF_TEXT).unwrap());
            assert_eq!(spent, Ok(()));
        }

        assert!(effort.is_spent());
        assert_eq!(effort.of_text().search(1, 1), Err(OutOfEffort::Reading));
        assert_eq!(effort.of_text().search(1, 0), Ok(()));
    }

    #[test]
    fn a_text_that_is_begun_is_not_given_up_for_those_before_it() {
        let mut effort = IdEffort { left: 1 };
        let mut text = effort.of_text();

        assert_eq!(text.search(SIZE, BYTES), Ok(()));
        assert_eq!(text.search(SIZE, BYTES), Ok(()));
        assert!(effort.is_spent());
    }
}
