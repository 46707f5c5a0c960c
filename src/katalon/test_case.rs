//! A test case file (`.tc`): its Azure ids and its variables.
//!
//! The ids stand in the `integratedEntity` whose `productName` is `Azure`, as the entry
//! `azure.testcase.ids`; other products (TestOps, JIRA, qTest) have entities of their own in the
//! same file.
//!
//! The file is read leniently, because a failed test whose ids are not found is a test that
//! vanishes: another encoding, a raw `&` and whatever is damaged outside of that entity cost no id.
//! Of two versions that a merge left in the file both have to name the same ids. Where they cannot
//! be known that is a [`Damage`], which is another thing than having none.

use std::collections::{BTreeMap, BTreeSet};

use crate::katalon::damage::{Damage, DamageKind};
use crate::katalon::id_source::IdSource;
use crate::katalon::masked::MaskedValues;
use crate::katalon::merge_conflict::{self, Sides};
use crate::katalon::run::VariableValue;
use crate::katalon::run::binding::groovy;
use crate::katalon::xml::{self, Doctype, Node, XmlError};
use crate::katalon::{escape, text};

/// The entry that holds the ids.
pub(super) const KEY: &str = "azure.testcase.ids";
/// The element that is the test case.
pub(super) const ROOT: &str = "TestCaseEntity";
/// The element that an integration has in it.
pub(super) const ENTITY: &str = "integratedEntity";
/// The name of the Azure DevOps integration in its element.
pub(super) const PRODUCT: &str = "Azure";
/// Bytes that the ids of a test case may have; a thousand of them have 11,000.
const LONGEST_IDS: usize = 64 * 1024;
/// Bytes of a variable's default that are kept: an id in it is short, and what is cut is no literal
/// any more, so it counts as something that only Katalon can compute.
const LONGEST_DEFAULT: usize = 8 * 1024;
/// Bytes of a variable's name; no text of ids could hold a longer one.
const LONGEST_VARIABLE: usize = 1024;
/// Variables of a test case that are kept.
const MOST_VARIABLES: usize = 1000;

/// What kado needs of a test case.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TestCase {
    /// Path below the project without `.tc`, with `/`: `Test Cases/Login`.
    pub id: String,
    /// Value of `azure.testcase.ids`, exactly as written; `None` without such an entry or with an
    /// empty one, and where `damage` says why it cannot be known.
    pub azure_ids: Option<String>,
    /// Where they stand.
    pub source: IdSource,
    /// Other texts in which ids may stand.
    pub(super) texts: Texts,
    /// Variables with their default value as a Groovy expression.
    pub variables: BTreeMap<String, String>,
    /// Names of the variables that Katalon masks in its log.
    pub(crate) masked_names: BTreeSet<String>,
    /// Their default values.
    pub(crate) masked: MaskedValues,
    /// Why the ids cannot be known.
    pub damage: Option<Damage>,
    /// What could not be read, the damage included.
    pub warnings: Vec<String>,
}

/// What people write about a test case.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Texts {
    /// `<tag>`.
    pub tag: String,
    /// `<name>`.
    pub name: String,
    /// `<description>`.
    pub description: String,
    /// Why some of them may not be known.
    pub damage: Option<Damage>,
}

impl TestCase {
    /// Reads a `.tc` file. `id` is its path below the project without `.tc`, with `/`.
    pub fn read(id: String, bytes: &[u8]) -> Self {
        let file = format!("{id}.tc");
        let text = text::decode(bytes);

        match merge_conflict::sides(&text) {
            None => Self::read_version(id, &file, &text),
            Some(sides) => Self::read_sides(id, &file, &sides),
        }
    }

    /// A test case whose file is there and cannot be read, for this reason.
    pub fn unreadable(id: String, error: String) -> Self {
        let file = format!("{id}.tc");
        let mut case = Self {
            id,
            azure_ids: None,
            source: IdSource::Integration,
            texts: Texts::default(),
            variables: BTreeMap::new(),
            masked_names: BTreeSet::new(),
            masked: MaskedValues::default(),
            damage: None,
            warnings: Vec::new(),
        };
        case.lose_ids(Damage::of(&file, DamageKind::Unreadable { error }));
        case
    }

    /// Bytes that its texts take.
    pub(crate) fn size(&self) -> usize {
        let Texts {
            tag,
            name,
            description,
            ..
        } = &self.texts;
        let mut size = self.id.len() + tag.len() + name.len() + description.len();

        size += self.azure_ids.as_ref().map_or(0, String::len);
        for (name, default) in &self.variables {
            size += name.len() + default.len();
        }
        size
    }

    /// Its name, as testers know it.
    pub(crate) fn name(&self) -> &str {
        let file_name = self.id.rsplit('/').next().unwrap_or(&self.id);
        if self.texts.name.is_empty() {
            file_name
        } else {
            &self.texts.name
        }
    }

    fn read_version(id: String, file: &str, text: &str) -> Self {
        let version = Version::read(text);
        let mut warnings = Vec::new();

        if version.has_doctype {
            warnings.push(format!("`{file}` has a DOCTYPE; it was not read"));
        }
        if version.ids.len() > 1 {
            warnings.push(format!(
                "`{file}` has several entries `{KEY}`; all of them count"
            ));
        }

        if let Some(reason) = &version.unread {
            warnings.push(format!("`{file}` could be read only in part: {reason}"));
        }

        let mut damage = version.damage;
        let mut ids = version.ids.join(",");
        if ids.len() > LONGEST_IDS {
            ids.clear();
            let error = format!("its ids take more than {LONGEST_IDS} bytes");
            damage = Some(DamageKind::Unreadable { error });
        }

        // Behind the place that cannot be read a text may stand.
        let unread = version.unread.map(|error| {
            let kind = DamageKind::Unreadable { error };
            Damage::of(file, kind)
        });
        let mut case = Self {
            id,
            azure_ids: (!ids.is_empty()).then_some(ids),
            source: IdSource::Integration,
            texts: Texts {
                damage: unread,
                ..version.texts
            },
            variables: version.variables,
            masked_names: version.masked_names,
            masked: version.masked,
            damage: None,
            warnings,
        };

        if let Some(kind) = damage {
            case.lose_ids(Damage::of(file, kind));
        }
        case
    }

    fn read_sides(id: String, file: &str, sides: &Sides) -> Self {
        let mut ours = Self::read_version(id.clone(), file, &sides.ours);
        let mut theirs = Self::read_version(id, file, &sides.theirs);
        let conflict = Damage::at(file, sides.line, DamageKind::ConflictMarkers);
        // The run may have been made with either.
        ours.masked.merge(&theirs.masked);
        ours.masked_names.append(&mut theirs.masked_names);

        let is_agreed = ours.damage.is_none()
            && theirs.damage.is_none()
            && ours.azure_ids == theirs.azure_ids
            && (!ours.refers_to_variables() || ours.variables == theirs.variables);
        if !is_agreed {
            ours.azure_ids = None;
            ours.lose_ids(conflict);
            return ours;
        }
        if ours.texts != theirs.texts {
            ours.texts = Texts {
                damage: Some(conflict.clone()),
                ..Texts::default()
            };
        }

        ours.warnings
            .push(format!("{conflict}; both versions have the same ADO ids"));
        ours
    }

    /// Takes note of why the ids cannot be known.
    pub(super) fn lose_ids(&mut self, damage: Damage) {
        self.warnings
            .push(format!("{damage}; its ADO ids cannot be known"));
        self.damage = Some(damage);
    }

    fn refers_to_variables(&self) -> bool {
        self.azure_ids
            .as_deref()
            .is_some_and(|ids| ids.contains("${"))
    }
}

/// One version of the file's content.
#[derive(Default)]
struct Version {
    ids: Vec<String>,
    texts: Texts,
    variables: BTreeMap<String, String>,
    masked_names: BTreeSet<String>,
    masked: MaskedValues,
    has_doctype: bool,
    /// Why the ids cannot be known.
    damage: Option<DamageKind>,
    /// Why other parts were not read.
    unread: Option<String>,
}

impl Version {
    fn read(text: &str) -> Self {
        let mut file = OpenFile::default();
        let error = match file.read(text) {
            Ok(doctype) => return Self::of_whole(file, doctype, text),
            Err(error) => error,
        };

        // A raw `&`, as hands write it, is mended.
        let mended = escape::raw_ampersands(text);
        let mut again = OpenFile::default();
        if let Ok(doctype) = again.read(&mended) {
            return Self::of_whole(again, doctype, &mended);
        }

        // Damage elsewhere does not touch an entity that is whole, before it or behind it.
        let mut ids = again.ids;
        for entity in entities(&mended) {
            let mut alone = OpenFile::default();
            if ids.is_empty() && alone.read(entity).is_ok() {
                ids = alone.ids;
            }
        }

        let mut version = Self {
            ids,
            texts: again.texts,
            variables: again.variables,
            masked_names: again.masked_names,
            masked: again.masked,
            ..Self::default()
        };
        let reason = error.to_string();
        if version.ids.is_empty() && !names_no_id(&mended) {
            let lost = text::lost_content(text);
            version.damage = Some(lost.unwrap_or(DamageKind::Unreadable { error: reason }));
        } else {
            version.unread = Some(reason);
        }
        version
    }

    fn of_whole(file: OpenFile, doctype: Doctype, text: &str) -> Self {
        // Where zeros stand an entity may have stood.
        let damage = if file.ids.is_empty() {
            text::lost_content(text)
        } else {
            None
        };
        Self {
            ids: file.ids,
            texts: file.texts,
            variables: file.variables,
            masked_names: file.masked_names,
            masked: file.masked,
            has_doctype: doctype == Doctype::Skipped,
            damage,
            unread: None,
        }
    }
}

/// Whether a damaged text is there to its end, and names no ids in any form.
fn names_no_id(text: &str) -> bool {
    text.trim_end().ends_with("</TestCaseEntity>")
        && !text.contains(KEY)
        && text::lost_content(text).is_none()
}

/// The elements of integrations that have an end.
fn entities(text: &str) -> Vec<&str> {
    const START: &str = "<integratedEntity>";
    const END: &str = "</integratedEntity>";

    let mut starts: Vec<usize> = text.match_indices(START).map(|(at, _)| at).collect();
    starts.push(text.len());

    let mut entities = Vec::new();
    for bounds in starts.windows(2) {
        // One that has no end before the next begins is damaged itself.
        let entity = &text[bounds[0]..bounds[1]];
        if let Some(end) = entity.find(END) {
            entities.push(&entity[..end + END.len()]);
        }
    }
    entities
}

/// As much of a text as ids are looked for in.
fn searched(text: &str) -> &str {
    text::head(text, text::LONGEST_WITH_IDS)
}

/// What was read of the file so far, and the elements that are open.
#[derive(Default)]
struct OpenFile {
    product: String,
    /// Ids of the open entity. Its product can stand behind them, so they wait for its end.
    entity_ids: Vec<String>,
    key: String,
    value: String,
    variable_name: String,
    variable_default: String,
    variable_masked: bool,
    texts: Texts,
    ids: Vec<String>,
    variables: BTreeMap<String, String>,
    masked_names: BTreeSet<String>,
    masked: MaskedValues,
}

impl OpenFile {
    fn read(&mut self, text: &str) -> Result<Doctype, XmlError> {
        xml::walk(text.as_bytes(), |path, node| self.visit(path, &node))
    }

    fn visit(&mut self, path: &[String], node: &Node<'_>) {
        let Node::Close(text) = node else {
            return;
        };
        let (parent, element) = match path {
            [.., parent, element] => (parent.as_str(), element.as_str()),
            [element] => ("", element.as_str()),
            [] => return,
        };

        match (parent, element) {
            (ENTITY, "productName") => text.trim().clone_into(&mut self.product),
            ("entry", "key") => text.trim().clone_into(&mut self.key),
            ("entry", "value") => (*text).clone_into(&mut self.value),
            (_, "entry") => self.close_entry(),
            (_, ENTITY) => self.close_entity(),
            ("variable", "name") => text.trim().clone_into(&mut self.variable_name),
            ("variable", "defaultValue") => {
                text::head(text, LONGEST_DEFAULT).clone_into(&mut self.variable_default);
            }
            ("variable", "masked") => self.variable_masked = text.trim() == "true",
            (_, "variable") => self.close_variable(),
            (ROOT, "tag") => searched(text).clone_into(&mut self.texts.tag),
            (ROOT, "name") => searched(text.trim()).clone_into(&mut self.texts.name),
            (ROOT, "description") => searched(text).clone_into(&mut self.texts.description),
            _ => {}
        }
    }

    fn close_entry(&mut self) {
        // Real files have entries without a value. It is taken away here, so that none of them gets
        // the value of the entry before.
        let value = std::mem::take(&mut self.value);
        if std::mem::take(&mut self.key) == KEY && !value.trim().is_empty() {
            self.entity_ids.push(value);
        }
    }

    fn close_entity(&mut self) {
        let ids = std::mem::take(&mut self.entity_ids);
        if std::mem::take(&mut self.product).eq_ignore_ascii_case(PRODUCT) {
            self.ids.extend(ids);
        }
    }

    fn close_variable(&mut self) {
        // Taken away for the same reason as the value of an entry: a variable may have no default.
        let name = std::mem::take(&mut self.variable_name);
        let default = std::mem::take(&mut self.variable_default);
        let is_masked = std::mem::take(&mut self.variable_masked);

        if is_masked && self.masked_names.len() < MOST_VARIABLES {
            self.masked_names.insert(name.clone());
            // An expression is no value yet; what Katalon makes of it is not known here.
            if let VariableValue::Plain(value) = groovy(&default) {
                self.masked.note(&value);
            }
        }
        let is_name = !name.is_empty() && name.len() <= LONGEST_VARIABLE;
        if is_name && self.variables.len() < MOST_VARIABLES {
            self.variables.insert(name, default);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn entity(product: &str, entries: &str) -> String {
        format!(
            "<integratedEntity><productName>{product}</productName><properties>{entries}</properties>\
             <type>TESTCASE</type></integratedEntity>"
        )
    }

    fn read(inner: &str) -> TestCase {
        let file = format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\r\n<TestCaseEntity>{inner}</TestCaseEntity>"
        );
        TestCase::read("Test Cases/A".to_owned(), file.as_bytes())
    }

    const IDS: &str = "<entry><key>azure.testcase.ids</key><value>545, 8562\n</value></entry>";

    #[test]
    fn the_ids_of_the_azure_entity_are_read_as_written() {
        let case = read(&(entity("JIRA", IDS.replace('5', "9").as_str()) + &entity("Azure", IDS)));
        assert_eq!(case.azure_ids.as_deref(), Some("545, 8562\n"));
        assert_eq!(case.warnings, [""; 0]);
    }

    #[test]
    fn ids_that_are_far_too_long_cannot_be_known() {
        let long = IDS.replace("545", &"5,".repeat(LONGEST_IDS));

        let case = read(&entity("Azure", &long));

        assert_eq!(case.azure_ids, None);
        assert!(case.damage.is_some());
    }

    #[test]
    fn the_values_of_masked_variables_are_known_and_those_of_others_are_not() {
        let variable = |masked: &str, default: &str, name: &str| {
            format!(
                "<variable><defaultValue>{default}</defaultValue><id>1</id><masked>{masked}</masked>\
                 <name>{name}</name></variable>"
            )
        };
        let variables = [
            variable("true", "'hunter2'", "password"),
            variable("false", "'shown'", "user"),
            variable("true", "GlobalVariable.pin", "pin"),
            variable("true", "", "empty"),
        ];

        let case = read(&variables.concat());

        assert_eq!(case.masked.longest_first(), ["hunter2"]);
        assert_eq!(case.masked_names.len(), 3);
        assert_eq!(case.variables.len(), 4);
    }

    #[test]
    fn a_default_that_is_far_too_long_is_no_value() {
        let default = format!("'{}'", "1".repeat(LONGEST_DEFAULT));
        let variable =
            format!("<variable><defaultValue>{default}</defaultValue><name>id</name></variable>");

        let case = read(&variable);

        let value = crate::katalon::run::binding::groovy(&case.variables["id"]);
        assert!(matches!(
            value,
            crate::katalon::run::VariableValue::Expression(_)
        ));
    }

    #[test]
    fn an_entry_without_value_is_no_id() {
        assert_eq!(
            read(&entity(
                "Azure",
                "<entry><key>azure.testcase.ids</key></entry>"
            ))
            .azure_ids,
            None
        );
        assert_eq!(
            read(&entity(
                "Azure",
                "<entry><key>azure.testcase.ids</key><value/></entry>"
            ))
            .azure_ids,
            None
        );
    }

    #[test]
    fn variables_have_their_default_values() {
        let case = read(
            "<variable><defaultValue>'12'</defaultValue><description></description><id>1</id>\
             <masked>false</masked><name>ado_id</name></variable><variable><name>b</name></variable>",
        );
        assert_eq!(
            case.variables.get("ado_id").map(String::as_str),
            Some("'12'")
        );
        assert_eq!(case.variables.get("b").map(String::as_str), Some(""));
    }

    fn read_raw(bytes: &[u8]) -> TestCase {
        TestCase::read("Test Cases/A".to_owned(), bytes)
    }

    fn file(inner: &str) -> String {
        format!("<?xml version=\"1.0\"?>\n<TestCaseEntity>\n{inner}\n</TestCaseEntity>\n")
    }

    #[test]
    fn damage_outside_of_the_entity_costs_no_id() {
        let azure = entity("Azure", IDS);
        for text in [
            file(&format!("<description>a & b &x</description>{azure}")),
            file(&format!("<description>a < b</description>{azure}")),
            file(&format!("{azure}<b>")),
            format!("<TestCaseEntity>{azure}<vari"),
        ] {
            let case = read_raw(text.as_bytes());

            assert_eq!(case.azure_ids.as_deref(), Some("545, 8562\n"), "{text}");
            assert_eq!(case.damage, None, "{text}");
        }
    }

    #[test]
    fn a_raw_ampersand_costs_no_variable() {
        let case = read(
            "<description>a & b</description>\
             <variable><name>x</name><defaultValue>1 & 2</defaultValue></variable>",
        );

        assert_eq!(case.variables.get("x").map(String::as_str), Some("1 & 2"));
        assert_eq!(case.warnings, [""; 0]);
    }

    #[test]
    fn ids_that_cannot_be_known_are_not_none() {
        let azure = entity("Azure", IDS);
        for text in [
            String::new(),
            "\0".repeat(300),
            format!("<TestCaseEntity>{}", &azure[..azure.len() - 30]),
            "<TestCaseEntity><name>A</name>".to_owned(),
            "Version https://git-lfs.github.com/spec/v1".to_owned(),
            file(&format!("{}<b>", azure.replace("</integratedEntity>", ""))),
            file(&"\0".repeat(100)),
        ] {
            let case = read_raw(text.as_bytes());

            assert!(case.damage.is_some(), "{text:?}");
            assert_eq!(case.azure_ids, None, "{text:?}");
            assert_eq!(case.warnings.len(), 1, "{text:?}");
        }
    }

    #[test]
    fn a_damaged_file_that_names_no_id_to_its_end_has_none() {
        let case = read_raw(file("<description>a < b</description>").as_bytes());

        assert_eq!(case.azure_ids, None);
        assert_eq!(case.damage, None);
    }

    #[test]
    fn both_sides_of_a_conflict_have_to_name_the_same_ids() {
        let conflict = |ours: &str, theirs: &str| {
            format!("\n<<<<<<< HEAD\n{ours}\n=======\n{theirs}\n>>>>>>> x\n")
        };
        let azure = entity("Azure", IDS);
        let other = azure.replace('5', "9");

        let same = read_raw(file(&(conflict("<tag/>", "<tag>a</tag>") + &azure)).as_bytes());
        let differing = read_raw(file(&conflict(&azure, &other)).as_bytes());
        let one_sided = read_raw(file(&conflict(&azure, "")).as_bytes());

        assert_eq!(same.azure_ids.as_deref(), Some("545, 8562\n"));
        assert_eq!(same.damage, None);
        for case in [differing, one_sided] {
            assert_eq!(case.azure_ids, None);
            assert_eq!(
                case.damage.unwrap().to_string(),
                "`Test Cases/A.tc` holds conflict markers of a merge (line 4)"
            );
        }
    }

    #[test]
    fn ids_by_a_variable_need_one_value_of_it() {
        let entity = entity(
            "Azure",
            "<entry><key>azure.testcase.ids</key><value>${x}</value></entry>",
        );
        let variable = |value: u32| {
            format!("<variable><name>x</name><defaultValue>{value}</defaultValue></variable>")
        };
        let conflict = format!(
            "{entity}\n<<<<<<< HEAD\n{}\n=======\n{}\n>>>>>>> x\n",
            variable(1),
            variable(2)
        );

        assert!(read_raw(file(&conflict).as_bytes()).damage.is_some());
    }

    #[test]
    fn a_doctype_is_a_warning() {
        assert_eq!(
            TestCase::read("A".to_owned(), b"<!DOCTYPE x><a/>")
                .warnings
                .len(),
            1
        );
    }

    proptest! {
        #[test]
        fn no_bytes_make_the_reader_panic(text in r"[<>/&;!\[\]a-c= ']{0,80}") {
            TestCase::read("A".to_owned(), text.as_bytes());
        }
    }
}
