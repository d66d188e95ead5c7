//! The form of the document.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::contract;
use crate::openapi::openapi_json;
use crate::tests::contract::Contract;

const METHODS: [&str; 5] = ["get", "put", "post", "delete", "patch"];

/// What the specification of OpenAPI 3.1 asks of the objects that the document has.
#[test]
fn the_document_is_openapi_3_1() {
    let contract = contract();
    let document: Value = serde_json::from_str(&openapi_json()).unwrap();
    assert_eq!(document["openapi"], "3.1.0");
    assert!(document["info"]["title"].is_string() && document["info"]["version"].is_string());
    references_lead_somewhere(&contract, &document);
    for (name, schema) in document["components"]["schemas"].as_object().unwrap() {
        assert!(
            jsonschema::meta::is_valid(
                &json!({"$schema": "https://json-schema.org/draft/2020-12/schema", "allOf": [schema]})
            ),
            "{name}"
        );
    }
    let schemes: BTreeSet<_> = document["components"]["securitySchemes"]
        .as_object()
        .unwrap()
        .keys()
        .collect();
    for requirement in document["security"].as_array().unwrap() {
        assert!(
            requirement
                .as_object()
                .unwrap()
                .keys()
                .all(|name| schemes.contains(name))
        );
    }
    let tags: BTreeSet<_> = document["tags"]
        .as_array()
        .unwrap()
        .iter()
        .map(|tag| tag["name"].as_str().unwrap())
        .collect();
    let (mut ids, mut used_tags) = (BTreeSet::new(), BTreeSet::new());
    for (method, path, operation) in contract.operations() {
        let at = format!("{method} {path}");
        assert!(METHODS.contains(&method), "{at}");
        let id = operation["operationId"].as_str().expect(&at);
        assert!(ids.insert(id), "{id} twice");
        assert!(
            operation["summary"].as_str().is_some_and(|s| !s.is_empty()),
            "{at}"
        );
        for tag in operation["tags"].as_array().expect(&at) {
            assert!(tags.contains(tag.as_str().unwrap()), "{at}: {tag}");
            used_tags.insert(tag.as_str().unwrap());
        }
        check_parameters(&contract, &at, path, operation);
        if let Some(body) = operation.get("requestBody") {
            assert_eq!(body["required"], true, "{at}");
            assert!(
                body["content"]["application/json"]["schema"].is_object(),
                "{at}"
            );
        }
        let responses = operation["responses"].as_object().expect(&at);
        assert!(
            responses.keys().any(|status| status.starts_with('2')),
            "{at}"
        );
        for (status, response) in responses {
            assert!(
                status.len() == 3 && status.parse::<u16>().is_ok(),
                "{at} {status}"
            );
            assert!(
                response["description"]
                    .as_str()
                    .is_some_and(|s| !s.is_empty()),
                "{at} {status}"
            );
            for header in response["headers"].as_object().expect(&at).values() {
                let header = contract.resolve(header);
                assert!(
                    header["schema"].is_object() && header.get("name").is_none(),
                    "{at} {status}"
                );
            }
        }
    }
    assert_eq!(used_tags, tags, "every tag has an operation");
}

fn check_parameters(contract: &Contract, at: &str, path: &str, operation: &Value) {
    let mut names = BTreeSet::new();
    let mut in_path = BTreeSet::new();
    for parameter in operation["parameters"].as_array().into_iter().flatten() {
        let parameter = contract.resolve(parameter);
        let name = parameter["name"].as_str().expect(at);
        let place = parameter["in"].as_str().expect(at);
        assert!(["path", "query", "header"].contains(&place), "{at} {name}");
        assert!(names.insert((place, name)), "{at} {name} twice");
        assert!(parameter["description"].is_string(), "{at} {name}");
        assert!(
            contract.resolve(&parameter["schema"])["type"].is_string(),
            "{at} {name}"
        );
        assert!(
            parameter.get("example").is_none() || parameter.get("examples").is_none(),
            "{at} {name}"
        );
        if place == "path" {
            assert_eq!(parameter["required"], true, "{at} {name}");
            in_path.insert(format!("{{{name}}}"));
        }
    }
    let in_template: BTreeSet<_> = path
        .split('/')
        .filter(|s| s.starts_with('{'))
        .map(str::to_owned)
        .collect();
    assert_eq!(in_path, in_template, "{at}");
}

fn references_lead_somewhere(contract: &Contract, value: &Value) {
    match value {
        Value::Object(map) => {
            if map.contains_key("$ref") {
                contract.resolve(value);
            }
            map.values()
                .for_each(|value| references_lead_somewhere(contract, value));
        }
        Value::Array(values) => values
            .iter()
            .for_each(|value| references_lead_somewhere(contract, value)),
        _ => {}
    }
}
