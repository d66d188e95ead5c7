use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;

use proptest::prelude::*;

use super::*;

const FILES: [(&str, &str); 6] = [
    (
        "users",
        r#"
{"key":"ada","handle":"Ada_1","display_name":"Blue Kite","created_at":"2024-01-01T00:00:00Z"}
{"key":"bob","handle":"bob.2","created_at":"2024-01-01T02:00:00.123456789+02:00"}
{"key":"bad","handle":"no spaces","created_at":"2024-01-01T00:00:00Z"}
{"key":"bad","handle":"fine","created_at":"yesterday"}
{"key":"bad","handle":"fine","created_at":"1969-12-31T23:59:59Z"}
{"key":"bad","handle":"fine"}
"#,
    ),
    (
        "follows",
        r#"
{"follower":"ada","followee":"bob","created_at":"2024-01-02T00:00:00Z"}
{"follower":"ada","followee":"ada","created_at":"2024-01-02T00:00:00Z"}
"#,
    ),
    (
        "posts",
        r#"
{"key":"p1","author":"bob","caption":"hills","media_url":"https://media.example/1.mp4","duration_ms":9000,"visibility":"followers","created_at":"2024-01-03T00:00:00Z"}
{"key":"0190b5a0-0000-7000-8000-000000000001","author":"bob","caption":"lake","media_url":"https://media.example/2.jpg","media_type":"image","created_at":"2024-01-03T00:00:00Z","deleted_at":"2024-01-04T00:00:00Z"}
{"key":"p1","author":"bob","caption":"again","media_url":"https://media.example/1.mp4","created_at":"2024-01-05T00:00:00Z"}
{"key":"p3","author":"bob","caption":"x","media_url":"/relative","created_at":"2024-01-03T00:00:00Z"}
{"key":"p4","author":"bob","caption":"x","media_url":"https://media.example/1.mp4","visibility":"everyone","created_at":"2024-01-03T00:00:00Z"}
{"key":"p5","author":"bob","caption":"x","media_url":"https://media.example/1.mp4","duration_ms":-1,"created_at":"2024-01-03T00:00:00Z"}
{"key":"p6","author":"bob","caption":"x","media_url":"https://media.example/1.mp4","created_at":"2024-01-03T00:00:00Z","deleted_at":"2024-01-02T00:00:00Z"}
{"key":"p7","author":"bob","caption":"a\u0000b","media_url":"https://media.example/1.mp4","created_at":"2024-01-03T00:00:00Z"}
"#,
    ),
    (
        "likes",
        r#"
{"post":"p1","user":"ada","created_at":"2024-01-04T00:00:00Z"}
{"post":"0190b5a0-0000-7000-8000-000000000001","user":"ada","created_at":"2024-01-04T00:00:00Z"}
{"post":"p3","user":"ada","created_at":"2024-01-04T00:00:00Z"}
"#,
    ),
    (
        "comments",
        r#"
{"key":"c1","post":"p1","user":"ada","body":"good light","created_at":"2024-01-04T00:00:00Z"}
{"key":"c2","post":"p1","user":"ada","body":"  ","created_at":"2024-01-04T00:00:00Z"}
"#,
    ),
    (
        "events",
        r#"
{"key":"e1","post":"p1","user":"ada","type":"dwell","dwell_ms":1500,"occurred_at":"2024-01-04T00:00:00Z"}
{"key":"e2","post":"p1","user":"ada","type":"stare","occurred_at":"2024-01-04T00:00:00Z"}
{"key":"e3","post":"p1","user":"ada","occurred_at":"2024-01-04T00:00:00Z"}
"#,
    ),
];

fn lines(folder: &Path, format: Format) -> Vec<Line> {
    let tables = Tables::open(folder, format, Keys::new("default")).unwrap();
    let mut found = Vec::new();
    for stage in tables.stages() {
        let What::Table(path) = &stage.what else {
            panic!("{stage:?}")
        };
        tables
            .read(stage.kind, path, &Arc::default(), &mut |line| {
                found.push(line);
                ControlFlow::Continue(())
            })
            .unwrap();
    }
    found
}

#[test]
fn json_lines_become_rows() {
    let folder = tempfile::tempdir().unwrap();
    for (kind, text) in FILES {
        std::fs::write(folder.path().join(format!("{kind}.jsonl")), text).unwrap();
    }
    insta::assert_debug_snapshot!(lines(folder.path(), Format::Jsonl));
}

/// The same values as CSV give the same rows.
#[test]
fn csv_becomes_the_same_rows() {
    let (json, csv) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    for (kind, text) in FILES {
        std::fs::write(json.path().join(format!("{kind}.jsonl")), text).unwrap();
        let kind = Kind::ALL.into_iter().find(|k| k.as_str() == kind).unwrap();
        let columns = columns::of(kind).columns;
        let path = csv.path().join(format!("{}.csv", kind.as_str()));
        let mut writer = csv::Writer::from_path(path).unwrap();
        writer.write_record(columns).unwrap();
        for line in text.lines().filter(|line| !line.is_empty()) {
            let object: serde_json::Value = serde_json::from_str(line).unwrap();
            let value = |name: &&str| match &object[*name] {
                serde_json::Value::Null => String::new(),
                serde_json::Value::String(text) => text.clone(),
                other => other.to_string(),
            };
            writer.write_record(columns.iter().map(value)).unwrap();
        }
        writer.flush().unwrap();
    }
    // In both formats one line stands before the first row: an empty one, and the header.
    let rename = |line: Line| {
        (
            line.file.replace(".csv", ".jsonl"),
            line.number,
            line.parsed,
        )
    };
    let from_csv: Vec<_> = lines(csv.path(), Format::Csv)
        .into_iter()
        .map(rename)
        .collect();
    let from_json: Vec<_> = lines(json.path(), Format::Jsonl)
        .into_iter()
        .map(rename)
        .collect();
    assert_eq!(from_csv, from_json);
}

#[test]
fn a_folder_without_files_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("users.csv"), "").unwrap();
    let error = Tables::open(folder.path(), Format::Jsonl, Keys::new("default")).unwrap_err();
    assert!(matches!(error, ReadError::Nothing { .. }));
}

proptest! {
    /// A like finds the post its key names, whatever the key and whenever the post was made.
    #[test]
    fn references_find_their_posts(posts in prop::collection::hash_map(".{1,30}", 0_i64..4_000_000_000_000, 1..20)) {
        let keys = Keys::new("default");
        let mut times = PostTimes::default();
        let mut made = Vec::new();
        for (key, ms) in &posts {
            let at = chrono::DateTime::from_timestamp_millis(*ms).unwrap();
            made.push((key, times.note(&keys, key, at).unwrap()));
        }
        for (key, id) in made {
            prop_assert_eq!(times.find(&keys, key), Ok(id));
            prop_assert!(times.find(&Keys::new("another"), key).is_err());
        }
    }
}
