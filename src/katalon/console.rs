//! The `ado*` options of a run: what was given to katalonc, in `console.properties` or in
//! `execution.properties`.
//!
//! Katalon spells them in several ways over its versions, so letter case never matters. Empty
//! values say nothing.

use crate::katalon::damage::{Damage, DamageKind};
use crate::katalon::properties::{Properties, Value};
use crate::katalon::run::RunOptions;
use crate::katalon::text;
use crate::katalon::url_secrets::without_users;

/// Name of the file in the project's root.
pub(crate) const CONSOLE_FILE: &str = "console.properties";

impl RunOptions {
    /// Reads `console.properties` of the project root, a plain Java file without Katalon's quoting.
    /// One that holds nothing, or bytes of zero, may have held options: Katalon writes none such.
    pub fn read_console(bytes: &[u8]) -> Self {
        let properties = Properties::read(bytes);
        let excess = properties
            .excess()
            .map(|what| DamageKind::UnreadableValue { what });
        let lost = text::lost_content(&text::decode(bytes)).or(excess);

        let mut options = Self {
            unread: lost.map(|kind| Damage::of(CONSOLE_FILE, kind)),
            ..Self::default()
        };
        for (key, value) in properties.iter() {
            match Value::read(value) {
                Value::Text(text) => options.set(key, &text),
                Value::Bool(_) | Value::Int(_) => options.set(key, value),
            }
        }

        options
    }

    /// The options of a `console.properties` that is there and cannot be read, for this reason.
    pub(crate) fn unreadable_console(error: String) -> Self {
        let kind = DamageKind::Unreadable { error };
        Self {
            unread: Some(Damage::of(CONSOLE_FILE, kind)),
            ..Self::default()
        }
    }

    /// Takes the option `key` with its `value`, unless the key is none of ours or the value is
    /// blank. Of two spellings of one option the first that says something counts, but
    /// `adoBuildDefId`, and the last of several, before the older `adoDefinitionID`; the obsolete
    /// `adoBuildNumber` is ignored.
    pub fn set(&mut self, key: &str, value: &str) {
        // The files that Katalon generates list `ado*` keys without a value.
        let value = value.trim();
        if value.is_empty() {
            return;
        }

        let value = without_users(text::head(value, text::LONGEST_NAME));
        let key = key.trim().trim_start_matches('-').to_ascii_lowercase();
        let option = match key.as_str() {
            "adoplanid" => &mut self.plan,
            "adotestrunname" => &mut self.run_name,
            "adodefinitionid" => &mut self.build_definition,
            "adoreleasedefid" => &mut self.release_definition,
            // The newer name stands over the older one, in whatever order they come.
            "adobuilddefid" => {
                self.build_definition = Some(value.into_owned());
                return;
            }

            _ => return,
        };

        option.get_or_insert_with(|| value.into_owned());
    }

    /// What these options say, by the names that Katalon documents.
    pub fn said(&self) -> Vec<(&'static str, &str)> {
        let options = [
            ("adoPlanId", &self.plan),
            ("adoTestRunName", &self.run_name),
            ("adoBuildDefId", &self.build_definition),
            ("adoReleaseDefID", &self.release_definition),
        ];
        options
            .into_iter()
            .filter_map(|(name, value)| Some((name, value.as_deref()?)))
            .collect()
    }

    /// These options, and where they say nothing those of `fallback`.
    #[must_use]
    pub fn or(self, fallback: Self) -> Self {
        Self {
            plan: self.plan.or(fallback.plan),
            run_name: self.run_name.or(fallback.run_name),
            build_definition: self.build_definition.or(fallback.build_definition),
            release_definition: self.release_definition.or(fallback.release_definition),
            unread: self.unread.or(fallback.unread),
        }
    }

    /// What these options and others agree on.
    #[must_use]
    pub fn in_common(self, other: &Self) -> Self {
        Self {
            plan: agreed(self.plan, &other.plan),
            run_name: agreed(self.run_name, &other.run_name),
            build_definition: agreed(self.build_definition, &other.build_definition),
            release_definition: agreed(self.release_definition, &other.release_definition),
            unread: self.unread,
        }
    }
}

/// A value that both have.
fn agreed(one: Option<String>, other: &Option<String>) -> Option<String> {
    if one == *other { one } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_counts_and_empty_values_do_not() {
        let file = "#Mon Jan 01\nadoPlanID=\nadoPlanId=12\nADOTESTRUNNAME=My run \nadoBuildDefID=\"7\"\nadoReleaseDefID=x\n";
        let options = RunOptions::read_console(file.as_bytes());
        assert_eq!(options.plan.as_deref(), Some("12"));
        assert_eq!(options.run_name.as_deref(), Some("My run"));
        assert_eq!(options.build_definition.as_deref(), Some("7"));
        assert_eq!(options.release_definition.as_deref(), Some("x"));
    }

    #[test]
    fn what_options_say_is_told_by_the_names_that_katalon_documents() {
        let mut options = RunOptions::default();
        assert_eq!(options.said(), []);

        for (key, value) in [
            ("ADOPLANID", "12"),
            ("-adoTestRunName", "My run"),
            ("adoDefinitionID", "7"),
            ("adoReleaseDefId", "8"),
        ] {
            options.set(key, value);
        }

        let told = [
            ("adoPlanId", "12"),
            ("adoTestRunName", "My run"),
            ("adoBuildDefId", "7"),
            ("adoReleaseDefID", "8"),
        ];
        assert_eq!(options.said(), told);
    }

    #[test]
    fn a_file_that_cannot_be_read_may_have_held_options() {
        let options = RunOptions::unreadable_console("denied".to_owned());

        let damage = options.unread.expect("it is told");
        assert_eq!(
            damage.to_string(),
            format!("`{CONSOLE_FILE}` cannot be read: denied")
        );
    }

    #[test]
    fn a_generated_file_says_nothing() {
        let file = b"adoPlanID=\nadoPlanId=\nadoTestRunName=\ntestOpsBuildId=\n";
        assert_eq!(RunOptions::read_console(file), RunOptions::default());
    }

    #[test]
    fn a_file_that_lost_its_content_may_have_held_options() {
        for (bytes, kind) in [
            (&b""[..], DamageKind::Empty),
            (b"\n", DamageKind::Empty),
            (&[0; 40], DamageKind::Zeros),
            (b"adoTestRunName=x\n\0\0\0\0", DamageKind::Zeros),
        ] {
            let options = RunOptions::read_console(bytes);

            assert_eq!(options.unread.map(|damage| damage.kind), Some(kind));
        }
    }

    #[test]
    fn of_both_names_of_the_build_definition_the_newer_one_counts_in_whatever_order_they_stand() {
        for order in [
            ["adoDefinitionID", "adoBuildDefId"],
            ["adoBuildDefId", "adoDefinitionID"],
        ] {
            let mut run = RunOptions::default();
            for name in order {
                run.set(name, if name.contains("Build") { "12" } else { "99" });
            }

            assert_eq!(run.build_definition.as_deref(), Some("12"));
        }
    }

    #[test]
    fn options_of_the_run_stand_before_those_of_the_project() {
        let mut run = RunOptions::default();
        run.set("-adoPlanId", "1");
        let project = RunOptions {
            plan: Some("2".into()),
            run_name: Some("n".into()),
            ..RunOptions::default()
        };
        let both = run.or(project);

        assert_eq!(both.plan.as_deref(), Some("1"));
        assert_eq!(both.run_name.as_deref(), Some("n"));
    }
}
