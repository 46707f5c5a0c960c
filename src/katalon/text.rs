//! Cutting texts.

/// The longest beginning of a text that takes at most `limit` bytes and ends between two
/// characters.
pub(crate) fn head(text: &str, limit: usize) -> &str {
    let mut end = limit.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_cut_between_two_characters() {
        assert_eq!(head("aü🔑", 100), "aü🔑");
        assert_eq!(head("aü🔑", 6), "aü");
        assert_eq!(head("aü🔑", 2), "a");
        assert_eq!(head("ü", 1), "");
    }
}
