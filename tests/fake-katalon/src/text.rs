//! The escapings that Katalon stacks upon each other, and the order of a Java hash map.

/// Escapes for XML 1.0 as Katalon does: all five entities; characters that XML forbids are dropped.
pub(crate) fn xml(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&apos;"),
            '\t' | '\n' | '\r' => out.push(c),
            c if c < ' ' || c == '\u{fffe}' || c == '\u{ffff}' => {}
            c => out.push(c),
        }
    }

    out
}

/// Escapes as `java.util.logging.XMLFormatter` does: three entities only.
pub(crate) fn jul(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

/// The text of a record's `message`: escaped by Katalon, then once more by the formatter.
pub(crate) fn message(text: &str) -> String {
    jul(&xml(text))
}

/// An attribute value as the JUnit writer has it: line ends as character references.
pub(crate) fn attribute(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
        .replace('\r', "&#xd;")
        .replace('\n', "&#xa;")
}

/// A CDATA section; an end mark inside is split.
pub(crate) fn cdata(text: &str) -> String {
    format!("<![CDATA[{}]]>", text.replace("]]>", "]]]]><![CDATA[>"))
}

/// A Groovy string literal, as values stand in `testCaseBinding` and in a `.tc`.
pub(crate) fn groovy_literal(value: &str) -> String {
    let escaped = value
        .replace('\\', "\\\\")
        .replace('\'', "\\'")
        .replace('\n', "\\n");
    format!("'{escaped}'")
}

/// The text, cut to `length` characters with three points as Apache Commons abbreviates.
pub(crate) fn abbreviate(text: &str, length: usize) -> String {
    if text.chars().count() <= length {
        return text.to_owned();
    }

    let head: String = text.chars().take(length - 3).collect();
    format!("{head}...")
}

/// Sorts pairs as a `java.util.HashMap` would hand them out.
pub(crate) fn hash_map_order<V>(pairs: &mut [(String, V)]) {
    let mut buckets = 16_u32;
    while pairs.len() * 4 > buckets as usize * 3 {
        buckets *= 2;
    }

    pairs.sort_by_key(|(key, _)| bucket(key, buckets));
}

fn bucket(key: &str, buckets: u32) -> u32 {
    let hash = key.encode_utf16().fold(0_u32, |hash, unit| {
        hash.wrapping_mul(31).wrapping_add(u32::from(unit))
    });
    (hash ^ (hash >> 16)) & (buckets - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_escaped_twice_and_a_property_once() {
        assert_eq!(
            message("a 'b' < \"c\" & d"),
            "a &amp;apos;b&amp;apos; &amp;lt; &amp;quot;c&amp;quot; &amp;amp; d"
        );
        assert_eq!(xml("it's <1>"), "it&apos;s &lt;1&gt;");
    }

    #[test]
    fn characters_that_xml_forbids_are_dropped() {
        assert_eq!(xml("a\u{1}b\tc"), "ab\tc");
    }

    #[test]
    fn pairs_come_in_the_order_of_a_java_hash_map() {
        let names = [
            "hostName",
            "os",
            "hostAddress",
            "katalonVersion",
            "sessionId",
            "browser",
            "platform",
            "seleniumVersion",
            "proxyInformation",
        ];
        let mut pairs: Vec<(String, ())> =
            names.iter().map(|name| ((*name).to_owned(), ())).collect();
        hash_map_order(&mut pairs);
        let order: Vec<&str> = pairs.iter().map(|(name, ())| name.as_str()).collect();

        assert_eq!(
            order,
            [
                "hostName",
                "os",
                "katalonVersion",
                "browser",
                "hostAddress",
                "sessionId",
                "seleniumVersion",
                "proxyInformation",
                "platform"
            ]
        );
    }
}
