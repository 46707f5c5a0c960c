//! Writes the ADO ids of a test case into its `.tc` file, or takes them out: a splice of the bytes,
//! after which every byte outside of the Azure integration's element is what it was (line ends,
//! byte order mark, order of attributes, blanks).
//!
//! What is new has Katalon's form and place, as in each of the 285 files of the corpus that hold
//! ids: behind `<tag>` and other products' elements, before `<comment>`, three blanks for a level.
//! A file that is indented otherwise goes on in its own way. An element that is there already keeps
//! its form; only the text between `<value>` and `</value>` changes.
//!
//! It is strict where the reader is lenient: a file that is damaged in any way, is not UTF-8, or
//! has a DOCTYPE is refused with the reason, because a splice of what was misunderstood would make
//! it worse. And what was written is read again by kado's own reader before anybody gets it: ids,
//! variables and texts have to be what they should, or the file is refused.

use std::ops::Range;

use crate::katalon::damage::{Damage, DamageKind};
use crate::katalon::merge_conflict;
use crate::katalon::test_case::{ENTITY, KEY, PRODUCT, ROOT, TestCase};
use crate::katalon::text;
use crate::katalon::xml::{self, Doctype, ElementExtent, Node};

/// Katalon's indentation of a level.
const LEVEL: &str = "   ";
/// The mark that some editors put before UTF-8.
const MARK: &[u8] = b"\xEF\xBB\xBF";
/// The elements that stand before those of integrations.
const HEAD: [&str; 3] = ["description", "name", "tag"];

/// Why a file is left as it is.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum NoSplice {
    /// kado reads it only in part, or not at all.
    #[error("{0}; save it again in Katalon, or restore it from version control")]
    Damaged(Damage),
    /// It is not UTF-8, as Katalon writes it.
    #[error("`{file}` is not UTF-8, which Katalon writes; save it as UTF-8 first")]
    NotUtf8 {
        /// The file.
        file: String,
    },
    /// It has a DOCTYPE.
    #[error("`{file}` has a DOCTYPE, which Katalon never writes; remove it first")]
    Doctype {
        /// The file.
        file: String,
    },
    /// It is XML of another kind.
    #[error("`{file}` is no test case of Katalon: its outermost element is not `{ROOT}`")]
    NoTestCase {
        /// The file.
        file: String,
    },
    /// The ids cannot stand in XML.
    #[error("ids cannot hold the character U+{letter:04X}")]
    Forbidden {
        /// The character.
        letter: u32,
    },
    /// There are no ids to write.
    #[error("there are no ids to write")]
    NoIds,
    /// What the splice gives is not read as it should be.
    #[error(
        "the Azure integration stands in `{file}` in a form that kado does not change; enter the \
         ids in Katalon"
    )]
    OddForm {
        /// The file.
        file: String,
    },
}

/// The file of a test case with these ids, which are stored as they are. `id` is that of the test
/// case, for messages.
///
/// # Errors
/// When the file is left as it is.
pub fn with_ids(id: &str, bytes: &[u8], ids: &str) -> Result<Vec<u8>, NoSplice> {
    if ids.trim().is_empty() {
        return Err(NoSplice::NoIds);
    }
    if let Some(letter) = ids.chars().find(|letter| is_forbidden(*letter)) {
        return Err(NoSplice::Forbidden {
            letter: letter.into(),
        });
    }

    let file = CaseFile::read(id, bytes)?;
    if file.case.azure_ids.as_deref() == Some(ids) {
        return Ok(bytes.to_owned());
    }
    if !ids.is_ascii() && !is_declared_utf8(file.text) {
        return Err(NoSplice::NotUtf8 { file: file.name });
    }
    file.spliced(file.edits_to_set(ids), Some(ids))
}

/// The file of a test case without ids: the element of the Azure integration is gone.
///
/// # Errors
/// When the file is left as it is.
pub fn without_ids(id: &str, bytes: &[u8]) -> Result<Vec<u8>, NoSplice> {
    let file = CaseFile::read(id, bytes)?;
    file.spliced(file.edits_to_clear(), None)
}

/// Whether XML 1.0 allows a character in no form, or a reader would make another one of it.
const fn is_forbidden(letter: char) -> bool {
    matches!(letter, '\u{fffe}' | '\u{ffff}')
        || (letter.is_ascii_control() && !matches!(letter, '\t' | '\n' | '\u{7f}'))
}

/// A text as the content of an element, as Java's XML writer has it.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

/// A piece of the text and what stands there instead.
struct Edit {
    place: Range<usize>,
    text: String,
}

/// An entry of an integration's element.
struct Entry {
    is_ids: bool,
    outer: Range<usize>,
    key: Option<ElementExtent>,
    value: Option<ElementExtent>,
}

/// The element of an integration.
#[derive(Default)]
struct Entity {
    is_azure: bool,
    outer: Range<usize>,
    product: Option<ElementExtent>,
    properties: Option<ElementExtent>,
    entries: Vec<Entry>,
}

/// The places in a file that matter to a splice.
#[derive(Default)]
struct Layout {
    entities: Vec<Entity>,
    /// Behind what a new element of an integration is to stand.
    head_end: Option<usize>,
    root: Option<ElementExtent>,
    /// Of the entity and entry that are open.
    entity: Entity,
    key: Option<(ElementExtent, bool)>,
    value: Option<ElementExtent>,
}

impl Layout {
    fn visit(&mut self, path: &[String], text: &str, extent: &ElementExtent) {
        let path: Vec<&str> = path.iter().map(String::as_str).collect();

        match path.as_slice() {
            [.., ENTITY, "productName"] => {
                self.entity.is_azure = text.trim().eq_ignore_ascii_case(PRODUCT);
                self.entity.product = Some(extent.clone());
            }
            [.., ENTITY, "properties"] => self.entity.properties = Some(extent.clone()),
            [.., "entry", "key"] => self.key = Some((extent.clone(), text.trim() == KEY)),
            [.., "entry", "value"] => self.value = Some(extent.clone()),

            [.., "entry"] => {
                let key = self.key.take();
                self.entity.entries.push(Entry {
                    is_ids: key.as_ref().is_some_and(|(_, is_ids)| *is_ids),
                    outer: extent.outer.clone(),
                    key: key.map(|(extent, _)| extent),
                    value: self.value.take(),
                });
            }

            [.., parent, ENTITY] => {
                let mut entity = std::mem::take(&mut self.entity);
                entity.outer = extent.outer.clone();
                if *parent == ROOT {
                    self.head_end = Some(extent.outer.end);
                }
                self.entities.push(entity);
            }

            [ROOT, element] if HEAD.contains(element) => {
                // In a file of another order the last of all these counts.
                self.head_end = self.head_end.max(Some(extent.outer.end));
            }
            [ROOT] => self.root = Some(extent.clone()),
            _ => {}
        }
    }
}

/// A file that can be spliced.
struct CaseFile<'a> {
    name: String,
    /// What kado reads in it.
    case: TestCase,
    mark: &'a [u8],
    /// The text behind the mark.
    text: &'a str,
    layout: Layout,
    /// Where the content of the outermost element begins.
    begin: usize,
}

impl<'a> CaseFile<'a> {
    fn read(id: &str, bytes: &'a [u8]) -> Result<Self, NoSplice> {
        let name = format!("{id}.tc");
        let (text, mark) = text_of(&name, bytes)?;
        if let Some(kind) = text::lost_content(text) {
            return Err(NoSplice::Damaged(Damage::of(&name, kind)));
        }
        if let Some(sides) = merge_conflict::sides(text) {
            let damage = Damage::at(&name, sides.line, DamageKind::ConflictMarkers);
            return Err(NoSplice::Damaged(damage));
        }

        let mut layout = Layout::default();
        let walked = xml::walk_extents(text.as_bytes(), |path, node, extent| {
            if let (Node::Close(text), Some(extent)) = (node, extent) {
                layout.visit(path, text, extent);
            }
        });
        match walked {
            Ok(Doctype::Absent) => {}
            Ok(Doctype::Skipped) => return Err(NoSplice::Doctype { file: name }),
            Err(error) => {
                let error = error.to_string();
                let damage = Damage::of(&name, DamageKind::Unreadable { error });
                return Err(NoSplice::Damaged(damage));
            }
        }

        let Some(begin) = layout
            .root
            .as_ref()
            .and_then(|root| Some(root.inner.as_ref()?.start))
        else {
            return Err(NoSplice::NoTestCase { file: name });
        };

        let case = TestCase::read(id.to_owned(), bytes);
        match &case.damage {
            Some(damage) => Err(NoSplice::Damaged(damage.clone())),
            None => Ok(Self {
                name,
                case,
                mark,
                text,
                layout,
                begin,
            }),
        }
    }

    /// The file after these changes, if it is then read as it should be.
    fn spliced(&self, mut edits: Vec<Edit>, ids: Option<&str>) -> Result<Vec<u8>, NoSplice> {
        // From behind, so that no change moves the place of another one.
        edits.sort_by_key(|edit| edit.place.start);
        let mut text = self.text.to_owned();
        for edit in edits.into_iter().rev() {
            text.replace_range(edit.place, &edit.text);
        }
        let bytes = [self.mark, text.as_bytes()].concat();

        let again = TestCase::read(self.case.id.clone(), &bytes);
        let is_as_meant = again.azure_ids.as_deref() == ids
            && again.damage.is_none()
            && again.variables == self.case.variables
            && again.texts == self.case.texts;
        if is_as_meant {
            Ok(bytes)
        } else {
            Err(NoSplice::OddForm {
                file: self.name.clone(),
            })
        }
    }

    fn edits_to_set(&self, ids: &str) -> Vec<Edit> {
        let ids = escaped(ids).replace('\n', self.line_end_at(self.begin));
        let azure = || self.layout.entities.iter().filter(|entity| entity.is_azure);
        let with_ids = azure().find(|entity| entity.entries.iter().any(|entry| entry.is_ids));

        let Some(entity) = with_ids.or_else(|| azure().next()) else {
            return vec![self.new_entity(&ids)];
        };

        // The reader joins the ids of all entries, so the others go.
        let mut edits = Vec::new();
        for other in azure().filter(|other| other.outer != entity.outer) {
            edits.extend(self.without(other));
        }

        let mut entries = entity.entries.iter().filter(|entry| entry.is_ids);
        match entries.next() {
            Some(entry) => edits.push(self.new_value(entry, &ids)),
            None => edits.push(self.new_entry(entity, &ids)),
        }
        edits.extend(entries.map(|entry| self.removal(&entry.outer)));
        edits
    }

    fn edits_to_clear(&self) -> Vec<Edit> {
        let mut edits = Vec::new();
        for entity in &self.layout.entities {
            if entity.is_azure {
                edits.extend(self.without(entity));
            }
        }
        edits
    }

    /// Takes the ids out of an element of the Azure integration: the whole of it, unless it holds
    /// something else as well.
    fn without(&self, entity: &Entity) -> Vec<Edit> {
        if entity.entries.iter().all(|entry| entry.is_ids) {
            return vec![self.removal(&entity.outer)];
        }

        let entries = entity.entries.iter().filter(|entry| entry.is_ids);
        entries.map(|entry| self.removal(&entry.outer)).collect()
    }

    /// Takes an element out, with the line break and the blanks before it.
    fn removal(&self, element: &Range<usize>) -> Edit {
        let mut start = element.start;
        if self.indentation_at(start).is_some() {
            let line = self.text[..start].trim_end_matches([' ', '\t']);
            start = line.strip_suffix('\n').unwrap_or(line).len();
            start = self.text[..start]
                .strip_suffix('\r')
                .map_or(start, str::len);
        }

        Edit {
            place: start..element.end,
            text: String::new(),
        }
    }

    /// The whole element of the Azure integration, in Katalon's form and place.
    fn new_entity(&self, ids: &str) -> Edit {
        let at = self.layout.head_end.unwrap_or(self.begin);

        // An element that begins a line shows how this file is indented.
        let first = self.text[self.begin..]
            .find('<')
            .map_or(self.begin, |first| self.begin + first);
        let indent = self
            .indentation_at(first)
            .filter(|indent| !indent.is_empty())
            .unwrap_or(LEVEL);

        let lines = [
            (0, format!("<{ENTITY}>")),
            (1, format!("<productName>{PRODUCT}</productName>")),
            (1, "<properties>".to_owned()),
            (2, "<entry>".to_owned()),
            (3, format!("<key>{KEY}</key>")),
            (3, format!("<value>{ids}</value>")),
            (2, "</entry>".to_owned()),
            (1, "</properties>".to_owned()),
            (1, "<type>TESTCASE</type>".to_owned()),
            (0, format!("</{ENTITY}>")),
        ];
        self.lines(at, indent, indent, &lines)
    }

    /// An entry in an element that has none for the ids.
    fn new_entry(&self, entity: &Entity, ids: &str) -> Edit {
        let entry = |level| {
            [
                (level, "<entry>".to_owned()),
                (level + 1, format!("<key>{KEY}</key>")),
                (level + 1, format!("<value>{ids}</value>")),
                (level, "</entry>".to_owned()),
            ]
        };
        let indent = self.indentation_at(entity.outer.start).unwrap_or_default();

        match &entity.properties {
            Some(ElementExtent {
                inner: Some(inner), ..
            }) => {
                let last = entity.entries.last().map(|entry| entry.outer.end);
                self.lines(last.unwrap_or(inner.start), indent, LEVEL, &entry(2))
            }

            // `<properties/>` becomes what can hold an entry.
            Some(ElementExtent { outer, inner: None }) => {
                let end = self.lines(outer.end, indent, LEVEL, &[(1, "</properties>".to_owned())]);
                let entry = self.lines(outer.end, indent, LEVEL, &entry(2));
                Edit {
                    place: outer.clone(),
                    text: format!("{}{}{}", self.opened(outer), entry.text, end.text),
                }
            }

            None => {
                let [first, second, third, fourth] = entry(2);
                let lines = [
                    (1, "<properties>".to_owned()),
                    first,
                    second,
                    third,
                    fourth,
                    (1, "</properties>".to_owned()),
                ];
                let product = entity.product.as_ref().map(|product| product.outer.end);
                let at = product.unwrap_or(entity.outer.start);
                self.lines(at, indent, LEVEL, &lines)
            }
        }
    }

    /// The ids in an entry for them.
    fn new_value(&self, entry: &Entry, ids: &str) -> Edit {
        match (&entry.value, &entry.key) {
            (
                Some(ElementExtent {
                    inner: Some(inner), ..
                }),
                _,
            ) => Edit {
                place: inner.clone(),
                text: ids.to_owned(),
            },

            (Some(ElementExtent { outer, inner: None }), _) => Edit {
                place: outer.clone(),
                text: format!("{}{ids}</value>", self.opened(outer)),
            },

            // Real files have entries without a value.
            (None, key) => {
                let key = key
                    .as_ref()
                    .map_or(entry.outer.clone(), |key| key.outer.clone());
                let indent = self.indentation_at(key.start).unwrap_or_default();
                let value = [(0, format!("<value>{ids}</value>"))];
                self.lines(key.end, indent, LEVEL, &value)
            }
        }
    }

    /// The tag of an element of one tag as a first tag: `<a b=""/>` as `<a b="">`.
    fn opened(&self, element: &Range<usize>) -> String {
        let tag = self.text[element.clone()].trim_end_matches("/>").trim_end();
        format!("{tag}>")
    }

    /// New lines right behind a place, each with its level below an indentation.
    fn lines(&self, at: usize, indent: &str, level: &str, lines: &[(usize, String)]) -> Edit {
        let line_end = self.line_end_at(at);
        let mut text = String::new();
        for (levels, line) in lines {
            text.push_str(line_end);
            text.push_str(indent);
            text.push_str(&level.repeat(*levels));
            text.push_str(line);
        }

        Edit {
            place: at..at,
            text,
        }
    }

    /// The blanks before an element that begins its line; `None` for one that does not.
    fn indentation_at(&self, at: usize) -> Option<&'a str> {
        let start = self.text[..at].rfind('\n')? + 1;
        let indent = &self.text[start..at];
        indent
            .bytes()
            .all(|blank| matches!(blank, b' ' | b'\t'))
            .then_some(indent)
    }

    /// How lines end around a place: as the next one does, else as the one before.
    fn line_end_at(&self, at: usize) -> &'static str {
        let next = self.text[at..].find('\n').map(|next| at + next);
        match next.or_else(|| self.text[..at].rfind('\n')) {
            Some(end) if self.text[..end].ends_with('\r') => "\r\n",
            _ => "\n",
        }
    }
}

/// The text of a file, and the mark before it.
fn text_of<'a>(name: &str, bytes: &'a [u8]) -> Result<(&'a str, &'a [u8]), NoSplice> {
    // Both marks of UTF-16, and what it looks like without one.
    if matches!(
        bytes,
        [0xFF, 0xFE, ..] | [0xFE, 0xFF, ..] | [b'<', 0, _, 0, ..] | [0, b'<', 0, _, ..]
    ) {
        return Err(NoSplice::Damaged(Damage::of(name, DamageKind::Utf16)));
    }

    let rest = bytes.strip_prefix(MARK).unwrap_or(bytes);
    let mark = &bytes[..bytes.len() - rest.len()];
    match std::str::from_utf8(rest) {
        // A second mark would be skipped by the XML reader, and every place be wrong.
        Ok(text) if !text.starts_with('\u{feff}') => Ok((text, mark)),
        _ => Err(NoSplice::NotUtf8 {
            file: name.to_owned(),
        }),
    }
}

/// Whether the first line names no other encoding.
fn is_declared_utf8(text: &str) -> bool {
    let declaration = text
        .strip_prefix("<?xml")
        .and_then(|rest| rest.split_once("?>"));
    let encoding = declaration.and_then(|(declaration, _)| declaration.split_once("encoding"));
    encoding.is_none_or(|(_, encoding)| encoding.to_ascii_lowercase().contains("utf-8"))
}

#[cfg(test)]
mod tests;
