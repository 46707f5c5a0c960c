//! Texts in a place that Azure DevOps shows as Markdown: the comment of a test run
//! (`MicrosoftDocs/azure-devops-docs`, `docs/test/test-runs.md`).
//!
//! Names of suites, machines and files are whatever people called them, and must neither become
//! headings, links to work items or HTML, nor lose a letter. Older servers show the same text as it
//! is, so no more is escaped than what would become markup where it stands: `Sign_in` stays as it
//! is. What stands in back-ticks is code to Markdown, in which nothing is markup; a URL becomes a
//! link by itself. Both are left alone.

/// A line break that Markdown keeps as one; two blanks that nobody sees elsewhere.
pub(super) const BREAK: &str = "  \n";

/// The text with everything escaped that would become markup, and its line breaks kept.
pub(super) fn lines(text: &str) -> String {
    let lines: Vec<String> = text.split('\n').map(line).collect();
    lines.join(BREAK)
}

/// One line, or the content of a bullet, with everything escaped that would become markup.
pub(crate) fn line(text: &str) -> String {
    // Four blanks at the beginning of a bullet would make it code.
    let text = text.trim_start_matches([' ', '\t']);
    let mut escaped = String::with_capacity(text.len() + 8);
    let mut rest = text;
    let mut before = None;

    if let Some(marker) = begins_block(text) {
        escaped.push_str(&text[..marker]);
        escaped.push('\\');
        let sign = text[marker..].chars().next();
        escaped.extend(sign);
        before = sign;
        rest = &text[marker + sign.map_or(0, char::len_utf8)..];
    }

    while let Some(letter) = rest.chars().next() {
        let whole = match letter {
            '`' => code(rest),
            'h' => address(rest),
            _ => None,
        };
        if let Some(length) = whole {
            escaped.push_str(&rest[..length]);
            before = rest[..length].chars().next_back();
            rest = &rest[length..];
            continue;
        }

        let behind = &rest[letter.len_utf8()..];
        if is_markup(letter, before, behind) {
            escaped.push('\\');
        }
        escaped.push(letter);
        before = Some(letter);
        rest = behind;
    }
    escaped
}

/// Where a line has the sign that would begin a heading, a quotation, a list or a rule.
fn begins_block(line: &str) -> Option<usize> {
    let first = line.chars().next()?;
    let behind = line.trim_start_matches(first);

    match first {
        '#' => behind.starts_with(' ').then_some(0),
        '>' => Some(0),
        '-' | '+' | '*' => {
            let is_bullet = line[1..].starts_with(' ');
            // A single `-` is enough: it makes the line above a heading.
            let is_rule = behind.trim().is_empty();
            (is_bullet || is_rule).then_some(0)
        }
        // The line above would become a heading.
        '=' => behind.trim().is_empty().then_some(0),
        '0'..='9' => {
            let at = line.find(|letter: char| !letter.is_ascii_digit())?;
            let mark = &line[at..];
            (mark.starts_with(". ") || mark.starts_with(") ")).then_some(at)
        }
        _ => None,
    }
}

/// Whether a letter would become markup between what stands before and behind it.
fn is_markup(letter: char, before: Option<char>, behind: &str) -> bool {
    let next = behind.chars().next();
    match letter {
        '`' | '*' => true,
        '\\' => next.is_some_and(|next| next.is_ascii_punctuation()),
        // Within a word it is a letter like others.
        '_' => !is_of_word(before) || !is_of_word(next),
        '<' => next.is_some_and(|next| !next.is_whitespace()),
        '[' => behind.contains("](") || behind.contains("][") || is_check_box(before, behind),
        '!' => next.is_some_and(|next| next == '[' || next.is_ascii_digit()),
        // The number of a work item.
        '#' => next.is_some_and(|next| next.is_ascii_digit()),
        '~' => next == Some('~') || before == Some('~'),
        '$' => behind.contains('$') || before == Some('$'),
        '&' => is_entity(behind),
        _ => false,
    }
}

fn is_of_word(letter: Option<char>) -> bool {
    letter.is_some_and(char::is_alphanumeric)
}

/// Whether `[ ]` or `[x]` begins a bullet.
fn is_check_box(before: Option<char>, behind: &str) -> bool {
    before.is_none() && behind.chars().nth(1) == Some(']')
}

fn is_entity(behind: &str) -> bool {
    behind.split_once(';').is_some_and(|(name, _)| {
        let name = name.strip_prefix('#').unwrap_or(name);
        !name.is_empty() && name.chars().all(|letter| letter.is_ascii_alphanumeric())
    })
}

/// Bytes of the code at the beginning of a text; `None` where its back-ticks are not closed.
fn code(text: &str) -> Option<usize> {
    let behind = text.trim_start_matches('`');
    let ticks = text.len() - behind.len();

    let mut at = ticks;
    while let Some(found) = text[at..].find('`') {
        let start = at + found;
        let end = text.len() - text[start..].trim_start_matches('`').len();
        if end - start == ticks {
            return Some(end);
        }
        at = end;
    }
    None
}

/// Bytes of the URL at the beginning of a text.
fn address(text: &str) -> Option<usize> {
    let is_address = text.starts_with("http://") || text.starts_with("https://");
    let end = text.find(|letter: char| letter.is_whitespace() || "<>`\"".contains(letter));
    is_address.then(|| end.unwrap_or(text.len()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_would_become_markup_is_escaped() {
        for (text, shown) in [
            ("*all* of it", r"\*all\* of it"),
            ("_draft_ of __main__", r"\_draft\_ of \_\_main\_\_"),
            ("<b>Shop</b>", r"\<b>Shop\</b>"),
            (
                "[here](http://evil.example)",
                r"\[here](http://evil.example)",
            ),
            ("see #17 and !4", r"see \#17 and \!4"),
            ("~~old~~", r"\~\~old\~\~"),
            ("$x$", r"\$x$"),
            ("&lt;b", r"\&lt;b"),
            (r"C:\_work\1", r"C:\\\_work\1"),
            ("a ` alone", r"a \` alone"),
            ("``a` *b*", r"\``a` \*b\*"),
            ("$$", r"\$\$"),
            ("&#123;", r"\&\#123;"),
        ] {
            assert_eq!(line(text), shown);
        }
    }

    #[test]
    fn what_would_begin_a_block_is_escaped() {
        for (text, shown) in [
            ("# Shop", r"\# Shop"),
            ("> Shop", r"\> Shop"),
            ("- Shop", r"\- Shop"),
            ("1. Shop", r"1\. Shop"),
            ("---", r"\---"),
            ("-", r"\-"),
            ("1) Shop", r"1\) Shop"),
            ("===", r"\==="),
            ("    Shop", "Shop"),
            ("[x] Shop", r"\[x] Shop"),
        ] {
            assert_eq!(line(text), shown);
        }
    }

    #[test]
    fn what_is_no_markup_where_it_stands_is_left_as_it_is() {
        for text in [
            "Test Suites/Sign_in on AGENT-07, Windows 11 64bit, Chrome 148.0.7778.97",
            "3 tests: 2 PASSED, 1 FAILED; 2 results; 1 without ADO ids",
            "file `a_*_[b](c).png` vanished before it was sent",
            "1 < 2 && 3 > 2, 50 % [see there]",
            "https://dev.azure.com/acme/_a_/b*c",
            "日本語 C# a-b",
            "-a and +b, 1.5 and 2)",
            "[a b] and not a [x] box",
            "R & D; a &; b",
            "for 5 $ and ~5",
            "``a ` *b*`` and `*c*`",
        ] {
            assert_eq!(line(text), text);
        }
    }

    #[test]
    fn lines_stay_lines() {
        assert_eq!(lines("a\nb"), "a  \nb");
    }

    proptest! {
        #[test]
        fn nothing_is_lost_but_blanks_at_the_beginning(
            text in "[a-z#*_`<>\\[\\]()!~$&;\\\\ 1.-]{0,40}",
        ) {
            let escaped = line(&text);

            let mut kept = escaped.chars();
            for letter in text.trim_start().chars() {
                prop_assert!(
                    kept.any(|other| other == letter),
                    "{escaped:?} lacks {letter:?} of {text:?}"
                );
            }
        }
    }
}
