//! What is written reads back as what was described.

mod files;
mod log;

use std::collections::HashMap;
use std::fs;
use std::path::Path;

use quick_xml::Reader;
use quick_xml::events::Event;

use crate::*;

fn mixed(generation: Generation) -> SuiteRunWriter {
    SuiteRunWriter::new("Test Suites/A/B & C")
        .generation(generation)
        .retries(1)
        .test(Test::passed("Test Cases/One"))
        .test(Test::failed("Test Cases/Two 'x'", "is <wrong> & \"bad\"").screenshot())
        .test(Test::error("Test Cases/Three", "no such thing"))
        .test(
            Test::passed("Test Cases/Four")
                .after(Attempt::new(Status::Failed, "once").screenshot()),
        )
        .test(
            Test::passed("Test Cases/Five")
                .variable("id", "7")
                .with_variable(Variable::new("pw", "hidden").masked()),
        )
        .test(Test::skipped("Test Cases/Six"))
}

/// Every file below a folder with its bytes.
fn tree(folder: &Path) -> HashMap<String, Vec<u8>> {
    let entries = fs::read_dir(folder).unwrap();
    entries
        .map(|entry| entry.unwrap())
        .map(|entry| {
            (
                entry.file_name().into_string().unwrap(),
                fs::read(entry.path()).unwrap(),
            )
        })
        .collect()
}

fn text(folder: &Path, name: &str) -> String {
    fs::read_to_string(folder.join(name)).unwrap()
}

/// Parses the text as XML to its end and returns the attribute values of an element.
fn attributes(xml: &str, element: &str, name: &str) -> Vec<String> {
    let mut reader = Reader::from_str(xml);
    let mut found = Vec::new();

    loop {
        match reader.read_event().unwrap() {
            Event::Eof => return found,
            Event::Start(tag) | Event::Empty(tag) if tag.name().as_ref() == element => {
                let value = tag.try_get_attribute(name).unwrap();
                found.extend(value.map(|value| value.value.into_owned()));
            }
            _ => {}
        }
    }
}
