//! Texts in which a version control system left the conflict of a merge: between `<<<<<<<` and
//! `=======` stands our version, between that and `>>>>>>>` theirs; `|||||||` begins what both were
//! before (git's `diff3` style).

/// The two versions that a text with conflicts was made of.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Sides {
    /// The text with our side of each conflict.
    pub ours: String,
    /// The text with their side of each conflict.
    pub theirs: String,
    /// Line of the first conflict, counted from 1.
    pub line: u64,
}

/// In which part of a conflict a line stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Outside,
    Ours,
    Before,
    Theirs,
}

/// The versions in a text; `None` when it holds no conflict.
pub(crate) fn sides(text: &str) -> Option<Sides> {
    let mut sides = Sides {
        ours: String::new(),
        theirs: String::new(),
        line: 0,
    };
    let mut part = Part::Outside;

    for (number, line) in (1..).zip(text.split_inclusive('\n')) {
        // The marks of a conflict say something only in their order: seven `=` can be a text.
        match (part, mark(line)) {
            (Part::Outside, Some('<')) => {
                part = Part::Ours;
                if sides.line == 0 {
                    sides.line = number;
                }
            }

            (Part::Ours, Some('|')) => part = Part::Before,
            (Part::Ours | Part::Before, Some('=')) => part = Part::Theirs,
            (Part::Theirs, Some('>')) => part = Part::Outside,
            (Part::Outside, _) => {
                sides.ours.push_str(line);
                sides.theirs.push_str(line);
            }

            (Part::Ours, _) => sides.ours.push_str(line),
            (Part::Theirs, _) => sides.theirs.push_str(line),
            (Part::Before, _) => {}
        }
    }

    (sides.line > 0).then_some(sides)
}

/// The character of which a line begins with exactly seven, as only marks do.
fn mark(line: &str) -> Option<char> {
    let first = line.chars().next().filter(|c| "<|=>".contains(*c))?;
    let behind = line.trim_start_matches(first);
    let is_mark = line.len() - behind.len() == 7
        && (behind.is_empty() || behind.starts_with(char::is_whitespace));
    is_mark.then_some(first)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_side_is_a_whole_text_and_what_was_before_is_neither() {
        let text = "a\n<<<<<<< HEAD\r\nb\n||||||| 12ab\nx\n=======\nc\nd\n>>>>>>> main\ne";

        let sides = sides(text).unwrap();

        assert_eq!(sides.ours, "a\nb\ne");
        assert_eq!(sides.theirs, "a\nc\nd\ne");
        assert_eq!(sides.line, 2);
    }

    #[test]
    fn a_text_with_lines_of_seven_signs_is_no_conflict() {
        assert_eq!(sides("title\n=======\n>>>>>>> quoted\n<<<<<<<<"), None);
    }
}
