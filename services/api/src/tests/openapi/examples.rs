//! The examples, as far as they can be checked without sending them.

use serde_json::Value;

use super::contract;
use crate::tests::contract::Contract;

/// Every body that is sent or answered has an example, and every example is of its schema.
#[test]
fn every_example_is_of_its_schema() {
    let contract = contract();
    for (method, path, operation) in contract.operations() {
        let at = format!("{method} {path}");
        if operation["operationId"] == "getOpenApi" {
            continue;
        }
        if let Some(body) = operation.get("requestBody") {
            examples_fit(&contract, &at, &body["content"]["application/json"]);
        }
        for (status, response) in operation["responses"].as_object().unwrap() {
            for media in response["content"]
                .as_object()
                .into_iter()
                .flatten()
                .map(|(_, media)| media)
            {
                examples_fit(&contract, &format!("{at} {status}"), media);
            }
        }
        for parameter in operation["parameters"].as_array().into_iter().flatten() {
            let parameter = contract.resolve(parameter);
            let at = format!("{at} {}", parameter["name"]);
            let validator = contract.validator(&parameter["schema"]);
            let examples = parameter["examples"].as_object().into_iter().flatten();
            let values = examples
                .map(|(_, example)| &example["value"])
                .chain(parameter.get("example"));
            for value in values {
                assert!(validator.is_valid(value), "{at}: {value}");
            }
            if parameter["in"] == "path" {
                assert!(parameter["example"].is_string(), "{at}");
            }
        }
    }
}

fn examples_fit(contract: &Contract, at: &str, media: &Value) {
    let validator = contract.validator(&media["schema"]);
    let examples = media["examples"]
        .as_object()
        .unwrap_or_else(|| panic!("{at} has no example"));
    assert!(!examples.is_empty(), "{at} has no example");
    for (name, example) in examples {
        let value = &contract.resolve(example)["value"];
        let errors: Vec<_> = validator
            .iter_errors(value)
            .map(|e| format!("{}: {e}", e.instance_path()))
            .collect();
        assert!(errors.is_empty(), "{at}, example {name}: {errors:?}");
    }
}
