//! Sends examples and remembers what their names stand for.

use std::collections::{BTreeMap, BTreeSet};

use reqwest::Method;
use serde_json::{Value, json};

use super::ADA;
use super::common::client::{Answer, Ask, Client};
use super::common::contract::Contract;
use super::shape::{compare, snapshot};

pub(crate) struct Run<'a> {
    pub(crate) client: &'a Client,
    /// What texts of examples stand for.
    real: BTreeMap<String, String>,
    pub(crate) executed: BTreeSet<String>,
}

impl<'a> Run<'a> {
    pub(crate) fn new(client: &'a Client) -> Self {
        Self {
            client,
            real: BTreeMap::new(),
            executed: BTreeSet::new(),
        }
    }

    fn operation(&self, id: &str) -> (String, String, &'a Value) {
        let found = self
            .client
            .contract
            .operations()
            .find(|(_, _, operation)| operation["operationId"] == id);
        let (method, path, operation) = found.unwrap_or_else(|| panic!("no operation {id}"));
        (method.to_uppercase(), path.to_owned(), operation)
    }

    /// The names of an operation's examples; one without a name where it has none.
    pub(crate) fn names(&self, id: &str) -> Vec<Option<String>> {
        let (_, _, operation) = self.operation(id);
        let names: BTreeSet<String> = examples(operation, &self.client.contract)
            .into_keys()
            .map(|(_, name)| name)
            .collect();
        if names.is_empty() {
            vec![None]
        } else {
            names.into_iter().map(Some).collect()
        }
    }

    /// Everything that has to be executed.
    pub(crate) fn documented(&self) -> BTreeSet<String> {
        let contract = &self.client.contract;
        let mut all = BTreeSet::new();
        for (_, _, operation) in contract.operations() {
            let id = operation["operationId"].as_str().unwrap_or_default();
            for name in self.names(id) {
                all.insert(key(id, name.as_deref()));
            }
        }
        let problems = contract.document["components"]["examples"].as_object();
        all.extend(
            problems
                .into_iter()
                .flatten()
                .map(|(slug, _)| key("problem", Some(slug))),
        );
        all
    }

    /// Sends one example as Ada and compares the answer with its own.
    pub(crate) async fn example(&mut self, id: &str, name: Option<&str>) -> anyhow::Result<()> {
        let (method, template, operation) = self.operation(id);
        let examples = examples(operation, &self.client.contract);
        let get = |place: &str| {
            let name = name.unwrap_or_default().to_owned();
            examples.get(&(place.to_owned(), name)).cloned()
        };
        let (mut path, mut query, mut headers) = (template, Vec::new(), Vec::new());
        for parameter in operation["parameters"].as_array().into_iter().flatten() {
            let parameter = self.client.contract.resolve(parameter);
            let parameter_name = parameter["name"].as_str().unwrap_or_default();
            let value = match parameter["in"].as_str() {
                Some("path") => Some(parameter["example"].clone()),
                _ => get(parameter_name),
            };
            let Some(value) = value.map(|value| self.put_in(&value)) else {
                continue;
            };
            let text = value
                .as_str()
                .map_or_else(|| value.to_string(), str::to_owned);
            match parameter["in"].as_str() {
                Some("path") => path = path.replace(&format!("{{{parameter_name}}}"), &text),
                Some("query") => query.push(format!("{parameter_name}={text}")),
                _ => headers.push((parameter_name, text)),
            }
        }
        if !query.is_empty() {
            path = format!("{path}?{}", query.join("&"));
        }
        let body = get("request").map(|body| self.put_in(&body));
        let headers: Vec<_> = headers.iter().map(|(n, v)| (*n, v.as_str())).collect();
        let answer = self
            .client
            .send(Ask {
                user: Some(ADA.parse()?),
                method: Method::from_bytes(method.as_bytes())?,
                path: path.trim_start_matches("/api/v1"),
                body: body.as_ref(),
                headers: &headers,
            })
            .await?;
        let responses = operation["responses"].as_object().into_iter().flatten();
        let mut good = responses.filter(|(status, _)| status.starts_with('2'));
        let at = format!("{id} {}", name.unwrap_or_default());
        let (status, _) = good
            .next()
            .unwrap_or_else(|| panic!("{at}: no good answer"));
        anyhow::ensure!(
            answer.status.to_string() == *status,
            "{at}: {} {}",
            answer.status,
            answer.text
        );
        if let Some(expected) = get("response") {
            let mut differences = Vec::new();
            compare(&expected, &answer.body(), "", &mut differences);
            anyhow::ensure!(
                differences.is_empty(),
                "{at}: {differences:#?}\n{}",
                answer.text
            );
            snapshot(&key(id, name).replace([':', '-'], "_"), &answer.body());
            self.learn(&expected, &answer.body(), "");
        }
        self.executed.insert(key(id, name));
        Ok(())
    }

    /// The example with what its texts stand for.
    fn put_in(&self, value: &Value) -> Value {
        match value {
            Value::String(text) => json!(self.real.get(text).unwrap_or(text)),
            Value::Array(values) => values.iter().map(|value| self.put_in(value)).collect(),
            Value::Object(map) => {
                let members = map.iter();
                members.map(|(k, v)| (k.clone(), self.put_in(v))).collect()
            }
            other => other.clone(),
        }
    }

    /// What the names in an example's answer stand for from now on.
    fn learn(&mut self, example: &Value, real: &Value, name: &str) {
        match (example, real) {
            (Value::String(example), Value::String(real))
                if name.ends_with("id") || name == "next_cursor" =>
            {
                self.real.insert(example.clone(), real.clone());
            }
            (Value::Object(example), Value::Object(real)) => {
                for (name, value) in example {
                    self.learn(value, &real[name], name);
                }
            }
            (Value::Array(example), Value::Array(real)) => {
                for (example, real) in example.iter().zip(real) {
                    self.learn(example, real, name);
                }
            }
            _ => {}
        }
    }
}

impl Run<'_> {
    /// Compares an answer with the example of its kind.
    pub(crate) fn problem(&mut self, slug: &str, answer: &Answer) -> anyhow::Result<()> {
        let example = &self.client.contract.document["components"]["examples"][slug]["value"];
        let body = answer.body();
        anyhow::ensure!(body["type"] == example["type"], "{slug}: {}", answer.text);
        anyhow::ensure!(body["title"] == example["title"], "{slug}: {}", answer.text);
        let mut differences = Vec::new();
        compare(example, &body, "", &mut differences);
        anyhow::ensure!(
            differences.is_empty(),
            "{slug}: {differences:#?}\n{}",
            answer.text
        );
        self.executed.insert(key("problem", Some(slug)));
        Ok(())
    }
}

fn key(id: &str, name: Option<&str>) -> String {
    format!("{id}:{}", name.unwrap_or_default())
}

/// An operation's examples by place (`request`, `response`, a parameter's name) and name.
fn examples(operation: &Value, contract: &Contract) -> BTreeMap<(String, String), Value> {
    let mut places = vec![(
        "request".to_owned(),
        &operation["requestBody"]["content"]["application/json"]["examples"],
    )];
    for (status, response) in operation["responses"].as_object().into_iter().flatten() {
        if status.starts_with('2') {
            let examples = &response["content"]["application/json"]["examples"];
            places.push(("response".to_owned(), examples));
        }
    }
    for parameter in operation["parameters"].as_array().into_iter().flatten() {
        let parameter = contract.resolve(parameter);
        let name = parameter["name"].as_str().unwrap_or_default();
        places.push((name.to_owned(), &parameter["examples"]));
    }
    let mut found = BTreeMap::new();
    for (place, examples) in places {
        for (name, example) in examples.as_object().into_iter().flatten() {
            found.insert((place.clone(), name.clone()), example["value"].clone());
        }
    }
    found
}
