//! What a web page calls itself. It comes from anybody, so it is read for people only.

/// Words that say it all; pages of filters put whole sentences into their title.
const LONGEST: usize = 200;

/// Signs that a page has to write with letters.
const ENTITIES: [(&str, &str); 6] = [
    ("&lt;", "<"),
    ("&gt;", ">"),
    ("&quot;", "\""),
    ("&#39;", "'"),
    ("&nbsp;", " "),
    // Last, because it begins the others.
    ("&amp;", "&"),
];

/// The title of a page, else its first heading; `None` when it has neither, or they are empty.
pub(super) fn title(page: &str) -> Option<String> {
    text_of(page, "title").or_else(|| text_of(page, "h1"))
}

/// The text of the first element of this name.
fn text_of(page: &str, name: &str) -> Option<String> {
    // Lower case in ASCII only, so that places are the same in both.
    let lower = page.to_ascii_lowercase();
    let begin = lower.find(&format!("<{name}"))?;
    let begin = begin + lower[begin..].find('>')? + 1;
    let end = lower[begin..]
        .find(&format!("</{name}"))
        .map_or(page.len(), |length| begin + length);

    let mut text = without_tags(&page[begin..end]);
    for (entity, sign) in ENTITIES {
        text = text.replace(entity, sign);
    }

    // Line ends and all that could forge a line of a log are blanks.
    let text = text.replace(char::is_control, " ");
    let words: Vec<&str> = text.split_whitespace().collect();
    let text: String = words.join(" ").chars().take(LONGEST).collect();
    (!text.is_empty()).then_some(text)
}

fn without_tags(text: &str) -> String {
    let mut outside = String::new();
    let mut is_in_tag = false;
    for sign in text.chars() {
        match sign {
            '<' => is_in_tag = true,
            '>' => is_in_tag = false,
            _ if !is_in_tag => outside.push(sign),
            _ => {}
        }
    }
    outside
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_called_as_it_calls_itself() {
        for (page, expected) in [
            (
                "<html><TITLE lang=de>\r\n Zugriff\tverweigert </Title>",
                "Zugriff verweigert",
            ),
            ("<title>R&amp;D &lt;filter&gt;</title>", "R&D <filter>"),
            (
                "<title></title><h1>Not <b>this</b> one</h1>",
                "Not this one",
            ),
            ("<title>never closed", "never closed"),
            ("<title>a\u{1b}[31mb</title>", "a [31mb"),
        ] {
            assert_eq!(title(page).as_deref(), Some(expected), "{page}");
        }
    }

    #[test]
    fn a_page_without_a_title_has_none() {
        for page in ["", "<html>no", "<title", "<title> </title>", "plain text"] {
            assert_eq!(title(page), None, "{page}");
        }
    }

    #[test]
    fn a_long_title_is_cut() {
        let page = format!("<title>{}</title>", "ü".repeat(5000));

        assert_eq!(title(&page).unwrap().chars().count(), LONGEST);
    }
}
