//! ClickHouse's compressed blocks, made by hand.

use std::io::Write as _;

use crate::support::Server;

/// One block, with `method` 0x82 for LZ4 and 0x02 for none.
fn block(data: &[u8], method: u8) -> Vec<u8> {
    let payload = match method {
        0x82 => lz4_flex::block::compress(data),
        _ => data.to_vec(),
    };
    let mut block = vec![method];
    let size = u32::try_from(payload.len() + 9).unwrap();
    block.write_all(&size.to_le_bytes()).unwrap();
    let raw = u32::try_from(data.len()).unwrap();
    block.write_all(&raw.to_le_bytes()).unwrap();
    block.extend(payload);
    let checksum = cityhash_rs::cityhash_102_128(&block).rotate_right(64);
    [&checksum.to_le_bytes()[..], &block].concat()
}

const INSERT: &str = "decompress=1&query=INSERT+INTO+t+FORMAT+TSV";

async fn table() -> Server {
    let server = Server::start(&[]);
    server
        .ask("CREATE TABLE t (n UInt64) ENGINE = MergeTree ORDER BY n")
        .await;
    server
}

#[tokio::test]
async fn blocks_of_both_methods_are_read() {
    let server = table().await;
    // A row may be cut by the end of a block.
    let body = [
        block(b"1\n2\n3", 0x82),
        block(b"4\n5\n", 0x02),
        block(b"6\n", 0x82),
    ]
    .concat();
    let answer = server.send(INSERT, body).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(
        server.ask("SELECT arraySort(groupArray(n)) FROM t").await,
        "[1,2,5,6,34]"
    );
    // The statement itself may be in a block too.
    let answer = server
        .send("decompress=1", block(b"SELECT 40 + 2", 0x82))
        .await;
    assert_eq!(answer.text(), "42\n");
}

#[tokio::test]
async fn broken_blocks_are_refused_and_write_nothing() {
    let server = table().await;
    let good = block(b"1\n2\n", 0x82);
    let flip = |at: usize| {
        let mut broken = good.clone();
        broken[at] ^= 1;
        [good.clone(), broken].concat()
    };
    let cases = [
        (flip(0), 40, "CHECKSUM_DOESNT_MATCH"),
        (flip(26), 40, "CHECKSUM_DOESNT_MATCH"),
        (good[..good.len() - 1].to_vec(), 33, "CANNOT_READ_ALL_DATA"),
        (good[..3].to_vec(), 33, "CANNOT_READ_ALL_DATA"),
        (block(b"1\n", 0x90), 89, "UNKNOWN_COMPRESSION_METHOD"),
    ];
    for (body, code, name) in cases {
        server
            .send(INSERT, body)
            .await
            .assert_error(500, code, name);
    }
    let plain = server.send(INSERT, "1\n2\n".repeat(100)).await;
    assert_ne!(plain.status, 200);
    assert_eq!(server.ask("SELECT count() FROM t").await, "0");
}

#[tokio::test]
async fn answers_come_in_blocks_when_asked() {
    let server = table().await;
    let answer = server
        .send("compress=1", "SELECT 'x' FROM numbers(3)")
        .await;
    assert!(answer.body == block(b"x\nx\nx\n", 0x82));
    assert_eq!(answer.header("content-encoding"), None);
    // Errors are for people.
    let error = server.send("compress=1", "SELECT * FROM nope").await;
    error.assert_error(404, 60, "UNKNOWN_TABLE");
}
