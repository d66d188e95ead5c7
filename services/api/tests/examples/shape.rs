//! What answers look like.
#![expect(
    clippy::needless_pass_by_value,
    reason = "the form that insta asks for"
)]

use std::collections::BTreeSet;

use chrono::{DateTime, TimeDelta, Utc};
use insta::internals::{Content, ContentPath};
use nova_domain::PostId;
use serde_json::Value;

/// The answer as a client reads it. What differs from run to run is checked and left out.
pub(crate) fn snapshot(name: &str, body: &Value) {
    insta::assert_json_snapshot!(name, body, {
        ".**.post_id" => insta::dynamic_redaction(uuid),
        ".**.comment_id" => insta::dynamic_redaction(uuid),
        ".snapshot.id" => insta::dynamic_redaction(uuid),
        ".**.created_at" => insta::dynamic_redaction(time),
        ".**.updated_at" => insta::dynamic_redaction(time),
        ".**.generated_at" => insta::dynamic_redaction(time),
        ".items[].sources" => insta::dynamic_redaction(texts),
        ".explain.sources[].candidates" => insta::dynamic_redaction(number),
        ".**.score" => insta::dynamic_redaction(number),
        ".**.freshness" => insta::dynamic_redaction(number),
        ".**.age_hours" => insta::dynamic_redaction(number),
        ".**.ms" => insta::dynamic_redaction(number),
        ".**.snapshot_age_ms" => insta::dynamic_redaction(number),
        ".next_cursor" => insta::dynamic_redaction(cursor),
    });
}

fn uuid(value: Content, _: ContentPath<'_>) -> &'static str {
    let text = value.as_str().expect("a text");
    assert!(text.parse::<PostId>().is_ok(), "`{text}` is not a UUID");
    "[uuid]"
}

fn time(value: Content, _: ContentPath<'_>) -> &'static str {
    let text = value.as_str().expect("a text");
    let time = DateTime::parse_from_rfc3339(text);
    let age = Utc::now() - time.expect("a time").to_utc();
    assert!(age < TimeDelta::hours(1) && text.ends_with('Z'), "{text}");
    "[time]"
}

/// Whether trending has counted the posts already is a matter of moments.
fn texts(value: Content, _: ContentPath<'_>) -> &'static str {
    let texts = value.as_slice().expect("a list");
    assert!(!texts.is_empty() && texts.iter().all(|text| text.as_str().is_some()));
    "[texts]"
}

fn number(value: Content, _: ContentPath<'_>) -> &'static str {
    let number = match value.resolve_inner() {
        Content::F64(number) => *number,
        Content::U64(number) => *number as f64,
        Content::I64(number) => *number as f64,
        other => panic!("{other:?} is not a number"),
    };
    assert!(number >= 0.0 && number.is_finite(), "{number}");
    "[number]"
}

fn cursor(value: Content, _: ContentPath<'_>) -> Content {
    let Some(text) = value.as_str() else {
        return value;
    };
    let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
    assert!(text.len() > 20 && text.bytes().all(plain), "{text}");
    "[cursor]".into()
}

/// Same members and same types; a list that is not empty in the example is not empty in the answer, and its items are like
/// the example's first.
pub(crate) fn compare(example: &Value, real: &Value, at: &str, differences: &mut Vec<String>) {
    match (example, real) {
        (Value::Object(example), Value::Object(real)) => {
            let names: BTreeSet<_> = example.keys().chain(real.keys()).collect();
            for name in names {
                let at = format!("{at}/{name}");
                match (example.get(name), real.get(name)) {
                    (Some(example), Some(real)) => compare(example, real, &at, differences),
                    (Some(_), None) => differences.push(format!("{at} is in the example only")),
                    _ => differences.push(format!("{at} is in the answer only")),
                }
            }
        }
        (Value::Array(example), Value::Array(real)) => match example.first() {
            None if real.is_empty() => {}
            None => differences.push(format!("{at} is empty in the example only")),
            Some(_) if real.is_empty() => {
                differences.push(format!("{at} is empty in the answer only"));
            }
            Some(first) => {
                for (n, real) in real.iter().enumerate() {
                    compare(first, real, &format!("{at}/{n}"), differences);
                }
            }
        },
        (Value::Null, Value::Null)
        | (Value::Bool(_), Value::Bool(_))
        | (Value::Number(_), Value::Number(_))
        | (Value::String(_), Value::String(_)) => {}
        _ => differences.push(format!(
            "{at}: {example} in the example, {real} in the answer"
        )),
    }
}
