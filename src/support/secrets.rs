//! Every secret that this machine has, and where one of them stands in what was made.
//!
//! A token is the machine's or a project's; others are the proof of an Entra identity, the
//! passwords of a proxy and of the status page, the address of a webhook, and what the environment
//! has under a name that says so. They are held as long as one file is looked through, and have no
//! printable form.

#![expect(
    clippy::disallowed_methods,
    reason = "secrets lie in files and in the environment"
)]

use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use memchr::memmem;
use secrecy::{ExposeSecret as _, SecretString};
use url::Url;

use crate::config::identity::{IdentityKind, ProofFile};
use crate::config::{Config, Tables};
use crate::katalon::secret::{ProjectToken, encrypted};
use crate::secrets::TokenOwner;
use crate::workspace;

/// Bytes of a secret that can be told from other text.
const SHORTEST: usize = 6;
/// Bytes of a token: each that Azure DevOps or Entra hands out has more. What stands in the
/// settings of a project may be any word, and a word that others use as well is no secret.
const SHORTEST_TOKEN: usize = 20;
/// Bytes of a line of a key.
const SHORTEST_LINE: usize = 16;
/// Words in the name of a variable that holds a secret.
const NAMES: [&str; 7] = [
    "TOKEN",
    "SECRET",
    "PASSWORD",
    "PASSWD",
    "CREDENTIAL",
    "APIKEY",
    "_PAT",
];

/// What was found, without the secret.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct FoundSecret {
    /// In which entry.
    pub entry: String,
    /// Whose secret it is.
    pub what: &'static str,
    /// In which form it stands there.
    pub form: String,
}

/// Secrets, each with what it is.
#[derive(Default)]
pub(super) struct Secrets(Vec<(&'static str, SecretString)>);

impl Secrets {
    /// All that this process can read of this machine and these projects.
    pub(super) fn of(config: &Config, projects: &[PathBuf]) -> Self {
        let mut secrets = Self::default();
        secrets.add_of_tables(&config.machine, TokenOwner::Machine);
        for project in &config.projects {
            secrets.add_of_tables(&project.tables, TokenOwner::Projects);
        }
        for root in projects {
            secrets.add_of_project(root);
        }

        if let Some(webhook) = config
            .notify
            .as_ref()
            .and_then(|rules| rules.webhook.as_ref())
        {
            secrets.add_of_url("a part of the webhook's address", webhook.address.expose());
        }
        if let Some(file) = &config.status_page.password_file {
            secrets.add_lines("the password of the status page", file, SHORTEST);
        }
        secrets.add_of_environment();
        secrets
    }

    fn add(&mut self, what: &'static str, secret: &str) {
        let secret = secret.trim();
        if secret.len() >= SHORTEST {
            self.0.push((what, SecretString::from(secret)));
        }
    }

    fn add_of_tables(&mut self, tables: &Tables, owner: TokenOwner) {
        let access = &tables.access;
        for token in access.token_sources(owner).all() {
            self.add("a token of the machine", token.expose_secret());
        }
        if let Some(proxy) = &access.proxy {
            self.add_user_of("a password of the proxy", proxy.expose());
        }

        let proof = access.identity.as_ref().map(|identity| &identity.kind);
        if let Some(IdentityKind::ServicePrincipal { proof, .. }) = proof {
            match proof {
                ProofFile::Secret(file) => {
                    self.add_lines("the secret of an identity", file, SHORTEST);
                }
                ProofFile::Certificate(file) => {
                    self.add_lines("the key of an identity", file, SHORTEST_LINE);
                }
            }
        }
    }

    /// The token of a project, also as Katalon encrypts it: whoever has that has the token.
    fn add_of_project(&mut self, root: &Path) {
        let Ok(settings) = workspace::read_azure_settings(root) else {
            return;
        };
        if let ProjectToken::Set(token) = &settings.token
            && token.expose_secret().trim().len() >= SHORTEST_TOKEN
        {
            self.add("a token of a project", token.expose_secret());
            self.add(
                "an encrypted token of a project",
                encrypted(token).expose_secret(),
            );
        }
    }

    /// The lines of a file that are long enough to be told from other text.
    fn add_lines(&mut self, what: &'static str, file: &Path, shortest: usize) {
        let Ok(bytes) = std::fs::read(file) else {
            return;
        };
        for line in String::from_utf8_lossy(&bytes).lines() {
            // Everybody's key begins and ends alike.
            if line.len() >= shortest && !line.starts_with("-----") {
                self.add(what, line);
            }
        }
    }

    fn add_of_url(&mut self, what: &'static str, url: &Url) {
        self.add_user_of(what, url);
        for part in url.path_segments().into_iter().flatten() {
            self.add_with_decoded(what, part);
        }
        for (_, value) in url.query_pairs() {
            self.add(what, &value);
        }
        self.add_with_decoded(what, url.fragment().unwrap_or_default());
    }

    fn add_user_of(&mut self, what: &'static str, url: &Url) {
        self.add_with_decoded(what, url.password().unwrap_or_default());
    }

    /// A part of a URL, as it stands there and as it is meant.
    fn add_with_decoded(&mut self, what: &'static str, part: &str) {
        self.add(what, part);
        // A reader of forms decodes, and takes a plus for a blank, which it is not here.
        let part = part.replace('+', "%2B");
        for (decoded, _) in url::form_urlencoded::parse(part.as_bytes()) {
            self.add(what, &decoded);
        }
    }

    fn add_of_environment(&mut self) {
        for (name, value) in std::env::vars_os() {
            let name = name.to_string_lossy().to_ascii_uppercase();
            let value = value.to_string_lossy();
            if NAMES.iter().any(|word| name.contains(word)) && Path::new(&*value).is_relative() {
                self.add("the value of a variable", &value);
            }
            if name.ends_with("_PROXY")
                && let Ok(url) = Url::parse(&value)
            {
                self.add_user_of("a password of the proxy", &url);
            }
        }
    }

    /// The first secret that stands in this content.
    pub(super) fn find(&self, entry: &str, content: &[u8]) -> Option<FoundSecret> {
        for (what, secret) in &self.0 {
            for (form, needle) in forms(secret.expose_secret()) {
                if memmem::find(content, &needle).is_some() {
                    return Some(FoundSecret {
                        entry: entry.to_owned(),
                        what,
                        form,
                    });
                }
            }
        }
        None
    }
}

/// How a secret may be written, each with its name.
fn forms(secret: &str) -> Vec<(String, Vec<u8>)> {
    let bytes = secret.as_bytes();
    let mut forms = vec![("as it is".to_owned(), bytes.to_vec())];
    for (name, text) in [
        (
            "in hexadecimal digits",
            joined(bytes, |byte| format!("{byte:02x}")),
        ),
        (
            "in hexadecimal digits",
            joined(bytes, |byte| format!("{byte:02X}")),
        ),
        (
            "percent-encoded",
            joined(bytes, |byte| format!("%{byte:02X}")),
        ),
        (
            "as a form",
            url::form_urlencoded::byte_serialize(bytes).collect(),
        ),
        ("as JSON", as_json(secret)),
    ] {
        forms.push((name.to_owned(), text.into_bytes()));
    }
    let units: Vec<u16> = secret.encode_utf16().collect();
    let little = units.iter().flat_map(|unit| unit.to_le_bytes()).collect();
    let big = units.iter().flat_map(|unit| unit.to_be_bytes()).collect();
    forms.push(("in UTF-16".to_owned(), little));
    forms.push(("in UTF-16".to_owned(), big));

    // In Base64 it looks different for each number of bytes before it, as of `:token` and
    // `user:token`; what depends on its neighbours is cut off.
    for before in 0..3 {
        let padded = [&vec![b':'; before][..], bytes].concat();
        for engine in [STANDARD_NO_PAD, URL_SAFE_NO_PAD] {
            let encoded = engine.encode(&padded);
            let certain = &encoded[(before * 4).div_ceil(3)..padded.len() / 3 * 4];
            forms.push(("in Base64".to_owned(), certain.as_bytes().to_vec()));
        }
    }
    forms
}

fn joined(bytes: &[u8], form: impl Fn(u8) -> String) -> String {
    bytes.iter().map(|byte| form(*byte)).collect()
}

/// As a text of JSON, without its quotes.
fn as_json(text: &str) -> String {
    let quoted = serde_json::Value::from(text).to_string();
    quoted.trim_matches('"').to_owned()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_secret_is_found_in_each_form(
            secret in "[a-zA-Z0-9/+\"\\\\ü&=]{8,40}",
            before in "[a-z:]{0,5}",
            behind in "[a-z:]{0,5}",
        ) {
            let mut secrets = Secrets::default();
            secrets.add("a token", &secret);
            let around = |text: &str| format!("{before}{text}{behind}");

            for text in [
                around(&secret),
                around(&as_json(&secret)),
                STANDARD_NO_PAD.encode(around(&secret)),
                URL_SAFE_NO_PAD.encode(around(&secret)),
                joined(secret.as_bytes(), |byte| format!("{byte:02x}")),
                url::form_urlencoded::byte_serialize(secret.as_bytes()).collect(),
            ] {
                let finding = secrets.find("entry", text.as_bytes());
                prop_assert!(finding.is_some(), "{}", text);
                let shown = format!("{finding:?}");
                prop_assert!(!shown.contains(&secret));
            }
            prop_assert_eq!(secrets.find("entry", b"something else"), None);
        }
    }
}
