//! Each claim about a splice on files as Katalon writes them, on odd ones, and on generated ones.

#[cfg(test)]
use proptest::prelude::*;

use super::*;

const PLAIN: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<TestCaseEntity>\n   \
                     <description>a &amp; b</description>\n   <name>Login</name>\n   <tag></tag>\n   \
                     <comment></comment>\n   <testCaseGuid>1</testCaseGuid>\n</TestCaseEntity>\n";

const MAPPED: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<TestCaseEntity>\n   \
                      <description>a &amp; b</description>\n   <name>Login</name>\n   <tag></tag>\n   \
                      <integratedEntity>\n      <productName>Azure</productName>\n      \
                      <properties>\n         <entry>\n            <key>azure.testcase.ids</key>\n            \
                      <value>1865</value>\n         </entry>\n      </properties>\n      \
                      <type>TESTCASE</type>\n   </integratedEntity>\n   <comment></comment>\n   \
                      <testCaseGuid>1</testCaseGuid>\n</TestCaseEntity>\n";

const ID: &str = "Test Cases/Login";

fn set(text: &str, ids: &str) -> String {
    String::from_utf8(with_ids(ID, text.as_bytes(), ids).unwrap()).unwrap()
}

fn cleared(text: &str) -> String {
    String::from_utf8(without_ids(ID, text.as_bytes()).unwrap()).unwrap()
}

fn refusal(bytes: &[u8]) -> NoSplice {
    with_ids(ID, bytes, "1").unwrap_err()
}

/// The file of a test case with this in the place of integrations.
fn file(inner: &str) -> String {
    PLAIN.replace(
        "<tag></tag>\n",
        &format!("<tag></tag>\n   {}\n", inner.replace('\n', "\n   ")),
    )
}

fn ids_in(text: &str) -> Option<String> {
    TestCase::read(ID.to_owned(), text.as_bytes()).azure_ids
}

#[test]
fn new_ids_have_katalons_form_and_place() {
    assert_eq!(set(PLAIN, "1865"), MAPPED);
}

#[test]
fn ids_that_are_taken_out_leave_the_file_as_it_was() {
    assert_eq!(cleared(MAPPED), PLAIN);
    assert_eq!(cleared(PLAIN), PLAIN);
}

#[test]
fn other_ids_change_nothing_but_the_value() {
    assert_eq!(set(MAPPED, "7, 8"), MAPPED.replace("1865", "7, 8"));
    assert_eq!(set(&set(MAPPED, "7"), "1865"), MAPPED);
}

#[test]
fn the_ids_that_stand_there_leave_every_byte() {
    let odd = MAPPED.replace("1865", "&#49;<![CDATA[865]]>");

    assert_eq!(set(&odd, "1865"), odd);
}

#[test]
fn line_ends_mark_and_indentation_of_a_file_are_kept() {
    for change in [
        |text: &str| text.replace('\n', "\r\n"),
        |text: &str| format!("\u{feff}{text}"),
        |text: &str| text.replace("   ", "\t"),
        |text: &str| text.replace("   ", "    "),
    ] {
        assert_eq!(set(&change(PLAIN), "1865"), change(MAPPED));
        assert_eq!(cleared(&change(MAPPED)), change(PLAIN));
    }
}

#[test]
fn a_new_element_stands_behind_those_of_other_products() {
    let jira = "<integratedEntity>\n   <productName>JIRA</productName>\n   <properties/>\n   \
                <type>TESTCASE</type>\n</integratedEntity>";

    let text = set(&file(jira), "1865");

    let azure = &MAPPED[MAPPED.find("   <integratedEntity>").unwrap()..];
    let azure = &azure[..azure.find("   <comment>").unwrap()];
    assert_eq!(
        text,
        file(jira).replace("   <comment>", &format!("{azure}   <comment>"))
    );
    assert_eq!(cleared(&text), file(jira));
}

#[test]
fn what_belongs_to_other_products_is_not_touched() {
    let jira = MAPPED.replace("Azure", "JIRA");

    assert_eq!(cleared(&jira), jira);
    assert_eq!(cleared(&set(&jira, "1")), jira);
}

#[test]
fn a_file_in_one_line_and_one_without_a_tag_are_spliced_as_well() {
    let without_tag = PLAIN.replace("   <tag></tag>\n", "");
    let in_one_line = PLAIN.replace("\n   ", "").replace('\n', "");
    let empty = "<TestCaseEntity></TestCaseEntity>".to_owned();

    for text in [without_tag, in_one_line, empty] {
        let spliced = set(&text, "1865,${id}");

        assert_eq!(ids_in(&spliced).as_deref(), Some("1865,${id}"));
        assert_eq!(cleared(&spliced), text);
    }
}

#[test]
fn elements_of_odd_forms_get_their_ids() {
    for inner in [
        "<productName>azure</productName>",
        "<productName>Azure</productName><properties/>",
        "\n   <productName>Azure</productName>\n   <properties id='1' />",
        "\n   <productName>Azure</productName>\n   <properties>\n   </properties>",
        "<productName> Azure\n</productName><properties><entry><key>azure.testcase.ids</key></entry></properties>",
        "<properties><entry><key>azure.testcase.ids</key><value x=\"1\"/></entry></properties><productName>Azure</productName>",
        "<productName>Azure</productName><properties><entry><value><!-- none --></value><key>azure.testcase.ids</key></entry></properties>",
    ] {
        let text = file(&format!(
            "<integratedEntity a=\"1\">\n   <type>TESTCASE</type>{inner}\n</integratedEntity>"
        ));

        let spliced = set(&text, "7");

        assert_eq!(ids_in(&spliced).as_deref(), Some("7"), "{spliced}");
        assert_eq!(cleared(&spliced), cleared(&text), "{spliced}");
    }
}

#[test]
fn of_several_elements_one_is_left() {
    let entity = &MAPPED[MAPPED.find("<integratedEntity>").unwrap()..];
    let entity = &entity[..entity.find("\n   <comment>").unwrap()];
    let twice = MAPPED.replace(
        entity,
        &format!("{entity}\n   {}", entity.replace("1865", "1866")),
    );

    assert_eq!(ids_in(&twice).as_deref(), Some("1865,1866"));
    assert_eq!(set(&twice, "1865,1866"), twice);
    assert_eq!(set(&twice, "9"), MAPPED.replace("1865", "9"));
    assert_eq!(cleared(&twice), PLAIN);
}

#[test]
fn other_entries_of_the_integration_stay() {
    let other = "         <entry>\n            <key>azure.other</key>\n            \
                 <value>x</value>\n         </entry>\n";
    let both = MAPPED.replace(
        "      </properties>",
        &format!("{other}      </properties>"),
    );

    let without = cleared(&both);

    assert_eq!(ids_in(&without), None);
    assert!(without.contains(other), "{without}");
    assert_eq!(
        set(&without, "1865"),
        both.replace(other, "").replace(
            "      <properties>\n",
            &format!("      <properties>\n{other}")
        )
    );
}

#[test]
fn comments_and_quotations_are_no_elements() {
    let quoted = PLAIN
        .replace(
            "a &amp; b",
            "<![CDATA[<integratedEntity><productName>Azure</productName></integratedEntity>]]>",
        )
        .replace(
            "   <comment>",
            "   <!-- <integratedEntity> </tag> -->\n   <comment>",
        );

    assert_eq!(cleared(&quoted), quoted);
    assert_eq!(cleared(&set(&quoted, "1")), quoted);
    assert_eq!(ids_in(&set(&quoted, "1")).as_deref(), Some("1"));
}

#[test]
fn signs_of_xml_in_a_variable_are_escaped() {
    let spliced = set(PLAIN, "${a&b<c>ü}");

    assert!(spliced.contains("<value>${a&amp;b&lt;c&gt;ü}</value>"));
    assert_eq!(ids_in(&spliced).as_deref(), Some("${a&b<c>ü}"));
}

#[test]
fn a_damaged_file_is_refused_with_the_reason() {
    let utf16: Vec<u8> = "\u{feff}<TestCaseEntity/>"
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    let conflict = file("\n<<<<<<< a\n<x/>\n=======\n<y/>\n>>>>>>> b\n").replace("\n   ", "\n");
    let other_encoding = PLAIN.replace("UTF-8", "ISO-8859-1");

    let reasons: Vec<String> = [
        utf16.as_slice(),
        b"\xEF\xBB\xBF<TestCaseEntity>\xFC</TestCaseEntity>",
        conflict.as_bytes(),
        b"",
        &[0; 20],
        PLAIN.replace("&amp;", "&").as_bytes(),
        &PLAIN.as_bytes()[..100],
        PLAIN
            .replace("<TestCaseEntity>", "<!DOCTYPE x><TestCaseEntity>")
            .as_bytes(),
        b"<WebElementEntity><name>a</name></WebElementEntity>",
        b"<TestCaseEntity/>",
    ]
    .map(|bytes| refusal(bytes).to_string())
    .into();
    let in_other_encoding = with_ids(ID, other_encoding.as_bytes(), "${ü}").unwrap_err();

    insta::assert_snapshot!(reasons.join("\n"), @r"
    `Test Cases/Login.tc` is UTF-16, which Katalon does not write; save it again in Katalon, or restore it from version control
    `Test Cases/Login.tc` is not UTF-8, which Katalon writes; save it as UTF-8 first
    `Test Cases/Login.tc` holds conflict markers of a merge (line 7); save it again in Katalon, or restore it from version control
    `Test Cases/Login.tc` is empty; save it again in Katalon, or restore it from version control
    `Test Cases/Login.tc` holds zero bytes, as after a power cut; save it again in Katalon, or restore it from version control
    `Test Cases/Login.tc` cannot be read: the XML is damaged at byte 77: ill-formed document: entity or character reference not closed: `;` not found before end of input; save it again in Katalon, or restore it from version control
    `Test Cases/Login.tc` cannot be read: the XML is damaged at byte 99: syntax error: tag not closed: `>` not found before end of input; save it again in Katalon, or restore it from version control
    `Test Cases/Login.tc` has a DOCTYPE, which Katalon never writes; remove it first
    `Test Cases/Login.tc` is no test case of Katalon: its outermost element is not `TestCaseEntity`
    `Test Cases/Login.tc` is no test case of Katalon: its outermost element is not `TestCaseEntity`
    ");
    assert_eq!(
        in_other_encoding,
        NoSplice::NotUtf8 {
            file: format!("{ID}.tc")
        }
    );
}

#[test]
fn what_xml_cannot_hold_is_refused() {
    for ids in ["1\0", "1\r", "\u{1b}", "1\u{fffe}", "1\u{ffff}"] {
        let refused = with_ids(ID, PLAIN.as_bytes(), ids);

        assert!(
            matches!(refused, Err(NoSplice::Forbidden { .. })),
            "{ids:?}"
        );
    }
    assert_eq!(with_ids(ID, PLAIN.as_bytes(), " \n"), Err(NoSplice::NoIds));
}

/// A text between two elements: blanks, or a comment.
fn gap() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("\n   ".to_owned()),
        Just("\r\n\t".to_owned()),
        Just(String::new()),
        Just(" <!-- a > b --> ".to_owned()),
        r"[ \n]{0,3}".prop_map(String::from),
    ]
}

/// A file in Katalon's order with any texts and gaps; other products may have elements in it.
fn files() -> impl Strategy<Value = String> {
    let text = r"[a-zü&<>\]\[ ]{0,12}".prop_map(|text| escaped(&text));
    let product = prop_oneof![Just("JIRA"), Just("TESTOPS"), Just("Azure2")];
    let element = (product, gap()).prop_map(|(product, gap)| {
        format!(
            "<integratedEntity>{gap}<productName>{product}</productName>{gap}<properties><entry>\
             <key>azure.testcase.ids</key><value>9</value></entry></properties></integratedEntity>"
        )
    });

    let others = proptest::collection::vec((element, gap()), 0..3);
    (gap(), gap(), text, others, any::<bool>()).prop_map(|(one, two, text, others, is_marked)| {
        let mark = if is_marked { "\u{feff}" } else { "" };
        let mut file =
            format!("{mark}<TestCaseEntity>{one}<name>{text}</name>{two}<tag>{text}</tag>{one}");
        for (element, gap) in others {
            file.push_str(&element);
            file.push_str(&gap);
        }
        file + "<comment/>" + &two + "</TestCaseEntity>\n"
    })
}

proptest! {
    #[test]
    fn every_set_is_read_back_and_taken_back(text in files(), ids in r"[1-9][0-9]{0,9}(,[1-9][0-9]{0,3}){0,2}") {
        let spliced = set(&text, &ids);

        prop_assert_eq!(ids_in(&spliced), Some(ids.clone()));
        prop_assert_eq!(cleared(&spliced), text.clone());
        prop_assert_eq!(set(&set(&spliced, "5"), &ids), spliced);
    }

    #[test]
    fn no_bytes_make_it_panic(text in r"(<|>|/|&|;|!|\[|\]|a|\n|<integratedEntity>|</integratedEntity>|<TestCaseEntity>|</TestCaseEntity>|<productName>Azure</productName>|<entry>|<key>azure.testcase.ids</key>|</entry>|<value/>){0,20}") {
        if let Ok(spliced) = with_ids(ID, text.as_bytes(), "1") {
            prop_assert_eq!(ids_in(std::str::from_utf8(&spliced).unwrap()), Some("1".to_owned()));
        }
        let _ = without_ids(ID, text.as_bytes());
    }
}
