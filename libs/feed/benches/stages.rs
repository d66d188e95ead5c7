//! What the stages of a page cost: `cargo bench -p nova-feed --features bench --bench stages`.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use nova_feed::stages::Sample;

/// As many posts as the three sources give at most.
const POSTS: u32 = 900;

fn stages(c: &mut Criterion) {
    let sample = Sample::of(POSTS);
    assert_eq!(sample.decode_snapshot(), 900);
    assert_eq!((sample.cut_page(), sample.read_page()), (20, 20));
    let mut group = c.benchmark_group("snapshot of 900 posts");
    group.throughput(Throughput::Bytes(sample.encode_snapshot() as u64));
    group.bench_function("encode", |b| {
        b.iter(|| black_box(&sample).encode_snapshot());
    });
    group.bench_function("decode", |b| {
        b.iter(|| black_box(&sample).decode_snapshot());
    });
    group.finish();
    let mut group = c.benchmark_group("page of 20 posts");
    group.bench_function("cut", |b| b.iter(|| black_box(&sample).cut_page()));
    group.bench_function("write", |b| b.iter(|| black_box(&sample).write_page()));
    group.bench_function("read", |b| b.iter(|| black_box(&sample).read_page()));
    group.bench_function("answer", |b| b.iter(|| black_box(&sample).answer()));
    group.finish();
}

criterion_group!(benches, stages);
criterion_main!(benches);
