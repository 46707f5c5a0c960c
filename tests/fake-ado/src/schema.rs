//! Request bodies checked against the official API description with closed objects.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use jsonschema::{Draft, Validator};
use serde_json::{Map, Value, json};

/// The loaded description; validators are made when an operation is called first.
pub(crate) struct Checker {
    description: Value,
    validators: Mutex<BTreeMap<(String, String), Option<Validator>>>,
}

impl std::fmt::Debug for Checker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Checker")
    }
}

/// Where the description lies when nothing else is said: beside the workspace.
pub(crate) fn default_path() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/ado/openapi/ado-subset-strict.json")
}

impl Checker {
    pub(crate) fn load(path: &Path) -> std::io::Result<Checker> {
        let description = serde_json::from_slice(&std::fs::read(path)?)?;
        Ok(Checker {
            description,
            validators: Mutex::default(),
        })
    }

    /// What is wrong with a body, at most a handful of remarks.
    pub(crate) fn check(&self, method: &str, path: &str, body: &Value) -> Vec<String> {
        let key = (method.to_lowercase(), path.to_owned());
        let mut validators = self
            .validators
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        let validator = validators
            .entry(key)
            .or_insert_with_key(|(method, path)| self.validator(method, path));
        let Some(validator) = validator else {
            return Vec::new();
        };
        let remarks = validator.iter_errors(body).take(5);

        remarks
            .map(|error| {
                format!(
                    "{method} {path} at {:?}: {}",
                    error.instance_path.to_string(),
                    shorten(&error.to_string())
                )
            })
            .collect()
    }

    fn validator(&self, method: &str, path: &str) -> Option<Validator> {
        let parameters = self.description["paths"][path][method]["parameters"].as_array()?;
        let body = parameters
            .iter()
            .find(|parameter| parameter["in"] == "body")?;
        self.compile(&body["schema"])
    }

    /// What is wrong with an answer of the fake itself; `None` when the operation is not described.
    #[cfg(test)]
    pub(crate) fn check_answer(
        &self,
        method: &str,
        path: &str,
        answer: &Value,
    ) -> Option<Vec<String>> {
        let schema = &self.description["paths"][path][method]["responses"]["200"]["schema"];
        let validator = self.compile(schema.as_object().map(|_| schema)?)?;
        Some(
            validator
                .iter_errors(answer)
                .map(|error| format!("{}: {error}", error.instance_path))
                .collect(),
        )
    }

    fn compile(&self, schema: &Value) -> Option<Validator> {
        // A `$ref` hides what stands beside it in draft 4: the schema itself goes one level down.
        let schema = json!({"definitions": self.reachable(schema), "allOf": [convert(schema)]});
        jsonschema::options()
            .with_draft(Draft::Draft4)
            .build(&schema)
            .ok()
    }

    fn reachable(&self, from: &Value) -> Map<String, Value> {
        let mut names = BTreeSet::new();
        let mut open = Vec::new();
        references(from, &mut open);
        let mut found = Map::new();

        while let Some(name) = open.pop() {
            if names.insert(name.clone()) {
                let definition = &self.description["definitions"][&name];
                references(definition, &mut open);
                found.insert(name, convert(definition));
            }
        }

        found
    }
}

fn shorten(text: &str) -> String {
    text.chars().take(300).collect()
}

fn references(schema: &Value, into: &mut Vec<String>) {
    match schema {
        Value::Object(members) => {
            let target = members.get("$ref").and_then(Value::as_str);
            into.extend(
                target
                    .and_then(|target| target.strip_prefix("#/definitions/"))
                    .map(str::to_owned),
            );
            members.values().for_each(|member| references(member, into));
        }
        Value::Array(items) => items.iter().for_each(|item| references(item, into)),
        _ => {}
    }
}

/// Swagger's `x-nullable` becomes a choice with `null`; formats and texts of no meaning here go.
fn convert(schema: &Value) -> Value {
    let Value::Object(members) = schema else {
        return match schema {
            Value::Array(items) => Value::Array(items.iter().map(convert).collect()),
            other => other.clone(),
        };
    };
    let mut out = Map::new();

    for (name, member) in members {
        match (name.as_str(), member) {
            ("properties", Value::Object(properties)) => {
                let converted = properties
                    .iter()
                    .map(|(name, schema)| (name.clone(), convert(schema)));
                out.insert(name.clone(), Value::Object(converted.collect()));
            }
            ("description" | "example" | "readOnly" | "discriminator", _) => {}
            ("format", format) if format != "date-time" => {}
            (extension, _) if extension.starts_with("x-") => {}
            _ => {
                out.insert(name.clone(), convert(member));
            }
        }
    }

    if members.get("x-nullable") == Some(&Value::Bool(true)) {
        return json!({"anyOf": [out, {"type": "null"}]});
    }

    Value::Object(out)
}
