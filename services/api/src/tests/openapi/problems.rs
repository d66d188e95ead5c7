//! Which problems are documented where.

use std::collections::{BTreeMap, BTreeSet};

use super::contract;
use crate::problem::Kind;

#[test]
fn every_kind_of_problem_is_documented_where_it_can_occur() {
    let contract = contract();
    let mut documented = BTreeMap::new();
    for (method, path, operation) in contract.operations() {
        let mut kinds = Vec::new();
        for (status, response) in operation["responses"].as_object().unwrap() {
            let schema = &response["content"]["application/problem+json"]["schema"];
            for uri in schema["allOf"][1]["properties"]["type"]["enum"]
                .as_array()
                .into_iter()
                .flatten()
            {
                let kind = Kind::ALL.iter().find(|kind| uri == kind.uri()).unwrap();
                assert_eq!(kind.status().as_str(), status);
                kinds.push(kind.slug());
            }
        }
        documented.insert(format!("{} {path}", method.to_uppercase()), kinds.join(" "));
    }
    let all: BTreeSet<_> = documented
        .values()
        .flat_map(|kinds| kinds.split(' '))
        .collect();
    for kind in Kind::ALL {
        assert_eq!(
            all.contains(kind.slug()),
            *kind != Kind::MethodNotAllowed,
            "{kind:?}"
        );
    }
    insta::assert_json_snapshot!(documented);
}
