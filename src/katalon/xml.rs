//! A small walk over Katalon's small XML files: `.prj`, `.tc`, `.rp` and `JUnit_Report.xml`.
//!
//! No DTD is ever read and no entity beyond XML's five is known: a DOCTYPE is skipped and reported,
//! an unknown entity stays as it is written. The walk stops with an error at the first place that
//! is not well-formed; whoever walks keeps what came before.

use std::ops::Range;

use quick_xml::Reader;
use quick_xml::XmlVersion;
use quick_xml::events::{BytesStart, Event};

use crate::katalon::escape;

/// Deeper elements are an error: none of Katalon's files has more than a dozen levels.
const DEEPEST: usize = 64;
/// Attributes of one element; Katalon writes at most a dozen.
const MOST_ATTRIBUTES: usize = 64;

/// What the walk meets.
pub(crate) enum Node<'a> {
    /// The element at the end of the path was opened; these are its attributes, decoded.
    Open(&'a [(String, String)]),
    /// The element at the end of the path was closed; this is its own text, without that of its
    /// children.
    Close(&'a str),
}

/// Where an element stands, in bytes behind a byte order mark.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct ElementExtent {
    /// With its tags.
    pub outer: Range<usize>,
    /// Between its tags; `None` for an element of one tag, `<a/>`.
    pub inner: Option<Range<usize>>,
}

/// A file that is not well-formed.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("the XML is damaged at byte {position}: {reason}")]
pub struct XmlError {
    position: u64,
    reason: NotWellFormed,
}

/// What is wrong at a place of a file.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
enum NotWellFormed {
    #[error("it is larger than such a file is")]
    TooLarge,
    #[error("it is not UTF-8")]
    NotUtf8,
    #[error("it is nested deeper than {DEEPEST} levels")]
    TooDeep,
    #[error("an element has more than {MOST_ATTRIBUTES} attributes")]
    TooManyAttributes,
    #[error("it has no element")]
    NoElement,
    #[error("it ends inside `{0}`")]
    EndsInside(String),
    /// In the words of the parser.
    #[error("{0}")]
    Syntax(String),
}

impl NotWellFormed {
    fn syntax(error: &impl std::error::Error) -> Self {
        Self::Syntax(error.to_string())
    }
}

impl XmlError {
    /// That of a file with more bytes than are read.
    pub(crate) fn too_large(limit: usize) -> Self {
        Self {
            position: limit as u64,
            reason: NotWellFormed::TooLarge,
        }
    }
}

/// Whether the file had a DOCTYPE; Katalon writes none into these files.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Doctype {
    /// There was one, and it was skipped.
    Skipped,
    /// There was none.
    Absent,
}

/// Walks through a document. `visit` gets the names of the open elements, outermost first, and what
/// happens there.
///
/// # Errors
/// When the bytes are not UTF-8, not well-formed, nested deeper than 64 levels or without a closed
/// root element.
pub(crate) fn walk(
    bytes: &[u8],
    mut visit: impl FnMut(&[String], Node<'_>),
) -> Result<Doctype, XmlError> {
    walk_extents(bytes, |path, node, _| visit(path, node))
}

/// As [`walk`], with the place of each element that was closed; one that was opened has none yet.
///
/// # Errors
/// As [`walk`].
pub(crate) fn walk_extents(
    bytes: &[u8],
    mut visit: impl FnMut(&[String], Node<'_>, Option<&ElementExtent>),
) -> Result<Doctype, XmlError> {
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    let text = std::str::from_utf8(bytes).map_err(|error| XmlError {
        position: error.valid_up_to() as u64,
        reason: NotWellFormed::NotUtf8,
    })?;

    let mut reader = Reader::from_str(text);
    let mut walk = Walk::default();
    let mut doctype = Doctype::Absent;
    loop {
        let start = position(&reader);
        let event = reader.read_event();
        let place = start..position(&reader);

        let step = match event {
            Ok(Event::Eof) => break,
            Ok(Event::DocType(_)) => {
                doctype = Doctype::Skipped;
                Ok(())
            }

            Ok(event) => walk.step(event, place, &mut visit),
            Err(error) => Err(NotWellFormed::syntax(&error)),
        };

        step.map_err(|reason| XmlError {
            position: reader.buffer_position(),
            reason,
        })?;
    }

    // The reader itself does not mind an end inside an element.
    let reason = match walk.path.last() {
        Some(open) => NotWellFormed::EndsInside(open.clone()),
        None if walk.roots == 0 => NotWellFormed::NoElement,
        None => return Ok(doctype),
    };
    Err(XmlError {
        position: text.len() as u64,
        reason,
    })
}

/// Where the reader is: right behind the event that it gave last.
fn position(reader: &Reader<&[u8]>) -> usize {
    usize::try_from(reader.buffer_position()).expect("what is in memory has such a length")
}

/// The elements that are open.
#[derive(Default)]
struct Walk {
    /// Their names, outermost first.
    path: Vec<String>,
    /// The text of each so far.
    texts: Vec<String>,
    /// The place of each one's first tag.
    tags: Vec<Range<usize>>,
    /// Elements that have no parent.
    roots: usize,
}

impl Walk {
    fn step(
        &mut self,
        event: Event<'_>,
        place: Range<usize>,
        visit: &mut impl FnMut(&[String], Node<'_>, Option<&ElementExtent>),
    ) -> Result<(), NotWellFormed> {
        match event {
            Event::Start(start) => self.open(&start, place, visit)?,
            Event::Empty(start) => {
                self.open(&start, place.clone(), visit)?;
                let extent = ElementExtent {
                    outer: place,
                    inner: None,
                };
                self.close(&extent, visit);
            }

            Event::End(_) => {
                let tag = self.tags.last().cloned().unwrap_or_default();
                let extent = ElementExtent {
                    outer: tag.start..place.end,
                    inner: Some(tag.end..place.start),
                };
                self.close(&extent, visit);
            }

            Event::Text(text) => self.push(&text.xml10_content()),
            Event::CData(text) => self.push(&text.xml10_content()),
            Event::GeneralRef(reference) => self.push(&escape::xml(&format!("&{};", &*reference))),
            _ => {}
        }
        Ok(())
    }

    fn open(
        &mut self,
        start: &BytesStart<'_>,
        place: Range<usize>,
        visit: &mut impl FnMut(&[String], Node<'_>, Option<&ElementExtent>),
    ) -> Result<(), NotWellFormed> {
        if self.path.len() == DEEPEST {
            return Err(NotWellFormed::TooDeep);
        }

        let mut attributes = Vec::new();
        for attribute in start.attributes() {
            // Each is compared with those before it.
            if attributes.len() == MOST_ATTRIBUTES {
                return Err(NotWellFormed::TooManyAttributes);
            }

            let attribute = attribute.map_err(|error| NotWellFormed::syntax(&error))?;
            // An entity that is not XML's own stays as it is written.
            let value = attribute
                .normalized_value(XmlVersion::Implicit1_0)
                .unwrap_or_else(|_| attribute.value.clone());
            attributes.push((attribute.key.0.to_owned(), value.into_owned()));
        }

        self.roots += usize::from(self.path.is_empty());
        self.path.push(start.name().0.to_owned());
        self.texts.push(String::new());
        self.tags.push(place);
        visit(&self.path, Node::Open(&attributes), None);
        Ok(())
    }

    fn close(
        &mut self,
        extent: &ElementExtent,
        visit: &mut impl FnMut(&[String], Node<'_>, Option<&ElementExtent>),
    ) {
        let text = self.texts.pop().unwrap_or_default();
        visit(&self.path, Node::Close(&text), Some(extent));
        self.path.pop();
        self.tags.pop();
    }

    fn push(&mut self, text: &str) {
        if let Some(current) = self.texts.last_mut() {
            current.push_str(text);
        }
    }
}

/// The value of an attribute.
pub(crate) fn attribute<'a>(attributes: &'a [(String, String)], name: &str) -> Option<&'a str> {
    attributes
        .iter()
        .find(|(key, _)| key == name)
        .map(|(_, value)| value.as_str())
}

/// Whether the innermost element of a path has this name.
pub(crate) fn ends_in(path: &[String], name: &str) -> bool {
    path.last().is_some_and(|last| last == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(xml: &str) -> (Vec<(String, String)>, Result<Doctype, XmlError>) {
        let mut closed = Vec::new();
        let result = walk(xml.as_bytes(), |path, node| {
            if let Node::Close(text) = node {
                closed.push((path.join("/"), text.to_owned()));
            }
        });
        (closed, result)
    }

    #[test]
    fn texts_are_decoded_and_joined() {
        let (closed, result) = texts("<a>1 &lt;&#65;<b/><![CDATA[<&]]> &nix;</a>");
        assert_eq!(
            closed,
            [
                ("a/b".into(), String::new()),
                ("a".into(), "1 <A<& &nix;".into())
            ]
        );
        assert_eq!(result.unwrap(), Doctype::Absent);
    }

    #[test]
    fn each_element_is_where_its_tags_are() {
        let xml = "\u{feff}<?xml version=\"1.0\"?>\r\n<a> ü&amp;<!-- <b> --><b x='>'/>\n<c ><![CDATA[</c>]]></c></a>";
        let text = &xml['\u{feff}'.len_utf8()..];
        let mut places = Vec::new();

        walk_extents(xml.as_bytes(), |_, _, extent| {
            let Some(extent) = extent else { return };
            let inner = extent.inner.clone().map(|inner| &text[inner]);
            places.push((&text[extent.outer.clone()], inner));
        })
        .unwrap();

        assert_eq!(
            places[..2],
            [
                ("<b x='>'/>", None),
                ("<c ><![CDATA[</c>]]></c>", Some("<![CDATA[</c>]]>"))
            ]
        );
        assert_eq!(
            places[2].1.unwrap(),
            &text[text.find("<a>").unwrap() + 3..text.len() - 4]
        );
    }

    #[test]
    fn a_doctype_is_skipped_and_its_entities_are_unknown() {
        let (closed, result) =
            texts("<!DOCTYPE a [<!ENTITY x SYSTEM \"file:///etc/passwd\">]><a>&x;</a>");
        assert_eq!(closed, [("a".into(), "&x;".into())]);
        assert_eq!(result.unwrap(), Doctype::Skipped);
    }

    #[test]
    fn a_cut_file_is_an_error_that_says_where() {
        let (closed, result) = texts("<a><b>1</b><c>");
        assert_eq!(closed.len(), 1);
        assert_eq!(
            result.unwrap_err().to_string(),
            "the XML is damaged at byte 14: it ends inside `c`"
        );
        assert!(texts("").1.is_err());
        assert!(texts("<a></b>").1.is_err());
        assert!(texts(&"<a>".repeat(100)).1.is_err());
    }
}
