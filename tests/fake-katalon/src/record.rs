//! One record of `execution0.log`.

use jiff::tz::TimeZone;

use crate::generation::Generation;
use crate::moments;
use crate::text;

/// The three lines that open every part of a log.
pub(crate) const HEADER: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"no\"?>\n<!DOCTYPE log SYSTEM \"logger.dtd\">\n<log>\n";

/// The line that closes a part in order.
pub(crate) const FOOTER: &str = "</log>\n";

/// A record before it is put into words.
#[derive(Clone, Debug)]
pub(crate) struct Record {
    pub millis: i64,
    pub sequence: u64,
    pub level: &'static str,
    pub method: &'static str,
    pub message: String,
    pub exception: Option<Exception>,
    pub nested: u32,
    pub properties: Vec<(String, String)>,
}

/// The JDK's form of a throwable.
#[derive(Clone, Debug)]
pub(crate) struct Exception {
    pub message: String,
    pub frames: Vec<(String, String, String)>,
}

impl Record {
    /// The record as Katalon's formatter prints it, with its line end.
    pub(crate) fn to_xml(&self, generation: Generation, zone: &TimeZone) -> String {
        let mut out = String::from("<record>\n");
        if generation.has_nanos() {
            let nanos = self.sub_milli();
            element(&mut out, "date", &moments::instant(self.millis, nanos));
            element(&mut out, "millis", &self.millis.to_string());
            element(&mut out, "nanos", &nanos.to_string());
        } else {
            element(&mut out, "date", &moments::local_date(self.millis, zone));
            element(&mut out, "millis", &self.millis.to_string());
        }

        element(&mut out, "sequence", &self.sequence.to_string());
        element(&mut out, "level", self.level);
        element(
            &mut out,
            "class",
            "com.kms.katalon.core.logging.XmlKeywordLogger",
        );
        element(&mut out, "method", self.method);
        element(&mut out, "thread", "1");
        element(&mut out, "message", &text::message(&self.message));
        if let Some(exception) = &self.exception {
            exception.write(&mut out);
        }

        element(&mut out, "nestedLevel", &self.nested.to_string());
        element(&mut out, "escapedJava", "false");

        for (name, value) in &self.properties {
            out.push_str(&format!(
                "  <property name=\"{}\">{}</property>\n",
                text::xml(name),
                text::xml(value)
            ));
        }

        out.push_str("</record>\n");

        out
    }

    /// Nanoseconds below the millisecond: 100 ns steps, as Windows counts.
    fn sub_milli(&self) -> u32 {
        (self.sequence as u32).wrapping_mul(7919) % 10_000 * 100
    }
}

impl Exception {
    /// Reads the frames of a printed stack.
    pub(crate) fn from_stack(stack: &str) -> Self {
        let message = stack.lines().next().unwrap_or_default().to_owned();
        let frames = stack.lines().filter_map(frame).collect();
        Self { message, frames }
    }

    fn write(&self, out: &mut String) {
        out.push_str("  <exception>\n");
        out.push_str(&format!(
            "    <message>{}</message>\n",
            text::jul(&self.message)
        ));

        for (class, method, line) in &self.frames {
            out.push_str("    <frame>\n");
            out.push_str(&format!("      <class>{}</class>\n", text::jul(class)));
            out.push_str(&format!("      <method>{}</method>\n", text::jul(method)));
            out.push_str(&format!("      <line>{line}</line>\n    </frame>\n"));
        }

        out.push_str("  </exception>\n");
    }
}

/// `\tat a.b.C.method(File:12)` as class, method and line.
fn frame(line: &str) -> Option<(String, String, String)> {
    let (place, source) = line.trim().strip_prefix("at ")?.split_once('(')?;
    let (class, method) = place.rsplit_once('.')?;
    let number = source.trim_end_matches(')').rsplit(':').next()?;
    number.parse::<u32>().ok()?;

    Some((class.to_owned(), method.to_owned(), number.to_owned()))
}

fn element(out: &mut String, name: &str, value: &str) {
    out.push_str(&format!("  <{name}>{value}</{name}>\n"));
}
