//! The door to environment variables that a name of kado may show (`{env:NAME}`): the process's
//! own, read when a run is taken in, and never one that looks like a secret.

#![expect(
    clippy::disallowed_methods,
    reason = "this is the door to these variables"
)]

use std::collections::BTreeMap;

use crate::plan::sensitive::looks_secret;

/// Variables for names, with what cannot be shown in words.
#[derive(Debug, Default)]
pub(super) struct ShownVariables {
    /// Values; one that is not set is empty.
    pub values: BTreeMap<String, String>,
    /// Which are not shown, and why.
    pub warnings: Vec<String>,
}

/// The values of these variables in the environment of this process.
pub(super) fn shown(names: &[String]) -> ShownVariables {
    shown_of(names, |name| std::env::var(name).ok())
}

fn shown_of(names: &[String], read: impl Fn(&str) -> Option<String>) -> ShownVariables {
    let mut shown = ShownVariables::default();
    for name in names {
        let value = match read(name) {
            Some(value) if is_secret(name, &value) => {
                shown.warnings.push(format!(
                    "`{{env:{name}}}` is not shown in a run's name, because it looks like a secret"
                ));
                continue;
            }

            Some(value) => value,
            None => {
                shown.warnings.push(format!(
                    "the environment variable `{name}` of a run's name is not set"
                ));
                String::new()
            }
        };

        // A name is one line.
        let value = value.replace(char::is_control, " ");
        shown.values.insert(name.clone(), value);
    }
    shown
}

fn is_secret(name: &str, value: &str) -> bool {
    // Proxies and feeds of packages are often given as `https://user:password@host`.
    let has_credentials = value
        .split_once("://")
        .is_some_and(|(_, rest)| rest.contains('@'));
    has_credentials || looks_secret(Some(name), value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_variable_that_looks_like_a_secret_is_never_shown() {
        let all = [
            ("BUILD_SOURCEBRANCHNAME", "main"),
            ("SYSTEM_ACCESSTOKEN", "abc"),
            ("DB_PASSWORD", "abc"),
            ("AWS_ACCESS_KEY_ID", "abc"),
            ("HARMLESS", "dkry7gnu3cjqx6fmt2bipw5els"),
            ("PROXY_URL", "http://me:abc@proxy:3128"),
            ("TWO_LINES", "a\nb"),
        ];
        let mut names: Vec<String> = all.iter().map(|(name, _)| (*name).to_owned()).collect();
        names.push("UNSET".to_owned());

        let shown = shown_of(&names, |name| {
            let (_, value) = all.iter().find(|(variable, _)| *variable == name)?;
            Some((*value).to_owned())
        });

        let values: Vec<_> = shown
            .values
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        assert_eq!(
            values,
            [
                ("BUILD_SOURCEBRANCHNAME", "main"),
                ("TWO_LINES", "a b"),
                ("UNSET", "")
            ]
        );
        assert_eq!(shown.warnings.len(), 6);
        for warning in &shown.warnings {
            assert!(!warning.contains("abc"), "{warning}");
            assert!(!warning.contains("dkry"), "{warning}");
        }
    }
}
