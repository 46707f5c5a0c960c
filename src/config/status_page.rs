//! `[status_page]`: where the status page is served, and who may see it.
//!
//! It is for people at the machine. Another address than loopback shows names of projects and
//! reasons to whoever reaches it, so it needs two words of the administrator: `allow_remote` and a
//! password.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use toml::de::DeValue;

use crate::config::section::{Problems, Section};
use crate::config::value_error::ValueError;
use crate::config::values::{self, Read};

/// The port of the page where nothing else is said.
const PORT: u16 = 7440;

/// The keys of `[status_page]`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct StatusPage {
    /// `listen`; `None` turns the page off.
    pub listen: Option<SocketAddr>,
    /// `actions`: whether the page may retry and forget.
    pub actions: bool,
    /// `allowed_hosts`: names by which the page may be asked for besides those of loopback.
    pub allowed_hosts: Vec<String>,
    /// `password_file`: what everybody who asks has to know.
    pub password_file: Option<PathBuf>,
}

impl Default for StatusPage {
    fn default() -> Self {
        Self {
            listen: Some(SocketAddr::from((Ipv4Addr::LOCALHOST, PORT))),
            actions: false,
            allowed_hosts: Vec::new(),
            password_file: None,
        }
    }
}

/// Reads the table; a relative path starts at `folder`.
pub(super) fn read(
    root: &mut Section<'_, '_>,
    folder: &Path,
    problems: &mut Problems<'_>,
) -> StatusPage {
    let mut page = StatusPage::default();
    let at = root.raw("status_page").map_or(0..0, toml::Spanned::span);
    let Some(mut table) = root.table("status_page", problems) else {
        return page;
    };

    if let Some(listen) = table.read("listen", problems, address) {
        page.listen = listen;
    }
    page.actions = table
        .read("actions", problems, values::boolean)
        .unwrap_or(false);
    page.password_file = table
        .read_hidden("password_file", problems, values::token_file)
        .map(|path| folder.join(path));
    page.allowed_hosts = table
        .read("allowed_hosts", problems, |value| values::list(value, host))
        .unwrap_or_default();
    let may_be_remote = table
        .read("allow_remote", problems, values::boolean)
        .unwrap_or(false);
    table.finish(problems);

    if let Some(address) = page.listen
        && !address.ip().is_loopback()
        && !(may_be_remote && page.password_file.is_some())
    {
        problems.add(
            at,
            format!(
                "`status_page.listen` is `{address}`, which other machines reach; that needs \
                 `allow_remote = true` and a `password_file` beside it"
            ),
        );
    }
    page
}

/// An address with its port; empty for none.
fn address(value: &DeValue<'_>) -> Read<Option<SocketAddr>> {
    let text = values::text(value)?;
    let text = text.trim();
    if text.is_empty() {
        return Ok(None);
    }

    // Names are not looked up: who answers would be decided by somebody else.
    match text.replace("localhost:", "127.0.0.1:").parse() {
        Ok(address) => Ok(Some(address)),
        Err(_) => Err(ValueError::MustBe(
            "an address with a port such as \"127.0.0.1:7440\", or \"\" for no page",
        )),
    }
}

/// A name as it stands in `Host`, without its port.
fn host(value: &DeValue<'_>) -> Read<String> {
    let host = values::word(value)?.to_ascii_lowercase();
    let is_name = host
        .chars()
        .all(|letter| letter.is_ascii_alphanumeric() || "-.[]:".contains(letter));
    if is_name && !host.contains("]:") {
        Ok(host)
    } else {
        Err(ValueError::MustBe(
            "the name of a host such as \"agent7.example\", without scheme and port",
        ))
    }
}

#[cfg(test)]
mod tests {
    use crate::config::of_text;

    fn page(table: &str) -> Result<super::StatusPage, Vec<String>> {
        let text = format!("watch = [\"/w\"]\n[status_page]\n{table}\n");
        of_text(&text).map(|config| config.status_page)
    }

    #[test]
    fn the_page_is_for_this_machine_unless_something_else_is_said() {
        let page = of_text("watch = [\"/w\"]").unwrap().status_page;

        assert_eq!(page.listen, Some("127.0.0.1:7440".parse().unwrap()));
        assert!(!page.actions);
    }

    #[test]
    fn an_empty_address_turns_it_off() {
        assert_eq!(page("listen = \"\"").unwrap().listen, None);
    }

    #[test]
    fn an_address_that_others_reach_needs_two_words() {
        for table in [
            "listen = \"0.0.0.0:7440\"",
            "listen = \"[::]:7440\"\nallow_remote = true",
            "listen = \"10.0.0.1:7440\"\npassword_file = \"/p\"",
        ] {
            let problems = page(table).unwrap_err();

            assert_eq!(problems.len(), 1, "{problems:?}");
            assert!(problems[0].contains("allow_remote = true"), "{problems:?}");
        }

        let both = "listen = \"0.0.0.0:7440\"\nallow_remote = true\npassword_file = \"/p\"";
        assert!(page(both).is_ok());
    }

    #[test]
    fn what_is_no_address_is_told() {
        insta::assert_snapshot!(page("listen = \"7440\"").unwrap_err().join("\n"), @r#"line 3: `status_page.listen` is `7440`; it must be an address with a port such as "127.0.0.1:7440", or "" for no page"#);
    }
}
