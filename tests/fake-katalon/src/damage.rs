//! Damage that real logs have, done to a finished run.

use std::fs;
use std::io;
use std::path::Path;

use crate::record::{FOOTER, HEADER};

/// A kind of damage to `execution0.log`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Damage {
    /// The file ends in the middle of its last record.
    CutLastRecord,
    /// The closing `</log>` is missing.
    NoFooter,
    /// A second document stands behind `</log>`: the IDE appended a record hours later.
    SecondDocument,
    /// The same without a line end between the two.
    SecondDocumentOnSameLine,
    /// What Katalon's own repair leaves of a second document: a `DOCTYPE` between records.
    StrayDoctype,
}

impl Damage {
    /// Does it to the log in a run folder.
    pub fn apply(self, folder: &Path) -> io::Result<()> {
        let path = folder.join("execution0.log");
        let text = fs::read_to_string(&path)?;
        fs::write(path, self.damaged(&text))
    }

    fn damaged(self, text: &str) -> String {
        let body = text.trim_end().trim_end_matches("</log>");
        let late = late_record(body);

        match self {
            Self::CutLastRecord => {
                let start = body.rfind("<record>").unwrap_or(0);
                let cut = start + (body.len() - start) / 2;
                body.char_indices()
                    .take_while(|(at, _)| *at < cut)
                    .map(|(_, c)| c)
                    .collect()
            }
            Self::NoFooter => body.to_owned(),
            Self::SecondDocument => format!("{body}{FOOTER}{HEADER}{late}{FOOTER}"),
            Self::SecondDocumentOnSameLine => format!("{body}</log>{HEADER}{late}{FOOTER}"),
            Self::StrayDoctype => {
                format!("{body}<!DOCTYPE log SYSTEM \"logger.dtd\">\n{late}{FOOTER}")
            }
        }
    }
}

/// A record that the IDE adds five hours after the last one, in the same generation's form.
fn late_record(body: &str) -> String {
    let modern = body.contains("<nanos>");
    let millis = last_millis(body) + 5 * 3_600_000;
    let zone = jiff::tz::TimeZone::UTC;
    let date = if modern {
        crate::moments::instant(millis, 0)
    } else {
        crate::moments::local_date(millis, &zone)
    };
    let nanos = if modern { "  <nanos>0</nanos>\n" } else { "" };

    format!(
        "<record>\n  <date>{date}</date>\n  <millis>{millis}</millis>\n{nanos}  <sequence>12877</sequence>\n  <level>INFO</level>\n  <class>com.kms.katalon.core.logging.XmlKeywordLogger</class>\n  <method>logMessage</method>\n  <thread>1</thread>\n  <message>Evaluating variables for the data preview</message>\n  <nestedLevel>0</nestedLevel>\n  <escapedJava>false</escapedJava>\n</record>\n"
    )
}

fn last_millis(body: &str) -> i64 {
    let tail = body
        .rsplit("<millis>")
        .next()
        .and_then(|rest| rest.split('<').next());
    tail.and_then(|digits| digits.parse().ok()).unwrap_or(0)
}
