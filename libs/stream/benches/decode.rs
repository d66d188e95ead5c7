//! What reading a record of a change topic costs: `cargo bench -p nova-stream --bench decode`.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use nova_stream::change::decode;
use serde_json::{Value, json};

const A: &str = "0190b5a0-0000-7000-8000-00000000000a";
const B: &str = "0190b5a0-0000-7000-8000-00000000000b";
const C: &str = "0190b5a0-0000-7000-8000-00000000000c";
const AT: &str = "2026-01-22T23:53:13.947857Z";

fn record(columns: &Value) -> Vec<u8> {
    let mut record = json!({
        "__deleted": "false", "__op": "c", "__lsn": 12_345_678_u64, "__source_ts_ms": 1_769_126_000_000_u64,
        "__ts_ms": 1_769_126_000_001_u64, "__source_snapshot": "false",
    });
    for (name, value) in columns.as_object().into_iter().flatten() {
        record[name] = value.clone();
    }
    record.to_string().into_bytes()
}

fn records(c: &mut Criterion) {
    let like = record(&json!({"post_id": A, "user_id": B, "author_id": C, "created_at": AT}));
    let post = record(&json!({
        "post_id": A, "author_id": C, "caption": "A caption of some length, as people write them.",
        "media_url": "https://media.example/1.mp4", "media_type": "video", "duration_ms": 15_000,
        "visibility": "public", "created_at": AT, "updated_at": AT, "deleted_at": null,
    }));
    let mut group = c.benchmark_group("decode");
    for (topic, record) in [("cdc.likes", like), ("cdc.posts", post)] {
        assert!(decode(topic, &record).is_ok(), "{topic}");
        group.throughput(Throughput::Bytes(record.len() as u64));
        group.bench_function(topic, |b| b.iter(|| decode(topic, black_box(&record))));
    }
    group.finish();
}

criterion_group!(benches, records);
criterion_main!(benches);
