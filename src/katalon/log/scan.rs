//! Finds the `<record>`s in the bytes of an execution log, one after the other, in bounded memory.
//!
//! An XML parser is of no use here: real logs hold several documents, stray prologs and DOCTYPEs
//! (left by Katalon's own repair), a last record that was cut, and single texts of many megabytes.
//! So the scanner looks only at tags, ignores everything between two records, drops a record that
//! is not closed, and keeps of each text no more than its limit. It fails only when the input does.
//!
//! A `<` inside a text is always escaped: `XMLFormatter` does that in every version.

use std::io::{self, BufRead};

use memchr::{memchr, memchr2};

use super::failure::LONGEST_TEXT;
use super::record::{Level, Method, PROPERTIES, RawRecord};

/// Bytes of a tag that are kept; Katalon's longest is `<property
/// name="failed.exception.stacktrace">`.
const LONGEST_TAG: usize = 512;
/// Properties of one record that are kept; Katalon writes at most a dozen.
const MOST_PROPERTIES: usize = 32;

/// Reads records from one part of a log.
pub(super) struct Scanner<R> {
    /// The part that is read.
    pub input: R,
    tag: Vec<u8>,
    text: Vec<u8>,
    /// Records that were opened and never closed.
    pub cut_records: usize,
}

/// A part of a record whose text is wanted.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Field {
    Millis,
    Level,
    Method,
    Message,
    NestedLevel,
    EscapedJava,
    Property(&'static str),
}

impl<R: BufRead> Scanner<R> {
    /// A scanner at the start of `input`.
    pub(super) fn new(input: R) -> Self {
        Self {
            input,
            tag: Vec::new(),
            text: Vec::new(),
            cut_records: 0,
        }
    }

    /// The next whole record.
    ///
    /// # Errors
    /// When the input fails.
    pub(super) fn next(&mut self) -> io::Result<Option<RawRecord>> {
        let mut open: Option<OpenRecord> = None;
        loop {
            // What nobody asks for is skipped and not copied: `keywordsUsage` can be megabytes.
            let wanted = open.as_ref().and_then(|open| open.field);
            let truncated = self.read_text(wanted.is_some())?;
            if let Some(open) = &mut open {
                open.record.truncated |= truncated;
            }

            if !self.read_tag()? {
                self.cut_records += usize::from(open.is_some());
                return Ok(None);
            }

            match (name(&self.tag), &mut open) {
                // A record inside a record: the outer one was cut.
                (b"record", _) => {
                    self.cut_records += usize::from(open.replace(OpenRecord::default()).is_some());
                }
                (b"/record", Some(_)) => return Ok(open.map(|open| open.record)),
                // Katalon's repair closed the document, or another one begins here.
                (b"log" | b"/log" | b"?xml" | b"!DOCTYPE", Some(_)) => {
                    open = None;
                    self.cut_records += 1;
                }

                (_, Some(open)) => open.tag(&self.tag, &self.text),
                (_, None) => {}
            }
        }
    }

    /// Reads up to the next `<` and consumes it. Says whether some of a wanted text was dropped.
    fn read_text(&mut self, wanted: bool) -> io::Result<bool> {
        self.text.clear();
        let mut truncated = false;
        loop {
            let buffer = fill(&mut self.input)?;
            if buffer.is_empty() {
                return Ok(truncated);
            }

            let end = memchr(b'<', buffer);
            let text = &buffer[..end.unwrap_or(buffer.len())];
            if wanted {
                // A message is XML-escaped twice, so its clear text can be far shorter.
                let room = LONGEST_TEXT.saturating_sub(self.text.len());
                self.text.extend_from_slice(&text[..text.len().min(room)]);
                truncated |= text.len() > room;
            }

            let used = text.len() + usize::from(end.is_some());
            self.input.consume(used);
            if end.is_some() {
                return Ok(truncated);
            }
        }
    }

    /// Reads a tag behind its `<` up to its `>`. Another `<` before that starts the tag anew, as
    /// behind a cut text. `false` at the end of the input.
    fn read_tag(&mut self) -> io::Result<bool> {
        self.tag.clear();
        loop {
            let buffer = fill(&mut self.input)?;
            if buffer.is_empty() {
                return Ok(false);
            }

            let end = memchr2(b'<', b'>', buffer);
            let text = &buffer[..end.unwrap_or(buffer.len())];
            let room = LONGEST_TAG.saturating_sub(self.tag.len());
            self.tag.extend_from_slice(&text[..text.len().min(room)]);

            let closed = end.map(|end| buffer[end] == b'>');
            let used = text.len() + usize::from(end.is_some());
            self.input.consume(used);
            match closed {
                Some(true) => return Ok(true),
                Some(false) => self.tag.clear(),
                None => {}
            }
        }
    }
}

/// A record that is being read.
#[derive(Default)]
struct OpenRecord {
    record: RawRecord,
    /// Open elements inside the record; an `exception` has children whose names are those of the
    /// record's own.
    depth: usize,
    field: Option<Field>,
}

impl OpenRecord {
    /// Goes on behind a tag; `text` is what stood before it.
    fn tag(&mut self, tag: &[u8], text: &[u8]) {
        let name = name(tag);
        if name.starts_with(b"/") {
            return self.close(text);
        }

        // Only what stands directly inside the record is a field of it.
        let field = if self.depth == 0 {
            self.field_of(name, tag)
        } else {
            None
        };

        if !tag.ends_with(b"/") {
            self.depth += 1;
            self.field = field;
        } else if let Some(field) = field {
            self.store(field, b"");
        }
    }

    fn close(&mut self, text: &[u8]) {
        self.depth = self.depth.saturating_sub(1);
        if self.depth == 0
            && let Some(field) = self.field.take()
        {
            self.store(field, text);
        }
    }

    /// The field that an element directly inside the record is.
    fn field_of(&self, name: &[u8], tag: &[u8]) -> Option<Field> {
        match name {
            b"millis" => Some(Field::Millis),
            b"level" => Some(Field::Level),
            b"method" => Some(Field::Method),
            b"message" => Some(Field::Message),
            b"nestedLevel" => Some(Field::NestedLevel),
            b"escapedJava" => Some(Field::EscapedJava),
            b"property" if self.record.properties.len() < MOST_PROPERTIES => {
                let name = property_name(tag)?;
                PROPERTIES
                    .iter()
                    .find(|property| property.as_bytes() == name)
                    .map(|property| Field::Property(property))
            }

            _ => None,
        }
    }

    fn store(&mut self, field: Field, text: &[u8]) {
        // A text that was cut at its limit may end in half a character.
        let text = String::from_utf8_lossy(text);
        let record = &mut self.record;

        match field {
            Field::Millis => record.millis = text.trim().parse().ok(),
            Field::Level => record.level = Level::of(text.trim()),
            Field::Method => record.method = Method::of(text.trim()),
            Field::Message => record.message = text.into_owned(),
            Field::NestedLevel => record.nested_level = text.trim().parse().ok(),
            Field::EscapedJava => record.java_escaped = text.trim() != "false",
            Field::Property(name) => record.properties.push((name, text.into_owned())),
        }
    }
}

/// `BufRead::fill_buf` without interruptions.
fn fill(input: &mut impl BufRead) -> io::Result<&[u8]> {
    // The buffer is asked for twice, since the compiler cannot see that a borrow returned from a
    // loop ends with the loop. The second time it is there already.
    while let Err(error) = input.fill_buf() {
        if error.kind() != io::ErrorKind::Interrupted {
            return Err(error);
        }
    }
    input.fill_buf()
}

/// The name in a tag, with the `/` before that of a closing one.
fn name(tag: &[u8]) -> &[u8] {
    let end = tag
        .iter()
        .position(u8::is_ascii_whitespace)
        .unwrap_or(tag.len());
    let name = &tag[..end];

    // `<br/>` is `br`, but `</>` keeps its slash.
    match name.strip_suffix(b"/") {
        Some(name) if !name.is_empty() => name,
        _ => name,
    }
}

/// The value of `name="…"` in the tag of a property.
fn property_name(tag: &[u8]) -> Option<&[u8]> {
    let start = memchr::memmem::find(tag, b"name=\"")? + b"name=\"".len();
    let rest = &tag[start..];
    Some(&rest[..memchr(b'"', rest)?])
}
