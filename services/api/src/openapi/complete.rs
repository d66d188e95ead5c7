//! What every operation has by its form: problems, headers, examples, the security scheme.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::examples;
use crate::problem::Kind;

/// Where the attributes of a handler name the problems of its own.
const OWN_PROBLEMS: &str = "x-problems";
const PROBLEM_JSON: &str = "application/problem+json";
/// The one header of a handler that is not in each of its answers.
const SOMETIMES: &str = "Idempotent-Replayed";
const METHODS: [&str; 5] = ["get", "put", "post", "patch", "delete"];

/// The document of these operations with everything that follows from their form.
pub(super) fn complete(operations: &utoipa::openapi::OpenApi) -> Value {
    // Texts, numbers and maps: this cannot fail.
    let mut document = serde_json::to_value(operations).unwrap_or_default();
    let paths = document["paths"].as_object_mut().into_iter().flatten();
    for (_, path) in paths {
        for method in METHODS {
            if let Some(operation) = path.get_mut(method).and_then(Value::as_object_mut) {
                complete_operation(operation);
            }
        }
    }
    components(&mut document["components"]);
    document
}

fn complete_operation(operation: &mut Map<String, Value>) {
    let kinds = problems_of(operation);
    let mut by_status: BTreeMap<u16, Vec<Kind>> = BTreeMap::new();
    for kind in kinds {
        by_status
            .entry(kind.status().as_u16())
            .or_default()
            .push(kind);
    }
    examples_of(operation);
    let responses = object(operation.entry("responses").or_insert_with(|| json!({})));
    for (status, kinds) in by_status {
        responses.insert(status.to_string(), problem_response(status, &kinds));
    }
    for (status, response) in responses.iter_mut() {
        let headers = object(&mut response["headers"]);
        for (name, header) in headers.iter_mut() {
            header["required"] = (name != SOMETIMES).into();
        }
        headers.insert("X-Request-Id".to_owned(), header("X-Request-Id"));
        match status.as_str() {
            "401" => headers.insert("WWW-Authenticate".to_owned(), header("WWW-Authenticate")),
            "429" | "503" => headers.insert("Retry-After".to_owned(), header("Retry-After")),
            _ => None,
        };
    }
    let parameters = array(operation.entry("parameters").or_insert_with(|| json!([])));
    parameters.push(json!({"$ref": "#/components/parameters/X-Request-Id"}));
}

/// The kinds of problems that an operation can answer with, in order of declaration.
fn problems_of(operation: &mut Map<String, Value>) -> Vec<Kind> {
    let own: Vec<Value> = match operation.remove(OWN_PROBLEMS) {
        Some(Value::Array(own)) => own,
        _ => Vec::new(),
    };
    let has_token = !operation.contains_key("security");
    let has_body = operation.contains_key("requestBody");
    let has_parameters = operation.contains_key("parameters");
    let follows_from_form = |kind: Kind| match kind {
        Kind::Internal | Kind::Overloaded | Kind::Timeout => true,
        // Whatever knows its viewer asks a server.
        Kind::Unauthorized | Kind::RateLimited | Kind::Unavailable => has_token,
        Kind::InvalidParameter => has_parameters,
        Kind::InvalidJson
        | Kind::Refused
        | Kind::BodyTimeout
        | Kind::BodyTooLarge
        | Kind::UnsupportedMediaType
        | Kind::Validation => has_body,
        Kind::ProfileRequired
        | Kind::NotFound
        | Kind::HandleTaken
        | Kind::SelfReference
        | Kind::IdempotencyConflict
        // A path has the methods that are documented.
        | Kind::MethodNotAllowed => false,
    };
    let all = Kind::ALL.iter().copied();
    all.filter(|kind| follows_from_form(*kind) || own.iter().any(|own| own == kind.slug()))
        .collect()
}

fn problem_response(status: u16, kinds: &[Kind]) -> Value {
    let types: Vec<_> = kinds.iter().map(|kind| kind.uri()).collect();
    let description: Vec<_> = kinds
        .iter()
        .map(|kind| format!("`{}`: {}", kind.slug(), kind.meaning()))
        .collect();
    let examples: Map<_, _> = kinds
        .iter()
        .map(|kind| {
            let reference = format!("#/components/examples/{}", kind.slug());
            (kind.slug().to_owned(), json!({ "$ref": reference }))
        })
        .collect();
    json!({
        "description": description.join("\n\n"),
        "headers": {},
        "content": {
            PROBLEM_JSON: {
                "schema": {
                    "allOf": [
                        {"$ref": "#/components/schemas/Problem"},
                        {"properties": {"type": {"enum": types}, "status": {"const": status}}},
                    ],
                },
                "examples": examples,
            },
        },
    })
}

fn examples_of(operation: &mut Map<String, Value>) {
    let name = operation.get("operationId").and_then(Value::as_str);
    let given = name.map(examples::of).unwrap_or_default();
    if let Some(Value::Array(parameters)) = operation.get_mut("parameters") {
        for parameter in parameters {
            if parameter["in"] == "path" {
                let schema = parameter["schema"]["$ref"].as_str().unwrap_or_default();
                parameter["example"] = examples::id(schema);
            } else if let Some(values) = parameter["name"]
                .as_str()
                .and_then(|name| given["parameters"].get(name))
            {
                parameter["examples"] = named(values);
            }
        }
    }
    if let Some(body) = operation.get_mut("requestBody") {
        body["content"]["application/json"]["examples"] = named(&given["request"]);
    }
    let responses = operation
        .get_mut("responses")
        .and_then(Value::as_object_mut);
    let content = responses
        .into_iter()
        .flatten()
        .filter(|(status, _)| status.starts_with('2'))
        .filter_map(|(_, response)| response.get_mut("content")?.get_mut("application/json"));
    for content in content {
        if !given["response"].is_null() {
            content["examples"] = named(&given["response"]);
        }
    }
}

/// `{name: value}` as Example Objects.
fn named(values: &Value) -> Value {
    let values = values.as_object().into_iter().flatten();
    values
        .map(|(name, value)| {
            let example = json!({"summary": name.replace('-', " "), "value": value});
            (name.clone(), example)
        })
        .collect()
}

fn components(components: &mut Value) {
    components["securitySchemes"]["bearer"] = json!({
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "JWT",
        "description": "A JSON Web Token (HS256 or EdDSA) whose `sub` is the user's id. `nova token USER` prints one for development.",
    });
    components["headers"] = json!({
        "X-Request-Id": {
            "description": "The id of the request: the client's own, if it sent one, else a new one.",
            "required": true,
            "schema": request_id(),
        },
        "WWW-Authenticate": {
            "description": "The challenge (RFC 6750); with `error=\"invalid_token\"` when a token was sent.",
            "required": true,
            "schema": {"type": "string"},
        },
        "Retry-After": {
            "description": "Whole seconds after which to try again.",
            "required": true,
            "schema": {"type": "integer", "minimum": 1},
        },
    });
    components["parameters"]["X-Request-Id"] = json!({
        "name": "X-Request-Id",
        "in": "header",
        "required": false,
        "description": "An id for the request, for logs and problem documents. One of another form is replaced.",
        "schema": request_id(),
    });
    let problems = Kind::ALL.iter().filter_map(|kind| {
        let example = json!({"summary": kind.title(), "value": examples::problem(*kind)?});
        Some((kind.slug().to_owned(), example))
    });
    components["examples"] = problems.collect();
}

fn request_id() -> Value {
    json!({"type": "string", "pattern": "^[A-Za-z0-9._-]{1,64}$"})
}

fn header(name: &str) -> Value {
    json!({"$ref": format!("#/components/headers/{name}")})
}

/// The map in `value`, which becomes one if it is none.
fn object(value: &mut Value) -> &mut Map<String, Value> {
    if !value.is_object() {
        *value = json!({});
    }
    match value {
        Value::Object(map) => map,
        _ => unreachable!("it has just been made one"),
    }
}

fn array(value: &mut Value) -> &mut Vec<Value> {
    if !value.is_array() {
        *value = json!([]);
    }
    match value {
        Value::Array(values) => values,
        _ => unreachable!("it has just been made one"),
    }
}
