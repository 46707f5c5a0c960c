//! `kado.toml` as others may see it: which keys it has, and the values of those that are known to
//! hold no secret. Comments go, because people keep their old tokens in them. Pure.

use toml_edit::{DocumentMut, InlineTable, Item, Table, Value};

use crate::server;

/// What stands in the place of a value.
const LEFT_OUT: &str = "…";
/// Keys whose texts are words, names, times or paths. What is not listed is left out, so that a new
/// key is safe until somebody has thought about it.
const SHOWN: [&str; 29] = [
    "watch",
    "state_dir",
    "history",
    "runs_from",
    "abort_after",
    "late",
    "spool_limit",
    "project",
    "path",
    "api_version",
    "ca_file",
    "token_file",
    "no_proxy",
    "max_attachment",
    "expires",
    "kind",
    "katalon_submits",
    "katalon_wait",
    "collections",
    "test_plans",
    "attachments",
    "attach",
    "automation_fields",
    "ids_from",
    "listen",
    "allowed_hosts",
    "format",
    "on",
    "silence_after",
];
/// Keys whose texts are URLs that may have a user part or a query.
const URLS: [&str; 3] = ["server_url", "authority_url", "proxy"];

/// The file without its comments, and without what may be a secret.
pub(super) fn without_secrets(text: &str) -> String {
    let Ok(document) = text.parse::<DocumentMut>() else {
        return "# it is no TOML, so nothing of it is shown; check.json says what is wrong\n"
            .to_owned();
    };
    let mut shown = DocumentMut::new();
    copy(document.as_table(), shown.as_table_mut());
    shown.to_string()
}

fn copy(from: &Table, to: &mut Table) {
    for (key, item) in from {
        let copied = match item {
            Item::None => continue,
            Item::Value(value) => Item::Value(shown(key, value)),
            Item::Table(table) => {
                let mut copied = Table::new();
                copy(table, &mut copied);
                Item::Table(copied)
            }

            Item::ArrayOfTables(tables) => {
                let mut copied = toml_edit::ArrayOfTables::new();
                for table in tables {
                    let mut one = Table::new();
                    copy(table, &mut one);
                    copied.push(one);
                }
                Item::ArrayOfTables(copied)
            }
        };
        to.insert(key, copied);
    }
}

fn shown(key: &str, value: &Value) -> Value {
    match value {
        Value::Integer(_) | Value::Float(_) | Value::Boolean(_) | Value::Datetime(_) => {
            let mut plain = value.clone();
            plain.decor_mut().clear();
            plain
        }
        Value::String(text) if SHOWN.contains(&key) => text.value().as_str().into(),
        Value::String(text) if URLS.contains(&key) => {
            server::without_secrets(text.value()).as_ref().into()
        }
        Value::String(_) => LEFT_OUT.into(),

        Value::Array(items) => {
            let mut copied = toml_edit::Array::new();
            for item in items {
                copied.push(shown(key, item));
            }
            Value::Array(copied)
        }
        Value::InlineTable(table) => {
            let mut copied = InlineTable::new();
            for (key, item) in table.iter() {
                copied.insert(key, shown(key, item));
            }
            Value::InlineTable(copied)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_that_may_be_secret_and_comments_are_left_out() {
        let text = "\
# the old token: hunter2
watch = [\"/srv/agent/_work\"] # hunter2
late = \"park\"
[azure]
server_url = \"https://u:hunter2@dev.azure.com/acme?token=hunter2\"
proxy = \"http://u:hunter2@proxy:3128\"
allow_http = false
identity = { kind = \"service-principal\", client_id = \"hunter2\" }
[notify]
webhook = \"https://chat.example/hunter2\"
command = [\"curl\", \"hunter2\"]
[redact]
patterns = ['hunter2']
[[project]]
path = \"/srv/shop\"
submit.test_plans = [18]
submit.test_run_name = \"hunter2\"
";

        let shown = without_secrets(text);

        assert!(!shown.contains("hunter2"), "{shown}");
        insta::assert_snapshot!(shown, @r#"
        watch = ["/srv/agent/_work"]
        late = "park"

        [azure]
        server_url = "https://dev.azure.com/acme"
        proxy = "http://proxy:3128/"
        allow_http = false
        identity = { kind = "service-principal", client_id = "…" }

        [notify]
        webhook = "…"
        command = ["…", "…"]

        [redact]
        patterns = ["…"]

        [[project]]
        path = "/srv/shop"

        [project.submit]
        test_plans = [18]
        test_run_name = "…"
        "#);
    }

    #[test]
    fn what_is_no_toml_is_not_shown() {
        assert!(!without_secrets("token = hunter2 = 1").contains("hunter2"));
    }
}
