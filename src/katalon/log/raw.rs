//! What the bytes of a log show before anybody looks for records in them.
//!
//! The scanner survives everything, so it would read a log of zeros as an empty one and a merge of
//! two logs as one run. This reader stands below it, passes every byte on, and remembers what no
//! log of Katalon's holds.

use std::io::{self, BufRead, Read};

use memchr::{memchr, memchr_iter};

use crate::katalon::damage::{Damage, DamageKind};

/// Version control systems write seven of them, and more where a marker stood already.
const MARKER: &[u8] = b"<<<<<<<";

/// Passes the bytes of one part of a log on.
pub(super) struct RawLog<R> {
    input: R,
    signs: Signs,
}

/// What was seen of the bytes so far.
#[derive(Default)]
struct Signs {
    /// Bytes that were read.
    length: u64,
    /// Line feeds that were read.
    lines: u64,
    /// The first two bytes of the part.
    head: Vec<u8>,
    /// The beginning of the current line, as far as it may be a marker.
    line_start: Vec<u8>,
    /// Line of the first marker.
    marker: Option<u64>,
    /// Line of the first byte of zero.
    zero: Option<u64>,
}

impl<R: BufRead> RawLog<R> {
    /// A reader at the start of a part.
    pub(super) fn new(input: R) -> Self {
        Self {
            input,
            signs: Signs::default(),
        }
    }

    /// What is wrong with what was read of the part with this name.
    pub(super) fn damage(&self, name: &str) -> Option<Damage> {
        let (kind, line) = self.signs.damage()?;
        Some(match line {
            Some(line) => Damage::at(name, line, kind),
            None => Damage::of(name, kind),
        })
    }
}

impl Signs {
    fn damage(&self) -> Option<(DamageKind, Option<u64>)> {
        let is_utf16 = matches!(self.head.as_slice(), [0xFF, 0xFE] | [0xFE, 0xFF])
            || matches!(self.head.as_slice(), [b'<', 0] | [0, b'<']);

        // UTF-16 is asked for before zeros: every second byte of it is one.
        if self.length == 0 {
            Some((DamageKind::Empty, None))
        } else if is_utf16 {
            Some((DamageKind::Utf16, None))
        } else if let Some(line) = self.marker {
            Some((DamageKind::ConflictMarkers, Some(line)))
        } else {
            self.zero.map(|line| (DamageKind::Zeros, Some(line)))
        }
    }

    fn look_at(&mut self, bytes: &[u8]) {
        let room = 2_usize.saturating_sub(self.head.len());
        self.head.extend(bytes.iter().take(room));
        self.length += bytes.len() as u64;

        if self.zero.is_none()
            && let Some(at) = memchr(0, bytes)
        {
            let before = memchr_iter(b'\n', &bytes[..at]).count();
            self.zero = Some(self.lines + before as u64 + 1);
        }

        let mut rest = bytes;
        loop {
            self.look_at_line_start(rest);
            let Some(end) = memchr(b'\n', rest) else {
                return;
            };
            self.lines += 1;
            self.line_start.clear();
            rest = &rest[end + 1..];
        }
    }

    /// A line can begin at the end of one piece and go on in the next.
    fn look_at_line_start(&mut self, line: &[u8]) {
        // A line that began otherwise is let go at its first bytes: a log may have millions.
        if self.marker.is_some() || !MARKER.starts_with(&self.line_start) {
            return;
        }

        let room = MARKER.len() - self.line_start.len();
        self.line_start.extend(line.iter().take(room));
        if self.line_start == MARKER {
            self.marker = Some(self.lines + 1);
        }
    }
}

impl<R: BufRead> Read for RawLog<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.fill_buf()?.len().min(buffer.len());
        buffer[..length].copy_from_slice(&self.fill_buf()?[..length]);
        self.consume(length);
        Ok(length)
    }
}

impl<R: BufRead> BufRead for RawLog<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.input.fill_buf()
    }

    fn consume(&mut self, amount: usize) {
        // What is consumed lies in the buffer still, so this asks for nothing.
        if let Ok(buffer) = self.input.fill_buf() {
            self.signs.look_at(&buffer[..amount.min(buffer.len())]);
        }
        self.input.consume(amount);
    }
}

#[cfg(test)]
mod tests {
    use std::io::BufReader;

    use proptest::prelude::*;

    use super::*;

    /// Reads a part in pieces of this many bytes.
    fn damage_of(part: &[u8], piece: usize) -> Option<(DamageKind, Option<u64>)> {
        let mut raw = RawLog::new(BufReader::with_capacity(piece, part));
        io::copy(&mut raw, &mut io::sink()).unwrap();
        raw.signs.damage()
    }

    #[test]
    fn each_damage_is_found_with_its_line() {
        let zeros = [0_u8; 100];
        let utf16: Vec<u8> = "<log>".encode_utf16().flat_map(u16::to_le_bytes).collect();
        let conflict = b"<log>\n<<<<<<<< HEAD:execution0.log\n";

        assert_eq!(damage_of(b"<log>\n  <record>\n", 64), None);
        assert_eq!(damage_of(b"", 64), Some((DamageKind::Empty, None)));
        assert_eq!(damage_of(&zeros, 64), Some((DamageKind::Zeros, Some(1))));
        let cut = damage_of(b"<log>\n\0\0", 64);
        assert_eq!(cut, Some((DamageKind::Zeros, Some(2))));
        assert_eq!(damage_of(&utf16, 64), Some((DamageKind::Utf16, None)));
        let mixed = Some((DamageKind::ConflictMarkers, Some(2)));
        assert_eq!(damage_of(conflict, 64), mixed);
    }

    proptest! {
        #[test]
        fn a_marker_is_found_however_the_log_is_cut(lines in 0_usize..20, piece in 1_usize..40) {
            let part = format!("{}<<<<<<< ours\n", "  <record>\n".repeat(lines));

            let found = damage_of(part.as_bytes(), piece);

            prop_assert_eq!(found, Some((DamageKind::ConflictMarkers, Some(lines as u64 + 1))));
        }
    }
}
