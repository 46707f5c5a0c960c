//! Values that must not travel: kado shows the value of an iteration only where it is no secret.

/// Whether a value, or the variable that holds it, looks like a secret; in doubt it does.
pub(crate) fn looks_secret(variable: Option<&str>, value: &str) -> bool {
    variable.is_some_and(names_a_secret) || is_masked(value) || looks_random(value)
}

/// Whether Katalon masked the value: nothing but asterisks.
pub(crate) fn is_masked(value: &str) -> bool {
    !value.is_empty() && value.chars().all(|c| c == '*')
}

fn names_a_secret(variable: &str) -> bool {
    const ANYWHERE: [&str; 9] = [
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
    // Short words only count as a whole part of the name, so that `spinner` is no secret.
    const WHOLE: [&str; 8] = ["pass", "pin", "cvv", "cvc", "otp", "auth", "ssn", "key"];
    let lower = variable.to_lowercase();
    ANYWHERE.iter().any(|word| lower.contains(word))
        || parts(variable)
            .iter()
            .any(|part| WHOLE.contains(&part.as_str()))
}

/// The words of a name, in lower case: `userPin`, `user_pin` and `USER-PIN` are all `user` and
/// `pin`.
fn parts(name: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut before_is_lower = false;
    for c in name.chars() {
        if !c.is_alphanumeric() || (c.is_uppercase() && before_is_lower) {
            parts.push(String::new());
        }
        before_is_lower = c.is_lowercase() || c.is_ascii_digit();
        if let Some(part) = parts.last_mut().filter(|_| c.is_alphanumeric()) {
            part.extend(c.to_lowercase());
        }
    }
    parts
}

/// Long words without blanks that mix letters and digits are keys and tokens more often than names;
/// a short word with letters, digits and punctuation is shaped like a password.
fn looks_random(value: &str) -> bool {
    value.split_whitespace().any(|word| {
        let digits = word.chars().filter(char::is_ascii_digit).count();
        let letters = word.chars().filter(|c| c.is_alphabetic()).count();
        let special = word.chars().filter(|c| "!@#$%^&*?~".contains(*c)).count();
        let long_mix = word.chars().count() >= 20 && digits >= 2 && letters >= 2;
        let password = digits > 0 && letters > 0 && special > 0 && !word.contains('@');
        let card = digits >= 12 && word.chars().all(|c| c.is_ascii_digit() || c == '-');
        long_mix || password || card || word.starts_with("eyJ")
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
