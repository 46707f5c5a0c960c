//! `kado.toml` of a machine, with everything of it that nobody asked to change: comments, order,
//! blank lines, line ends and a byte order mark. A change that changes no value gives the same
//! bytes.
//!
//! A text that is no TOML is refused, and left for a person to mend; whether a new text makes sense
//! is for `config` to say.

#![expect(clippy::disallowed_methods, reason = "the file is read")]

use std::io;
use std::path::{Path, PathBuf};

use toml_edit::{Array, DocumentMut, Item, Table, TableLike, Value};

use crate::setup::machine::{CredentialChoice, IdentityKeys, MachineChoices};

/// What some editors put before a text.
const MARK: char = '\u{feff}';

/// What a new file begins with.
const HEAD: &str = "# kado: which folders are watched, and how Azure DevOps is reached.\n\
                    # docs/configuration.md describes every key; `kado check` says whether all is well.\n\n";

/// What stands before a key that is new in a new file.
const COMMENTS: [(&str, &str); 6] = [
    (
        "watch",
        "# Searched for Katalon projects (folders with a .prj file); new ones are found while kado runs.\n",
    ),
    (
        "history",
        "\n# Which finished runs are submitted: those from now on (\"new\"), \"all\", or since an instant.\n",
    ),
    (
        "azure",
        "\n# The server, for every project of this machine. A token goes to this server alone.\n",
    ),
    (
        "token_file",
        "# Only kado may read it. What is put there is used from the next attempt on.\n",
    ),
    (
        "expires",
        "# The last day of the token: kado says it two weeks ahead.\n",
    ),
    ("identity", "\n"),
];

/// The file as it is.
pub(crate) struct MachineFile {
    /// Where it is, or is to be.
    pub path: PathBuf,
    /// What it holds; `None` where there is none.
    pub text: Option<String>,
    document: DocumentMut,
}

/// A `kado.toml` that cannot be changed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum MachineFileError {
    /// It cannot be read.
    #[error("configuration `{}` cannot be read", file.display())]
    Unreadable {
        file: PathBuf,
        #[source]
        source: io::Error,
    },
    /// It is no TOML.
    #[error("configuration `{}` is no TOML, so nothing can be changed in it; mend it first: {what}", file.display())]
    NoToml {
        file: PathBuf,
        /// What is wrong, with the line.
        what: String,
    },
    /// A key is something else than it should be.
    #[error("`{key}` in `{}` is no table; mend that first", file.display())]
    NoTable { file: PathBuf, key: &'static str },
    /// A path that no text can hold.
    #[error("`{}` cannot be written into kado.toml, which is UTF-8; give it another name", .0.display())]
    NoText(PathBuf),
}

impl MachineFile {
    /// Reads it; one that is not there is empty.
    ///
    /// # Errors
    /// When it is there and cannot be read, or is no TOML.
    pub(crate) fn read(path: &Path) -> Result<Self, MachineFileError> {
        let text = match std::fs::read_to_string(path) {
            Ok(text) => Some(text),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(source) => {
                return Err(MachineFileError::Unreadable {
                    file: path.to_owned(),
                    source,
                });
            }
        };
        Self::of(path, text)
    }

    fn of(path: &Path, text: Option<String>) -> Result<Self, MachineFileError> {
        let content = text.as_deref().unwrap_or_default();
        let document =
            content
                .trim_start_matches(MARK)
                .parse()
                .map_err(|error: toml_edit::TomlError| MachineFileError::NoToml {
                    file: path.to_owned(),
                    what: error.to_string().trim_end().to_owned(),
                })?;
        Ok(Self {
            path: path.to_owned(),
            text,
            document,
        })
    }

    /// `watch`, as it is written.
    pub(crate) fn watch(&self) -> Vec<String> {
        let mut folders = Vec::new();
        if let Some(array) = self.document.get("watch").and_then(Item::as_array) {
            for folder in array {
                folders.extend(folder.as_str().map(str::to_owned));
            }
        }
        folders
    }

    /// `history`, as it is written.
    pub(crate) fn history(&self) -> Option<String> {
        let history = self.document.get("history")?;
        match history.as_datetime() {
            Some(instant) => Some(instant.to_string()),
            None => history.as_str().map(str::to_owned),
        }
    }

    /// `azure.server_url`, as it is written.
    pub(crate) fn server_url(&self) -> Option<String> {
        let azure = self.document.get("azure")?.as_table_like()?;
        azure.get("server_url")?.as_str().map(str::to_owned)
    }

    /// Whether `azure.identity` is there.
    pub(crate) fn has_identity(&self) -> bool {
        let azure = self.document.get("azure").and_then(Item::as_table_like);
        azure.is_some_and(|azure| azure.contains_key("identity"))
    }

    /// The text with these choices.
    ///
    /// # Errors
    /// When `azure` is no table, or when a path is no text.
    pub(crate) fn with(&self, choices: &MachineChoices) -> Result<String, MachineFileError> {
        let mut document = self.document.clone();
        let before = document.to_string();
        let comments = match self.text {
            Some(_) => Comments::None,
            None => Comments::OnNewKeys,
        };

        if let Some(folders) = &choices.watch {
            set_watch(document.as_table_mut(), folders, comments)?;
        }
        if let Some(history) = &choices.history {
            set(document.as_table_mut(), "history", history, comments);
        }
        if has_azure(choices) {
            let azure = azure_of(&mut document, comments).ok_or(MachineFileError::NoTable {
                file: self.path.clone(),
                key: "azure",
            })?;
            set_azure(azure, choices, comments)?;
        }

        let after = document.to_string();
        match &self.text {
            None => Ok(format!("{HEAD}{after}")),
            Some(text) if after == before => Ok(text.clone()),
            Some(text) => Ok(as_written(&after, text)),
        }
    }
}

/// Whether new keys get a word of their own.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Comments {
    OnNewKeys,
    None,
}

/// A text with the line ends and the mark of the one before it.
fn as_written(text: &str, before: &str) -> String {
    let mut written = text.replace("\r\n", "\n");
    let has_crlf_alone = before.contains("\r\n") && !before.replace("\r\n", "").contains('\n');
    if has_crlf_alone {
        written = written.replace('\n', "\r\n");
    }
    if before.starts_with(MARK) {
        written.insert(0, MARK);
    }
    written
}

const fn has_azure(choices: &MachineChoices) -> bool {
    choices.server_url.is_some()
        || choices.expires.is_some()
        || !matches!(choices.credential, CredentialChoice::AsItIs)
}

/// The table `[azure]`, made where it is not there; `None` where something else stands there.
fn azure_of(document: &mut DocumentMut, comments: Comments) -> Option<&mut dyn TableLike> {
    if !document.contains_key("azure") {
        let mut table = Table::new();

        // What stands behind the last table belongs to what is before it: a comment there may be a
        // key of the root that somebody will switch on.
        let rest = document.trailing().as_str().unwrap_or_default().to_owned();
        let gap = if rest.is_empty() || rest.ends_with("\n\n") {
            ""
        } else {
            "\n"
        };
        let comment = match comments {
            Comments::OnNewKeys => comment_on("azure"),
            Comments::None if rest.is_empty() => "\n",
            Comments::None => "",
        };
        table
            .decor_mut()
            .set_prefix(format!("{rest}{gap}{comment}"));
        document.set_trailing("");
        document.insert("azure", Item::Table(table));
    }
    document.get_mut("azure")?.as_table_like_mut()
}

fn set_azure(
    azure: &mut dyn TableLike,
    choices: &MachineChoices,
    comments: Comments,
) -> Result<(), MachineFileError> {
    if let Some(url) = &choices.server_url {
        set(azure, "server_url", url, comments);
    }

    match &choices.credential {
        CredentialChoice::AsItIs => {}
        CredentialChoice::StoredToken => {
            forget(
                azure,
                &["token_file", "identity", "authority_url", "expires"],
            );
        }
        CredentialChoice::TokenFile(file) => {
            forget(azure, &["identity", "authority_url", "expires"]);
            set(azure, "token_file", text_of(file)?, comments);
        }
        CredentialChoice::Identity(keys) => {
            forget(
                azure,
                &["token_file", "identity", "authority_url", "expires"],
            );
            set_identity(azure, keys, comments)?;
        }
    }

    if let Some(day) = choices.expires {
        set(azure, "expires", &day.to_string(), comments);
    }
    Ok(())
}

fn set_identity(
    azure: &mut dyn TableLike,
    keys: &IdentityKeys,
    comments: Comments,
) -> Result<(), MachineFileError> {
    if let Some(url) = &keys.authority_url {
        set(azure, "authority_url", url, comments);
    }

    let mut table = Table::new();
    set(&mut table, "kind", &keys.kind, Comments::None);
    for (key, value) in [
        ("tenant_id", &keys.tenant_id),
        ("client_id", &keys.client_id),
        ("service_connection_id", &keys.service_connection_id),
    ] {
        if let Some(value) = value {
            set(&mut table, key, value, Comments::None);
        }
    }
    for (key, file) in [
        ("client_secret_file", &keys.client_secret_file),
        ("certificate_file", &keys.certificate_file),
        ("token_file", &keys.token_file),
    ] {
        if let Some(file) = file {
            set(&mut table, key, text_of(file)?, Comments::None);
        }
    }

    // Inline, so that no key of `[azure]` that follows becomes one of the identity.
    let value = Value::InlineTable(table.into_inline_table());
    azure.insert("identity", Item::Value(value));
    Ok(())
}

fn forget(table: &mut dyn TableLike, keys: &[&str]) {
    for key in keys {
        table.remove(key);
    }
}

/// Folders that stay keep their place and their comments.
fn set_watch(
    root: &mut Table,
    folders: &[PathBuf],
    comments: Comments,
) -> Result<(), MachineFileError> {
    let mut wanted = Vec::new();
    for folder in folders {
        wanted.push(text_of(folder)?);
    }

    let Some(array) = root.get_mut("watch").and_then(Item::as_array_mut) else {
        let array: Array = wanted.into_iter().collect();
        insert(root, "watch", Value::Array(array), comments);
        return Ok(());
    };

    array.retain(|folder| folder.as_str().is_some_and(|text| wanted.contains(&text)));
    for folder in wanted {
        if !array.iter().any(|there| there.as_str() == Some(folder)) {
            array.push(folder);
        }
    }
    Ok(())
}

/// Gives a key a text. One that has it stays as it is written, and every key keeps the comment
/// behind it.
fn set(table: &mut dyn TableLike, key: &str, text: &str, comments: Comments) {
    let Some(old) = table.get_mut(key).and_then(Item::as_value_mut) else {
        return insert(table, key, Value::from(text), comments);
    };
    if old.as_str() == Some(text) {
        return;
    }

    let decor = old.decor().clone();
    *old = Value::from(text);
    *old.decor_mut() = decor;
}

fn insert(table: &mut dyn TableLike, key: &str, value: Value, comments: Comments) {
    table.insert(key, Item::Value(value));
    if comments == Comments::OnNewKeys
        && let Some(mut key) = table.key_mut(key)
    {
        let comment = comment_on(key.get());
        key.leaf_decor_mut().set_prefix(comment);
    }
}

fn comment_on(key: &str) -> &'static str {
    for (name, comment) in COMMENTS {
        if name == key {
            return comment;
        }
    }
    ""
}

fn text_of(path: &Path) -> Result<&str, MachineFileError> {
    path.to_str()
        .ok_or_else(|| MachineFileError::NoText(path.to_owned()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const EXAMPLE: &str = include_str!("../../../packaging/kado.toml");

    fn file(text: &str) -> MachineFile {
        MachineFile::of(Path::new("kado.toml"), Some(text.to_owned())).unwrap()
    }

    fn all() -> MachineChoices {
        MachineChoices {
            watch: Some(vec!["/srv/agent/_work".into()]),
            server_url: Some("https://dev.azure.com/acme".to_owned()),
            credential: CredentialChoice::TokenFile("/etc/kado/kado-token".into()),
            expires: Some(jiff::civil::date(2027, 1, 31)),
            history: Some("all".to_owned()),
        }
    }

    #[test]
    fn a_new_file_has_a_word_on_each_key() {
        let new = MachineFile::of(Path::new("kado.toml"), None).unwrap();

        insta::assert_snapshot!(new.with(&all()).unwrap());
    }

    #[test]
    fn comments_order_and_other_keys_stay() {
        let text = "# ours\nlate = \"send\"  # on purpose\nwatch = [\n  \"/old\", # the old agent\n  \
                    '/srv/agent/_work',\n]\n\n[azure] # the server\nca_file = \"/ca.pem\"\n\
                    server_url = \"https://old\"   # since May\n# at the end\n";

        insta::assert_snapshot!(file(text).with(&all()).unwrap());
    }

    #[test]
    fn the_example_of_the_package_keeps_what_can_be_switched_on() {
        let after = file(EXAMPLE).with(&all()).unwrap();

        for line in EXAMPLE.lines().filter(|line| line.starts_with('#')) {
            assert!(after.contains(line), "{line}");
        }
        // Behind the table it would be another key once somebody removes the sign.
        let history = after.find("#history =").unwrap();
        assert!(history < after.find("\n[azure]\n").unwrap(), "{after}");
    }

    #[test]
    fn an_identity_takes_the_place_of_a_token() {
        let text = "watch = [\"/w\"]\n[azure]\nserver_url = \"https://dev.azure.com/acme\"\n\
                    token_file = \"/t\"\nexpires = \"2026-12-31\"\nca_file = \"/ca\"\n";
        let identity = MachineChoices {
            credential: CredentialChoice::Identity(IdentityKeys {
                kind: "managed-identity".to_owned(),
                ..IdentityKeys::default()
            }),
            ..MachineChoices::default()
        };

        insta::assert_snapshot!(file(text).with(&identity).unwrap());
    }

    #[test]
    fn a_federated_identity_is_written_with_what_it_proves_itself_with() {
        let text = "watch = [\"/w\"]\n[azure]\nserver_url = \"https://dev.azure.com/acme\"\n";
        let with = |keys: IdentityKeys| {
            let choices = MachineChoices {
                credential: CredentialChoice::Identity(keys),
                ..MachineChoices::default()
            };
            file(text).with(&choices).unwrap()
        };
        let federated = IdentityKeys {
            kind: "federated".to_owned(),
            ..IdentityKeys::default()
        };

        let by_file = with(IdentityKeys {
            token_file: Some("/run/token".into()),
            ..federated.clone()
        });
        let by_connection = with(IdentityKeys {
            service_connection_id: Some("7".to_owned()),
            ..federated
        });

        let file = "identity = { kind = \"federated\", token_file = \"/run/token\" }";
        let connection = "identity = { kind = \"federated\", service_connection_id = \"7\" }";
        assert!(by_file.contains(file), "{by_file}");
        assert!(by_connection.contains(connection), "{by_connection}");
    }

    #[test]
    fn a_file_with_lines_of_windows_and_a_mark_keeps_both() {
        let text = "\u{feff}# ours\r\nwatch = ['C:\\w']\r\n";

        let after = file(text).with(&all()).unwrap();

        assert!(after.starts_with("\u{feff}# ours\r\n"), "{after:?}");
        assert!(!after.replace("\r\n", "").contains('\n'), "{after:?}");
    }

    #[test]
    fn what_is_no_toml_is_left_for_a_person() {
        let refused = MachineFile::of(Path::new("kado.toml"), Some("watch = [\n".to_owned()));

        let message = refused.err().unwrap().to_string();
        assert!(message.contains("is no TOML"), "{message}");
    }

    proptest! {
        #[test]
        fn the_same_choices_again_change_no_byte(
            comment in "(#[ -~]{0,20}\n){0,3}",
            late in prop::option::of(prop::sample::select(vec!["park", "send"])),
            table in prop::option::of(prop::sample::select(vec!["[submit]\n", "[[project]]\npath = \"/p\"\n", "[azure]\nca_file = \"/ca\"\n"])),
        ) {
            let late = late.map(|late| format!("late = \"{late}\"\n")).unwrap_or_default();
            let text = format!("{comment}watch = []\n{late}{}{comment}", table.unwrap_or_default());

            let once = file(&text).with(&all()).unwrap();

            prop_assert_eq!(file(&once).with(&all()).unwrap(), once);
        }
    }
}
