//! Values that must not travel: kado shows the value of an iteration only where it is no secret.

/// Parts of a variable's name that say "secret" wherever they stand.
const WORDS_ANYWHERE: [&str; 9] = [
    "password",
    "passwd",
    "passphrase",
    "passcode",
    "pwd",
    "secret",
    "token",
    "apikey",
    "credential",
];

/// Words that count only as a whole part of the name, so that `spinner` is no secret.
const WHOLE_WORDS: [&str; 8] = ["pass", "pin", "cvv", "cvc", "otp", "auth", "ssn", "key"];

/// Whether a value, or the variable that holds it, looks like a secret; in doubt it does.
pub(crate) fn looks_secret(variable: Option<&str>, value: &str) -> bool {
    variable.is_some_and(names_a_secret) || is_masked(value) || looks_random(value)
}

/// Whether Katalon masked the value: nothing but asterisks.
fn is_masked(value: &str) -> bool {
    !value.is_empty() && value.chars().all(|c| c == '*')
}

fn names_a_secret(variable: &str) -> bool {
    let lower = variable.to_lowercase();
    if WORDS_ANYWHERE.iter().any(|word| lower.contains(word)) {
        return true;
    }

    words_of(variable)
        .iter()
        .any(|word| WHOLE_WORDS.contains(&word.as_str()))
}

/// The words of a name, in lower case: `userPin`, `user_pin` and `USER-PIN` are all `user` and
/// `pin`.
fn words_of(name: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word = String::new();
    let mut after_lower = false;

    for c in name.chars() {
        // A capital begins a word only after a small letter, so that `PIN` is one.
        if !c.is_alphanumeric() || (c.is_uppercase() && after_lower) {
            words.push(std::mem::take(&mut word));
        }
        if c.is_alphanumeric() {
            word.extend(c.to_lowercase());
        }
        after_lower = c.is_lowercase() || c.is_ascii_digit();
    }

    words.push(word);
    words
}

/// Long words without blanks that mix letters and digits are keys and tokens more often than names;
/// a short word with letters, digits and punctuation is shaped like a password.
fn looks_random(value: &str) -> bool {
    value.split_whitespace().any(|word| {
        let digits = word.chars().filter(char::is_ascii_digit).count();
        let letters = word.chars().filter(|c| c.is_alphabetic()).count();
        let special = word.chars().filter(|c| "!@#$%^&*?~".contains(*c)).count();

        // Tokens of ADO have 52 or 84 characters (`ado/api.md` §2); those of others can be shorter.
        let is_key = word.chars().count() >= 20 && digits >= 2 && letters >= 2;
        // With an `@` it is an address.
        let is_password = digits > 0 && letters > 0 && special > 0 && !word.contains('@');

        // Card numbers have 12 to 19 digits.
        let is_card = digits >= 12 && word.chars().all(|c| c.is_ascii_digit() || c == '-');

        // Such a token begins with `{"` in Base64.
        let is_json_web_token = word.starts_with("eyJ");
        is_key || is_password || is_card || is_json_web_token
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ordinary_iteration_values_are_shown() {
        for value in [
            "Baby",
            "Single Bill CC",
            "Prague 1",
            "2024-01-31",
            "user@example.com",
            "Chrome 120",
            // Each has only two of what a password has.
            "Hello!",
            "100%",
            "v2",
            // Long, and of letters or digits alone, or nearly.
            "internationalizations",
            "internationalization2",
            "12345678901x",
            "2024-01-31-202",
        ] {
            assert!(!looks_secret(Some("TestCase"), value), "{value}");
        }
    }

    #[test]
    fn masked_and_secret_looking_values_are_not_shown() {
        for value in [
            "*****",
            "S3cret!",
            "eyJhbGciOi",
            "4111111111111111",
            "dkry7gnu3cjqx6fmt2bipw5els",
        ] {
            assert!(looks_secret(None, value), "{value}");
        }

        for variable in [
            "password",
            "UserPassword",
            "api_key",
            "apiKey",
            "pin",
            "userPin",
            "userPwd",
            "ADMIN_PASS",
        ] {
            assert!(looks_secret(Some(variable), "Baby"), "{variable}");
        }

        for variable in ["spinner", "monkey", "passenger", "author", "keyboard"] {
            assert!(!looks_secret(Some(variable), "Baby"), "{variable}");
        }
    }
}
