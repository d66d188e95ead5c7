//! Answers held against the document of the API.

use std::collections::BTreeMap;

use jsonschema::Validator;
use serde_json::{Map, Value, json};

/// The schemas of the document, closed: a member that it does not name is a mistake.
pub(crate) struct Contract {
    /// With its schemas closed.
    pub(crate) document: Value,
}

/// An answer as it came.
pub(crate) struct Received<'a> {
    pub(crate) method: &'a str,
    /// With or without a query.
    pub(crate) path: &'a str,
    pub(crate) status: u16,
    /// Names in lower case.
    pub(crate) headers: BTreeMap<String, String>,
    /// Empty, or JSON.
    pub(crate) body: &'a [u8],
}

impl Contract {
    pub(crate) fn new(document: &str) -> Self {
        let mut document: Value = serde_json::from_str(document).expect("the document is JSON");
        let schemas = &mut document["components"]["schemas"];
        for schema in schemas.as_object_mut().expect("schemas").values_mut() {
            close(schema);
        }
        Self { document }
    }

    /// Every operation: method in lower case, path, operation.
    pub(crate) fn operations(&self) -> impl Iterator<Item = (&str, &str, &Value)> {
        let paths = self.document["paths"].as_object().into_iter().flatten();
        paths.flat_map(|(path, item)| {
            let methods = item.as_object().into_iter().flatten();
            methods.map(move |(method, operation)| (method.as_str(), path.as_str(), operation))
        })
    }

    /// The operation that serves a path; a literal segment goes before a parameter.
    pub(crate) fn operation(&self, method: &str, path: &str) -> Option<&Value> {
        let path = path.split('?').next().unwrap_or_default();
        let mut found: Vec<_> = self
            .operations()
            .filter(|(m, template, _)| m.eq_ignore_ascii_case(method) && matches(template, path))
            .collect();
        found.sort_by_key(|(_, template, _)| template.matches('{').count());
        found.first().map(|(_, _, operation)| *operation)
    }

    /// What is behind a `$ref`, or the value itself.
    pub(crate) fn resolve<'a>(&'a self, value: &'a Value) -> &'a Value {
        match value["$ref"].as_str() {
            Some(reference) => self
                .document
                .pointer(reference.trim_start_matches('#'))
                .unwrap_or_else(|| panic!("{reference} leads nowhere")),
            None => value,
        }
    }

    /// A schema of the document, ready to check with.
    pub(crate) fn validator(&self, schema: &Value) -> Validator {
        let whole = json!({
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "components": self.document["components"],
            "allOf": [schema],
        });
        jsonschema::options()
            .should_validate_formats(true)
            .build(&whole)
            .unwrap_or_else(|error| panic!("not a schema: {error}: {schema}"))
    }

    /// Every difference between an answer and the document.
    pub(crate) fn differences(&self, received: &Received<'_>) -> Vec<String> {
        let Some(operation) = self.operation(received.method, received.path) else {
            return self.of_no_operation(received);
        };
        let Some(response) = operation["responses"].get(received.status.to_string()) else {
            return vec![format!("status {} is not documented", received.status)];
        };
        let mut differences = self.of_headers(response, received);
        let content = response["content"].as_object();
        match (content, received.body) {
            (None, b"") => {}
            (None, body) => differences.push(format!("a body that is not documented: {body:?}")),
            (Some(content), body) => self.of_body(content, received, body, &mut differences),
        }
        differences
    }

    /// No such path, or no such method: still a problem document.
    fn of_no_operation(&self, received: &Received<'_>) -> Vec<String> {
        if !matches!(received.status, 404 | 405) {
            return vec![format!("{} and no operation", received.status)];
        }
        let problem = json!({"$ref": "#/components/schemas/Problem"});
        self.of_value(&problem, received.body)
    }

    fn of_headers(&self, response: &Value, received: &Received<'_>) -> Vec<String> {
        let documented = response["headers"].as_object().into_iter().flatten();
        let mut differences = Vec::new();
        for (name, header) in documented {
            let header = self.resolve(header);
            let Some(text) = received.headers.get(&name.to_lowercase()) else {
                if header["required"] == true {
                    differences.push(format!("header {name} is missing"));
                }
                continue;
            };
            let schema = &header["schema"];
            let value = match schema["type"].as_str() {
                Some("integer" | "boolean") => serde_json::from_str(text).unwrap_or(Value::Null),
                _ => json!(text),
            };
            if !self.validator(schema).is_valid(&value) {
                differences.push(format!("header {name}: `{text}` is not {schema}"));
            }
        }
        differences
    }

    fn of_body(
        &self,
        content: &Map<String, Value>,
        received: &Received<'_>,
        body: &[u8],
        differences: &mut Vec<String>,
    ) {
        let given = received.headers.get("content-type").map(String::as_str);
        let Some(media) = given.and_then(|media| content.get(media)) else {
            differences.push(format!("content type {given:?} is not documented"));
            return;
        };
        differences.extend(self.of_value(&media["schema"], body));
    }

    fn of_value(&self, schema: &Value, body: &[u8]) -> Vec<String> {
        let Ok(value) = serde_json::from_slice::<Value>(body) else {
            return vec![format!("not JSON: {}", String::from_utf8_lossy(body))];
        };
        let validator = self.validator(schema);
        let errors = validator.iter_errors(&value);
        errors
            .map(|error| format!("{}: {error}", error.instance_path()))
            .collect()
    }
}

fn matches(template: &str, path: &str) -> bool {
    let (mut template, mut path) = (template.split('/'), path.split('/'));
    loop {
        match (template.next(), path.next()) {
            (None, None) => return true,
            (Some(t), Some(p)) if t == p || (t.starts_with('{') && !p.is_empty()) => {}
            _ => return false,
        }
    }
}

/// Clients ignore what they do not know; a test does not.
fn close(schema: &mut Value) {
    if let Some(map) = schema.as_object_mut() {
        if map.contains_key("properties") && !map.contains_key("additionalProperties") {
            map.insert("additionalProperties".to_owned(), json!(false));
        }
        map.values_mut().for_each(close);
    } else if let Some(values) = schema.as_array_mut() {
        values.iter_mut().for_each(close);
    }
}
