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
pub(crate) struct Shown {
    /// Values; one that is not set is empty.
    pub values: BTreeMap<String, String>,
    /// Which are not shown, and why.
    pub warnings: Vec<String>,
}

/// The values of these variables in the environment of this process.
pub(crate) fn shown(names: &[String]) -> Shown {
    of(names, |name| std::env::var(name).ok())
}

fn of(names: &[String], read: impl Fn(&str) -> Option<String>) -> Shown {
    let mut shown = Shown::default();
    for name in names {
        let value = read(name);
        match &value {
            Some(value) if is_secret(name, value) => {
                let text = format!(
                    "`{{env:{name}}}` is not shown in a run's name, because it looks like a secret"
                );
                shown.warnings.push(text);
                continue;
            }
            Some(_) => {}
            None => shown.warnings.push(format!(
                "the environment variable `{name}` of a run's name is not set"
            )),
        }
        let plain = value
            .unwrap_or_default()
            .chars()
            .map(|c| if c.is_control() { ' ' } else { c })
            .collect();
        shown.values.insert(name.clone(), plain);
    }
    shown
}

fn is_secret(name: &str, value: &str) -> bool {
    let with_credentials = value
        .split_once("://")
        .is_some_and(|(_, rest)| rest.contains('@'));
    looks_secret(Some(name), value) || with_credentials
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
        let names: Vec<String> = all
            .iter()
            .map(|(name, _)| (*name).to_owned())
            .chain(["UNSET".to_owned()])
            .collect();
        let shown = of(&names, |name| {
            all.iter()
                .find(|(known, _)| *known == name)
                .map(|(_, value)| (*value).to_owned())
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
        assert!(
            shown
                .warnings
                .iter()
                .all(|text| !text.contains("abc") && !text.contains("dkry")),
            "{shown:?}"
        );
    }
}
