//! What each query file reads: which index of which table it uses, and how many granules are left of all. A condition
//! that stops reaching an index shows here as a change of the snapshot.
#![expect(
    clippy::unwrap_used,
    reason = "helpers of tests: a panic is the failure to report"
)]

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use nova_olap::{Olap, OlapConfig, schema};

/// The same rows in every run, by arithmetic: 200 authors with 100 posts each over a hundred hours, 1,000 users.
/// Each statement makes one part. `{now}` is the hour of the run: rows age, and some tables forget.
const ROWS: [&str; 9] = [
    "INSERT INTO posts_cdc SELECT post, author, 'caption', 'https://media.example/1', 'video', 1000, 'public', at, at, NULL, 1, 0
     FROM (SELECT {post(number)} AS post, {user(number % 200)} AS author, {now} - toIntervalSecond(18 * number) AS at FROM numbers(20000))",
    "INSERT INTO likes_cdc SELECT {post(number % 20000)}, {user(intDiv(number, 20000) * 37 + number % 30)}, {user(number % 200)},
        {now} - toIntervalSecond(number % 20000), 1, 0 FROM numbers(200000)",
    "INSERT INTO comments_cdc SELECT {post(number % 20000)}, {id(number)}, {user(number % 1000)}, {user(number % 200)},
        {now} - toIntervalSecond(number % 20000), 1, 0 FROM numbers(40000)",
    "INSERT INTO follows_cdc SELECT {user(number % 1000)}, {user((number * 7 + intDiv(number, 1000)) % 200)}, {now}, 1, 0 FROM numbers(50000)",
    "INSERT INTO events_raw SELECT {id(number)}, {user(number % 1000)}, 'impression', {post(number % 20000)}, {user(number % 200)}, NULL,
        {now} - toIntervalSecond(18 * (number % 20000)), {now}, 1 FROM numbers(100000)",
    "INSERT INTO post_engagement SELECT {now} - toIntervalSecond(18 * number), {post(number)}, {user(number % 200)}, 'public', 0,
        10, 2, 0, 5, 0, 1 FROM numbers(20000)",
    "INSERT INTO post_metrics_1h SELECT {post(number % 20000)}, toStartOfHour({now}) - toIntervalHour(intDiv(number, 20000)), 1, 0, 0, 0, 0,
        number FROM numbers(40000)",
    "INSERT INTO most_followed_users SELECT {now} - toIntervalSecond(15 * intDiv(number, 1000)), number % 1000, {user(number % 1000)}, 1 FROM numbers(100000)",
    "INSERT INTO dead_letters SELECT 'cdc.likes', number % 4, intDiv(number, 4), 'quarantined', 'not JSON', '', {now} FROM numbers(40000)",
];

/// An id that ends in a number: ids of the same kind are ordered by it.
fn ids(statement: &str, now: &str) -> String {
    let mut text = statement.replace("{now}", &format!("toDateTime64('{now}', 6, 'UTC')"));
    for (name, kind) in [("{post(", "1"), ("{user(", "2"), ("{id(", "3")] {
        while let Some(start) = text.find(name) {
            let end = start + text[start..].find(")}").unwrap();
            let number = text[start + name.len()..end].to_owned();
            let id = format!(
                "toUUID('00000000-0000-700{kind}-8000-' || leftPad(lower(hex({number})), 12, '0'))"
            );
            text.replace_range(start..end + 2, &id);
        }
    }
    text
}

fn id(kind: u8, number: u32) -> String {
    format!("00000000-0000-700{kind}-8000-{number:012x}")
}

fn list(items: impl Iterator<Item = String>) -> String {
    format!("[{}]", items.collect::<Vec<_>>().join(","))
}

/// What the queries are asked with: a user, two pages of posts, an author; limits as configured.
fn parameters(now: &str) -> BTreeMap<&'static str, String> {
    let quoted = |kind, number| format!("'{}'", id(kind, number));
    let pairs = |left: u8, right: u8| {
        list((0..40).map(|n| format!("({},{})", quoted(left, 7 * n), quoted(right, 11 * n))))
    };
    let posts_by_author =
        list((0..40).map(|n| format!("({},'{now}',{})", quoted(2, n), quoted(1, 11 * n))));
    BTreeMap::from([
        ("viewer", id(2, 500)),
        ("now", now.to_owned()),
        ("post_ids", list((0..8).map(|n| quoted(1, 499 * n)))),
        ("author_ids", list((0..3).map(|n| quoted(2, n)))),
        ("positions", "[(0,17),(3,9000)]".to_owned()),
        ("topic", "cdc.likes".to_owned()),
        ("keys seen_likes", pairs(1, 2)),
        ("keys seen_comments", pairs(1, 3)),
        ("keys seen_follows", pairs(2, 2)),
        ("keys seen_posts", posts_by_author),
        ("since", "39500".to_owned()),
        ("after_at", "0".to_owned()),
        ("after_post", id(0, 0)),
        ("window_hours", "24".to_owned()),
        ("interaction_days", "90".to_owned()),
        ("max_posts", "200".to_owned()),
        ("max_authors", "50".to_owned()),
        ("max_users", "20".to_owned()),
        ("max_followers", "10000".to_owned()),
        ("max_likes", "50".to_owned()),
        ("max_likers", "1000".to_owned()),
        ("max_similar", "100".to_owned()),
        ("max_follows", "200".to_owned()),
        ("comment_weight", "2".to_owned()),
        ("share_weight", "3".to_owned()),
        ("decay_per_hour", "0.1".to_owned()),
        ("weight_engagement", "0.4".to_owned()),
        ("weight_freshness", "0.3".to_owned()),
    ])
}

/// The names in `{name:Type}`.
fn asked(sql: &str) -> impl Iterator<Item = &str> {
    sql.split('{').skip(1).filter_map(|rest| {
        let name = rest.split(':').next()?;
        name.chars()
            .all(|c| c.is_ascii_lowercase() || c == '_')
            .then_some(name)
    })
}

/// Of a plan: every read of a table, with the indexes that leave granules out of it and how many they leave.
fn reads(plan: &[String]) -> String {
    let mut told = String::new();
    let mut index = "";
    for line in plan {
        let line = line.trim_matches(['│', '├', '└', '─', ' ']);
        if let Some(table) = line.strip_prefix("ReadFromMergeTree (") {
            let table = table.trim_end_matches(')');
            let table = table.rsplit('.').next().unwrap();
            write!(told, "\n  {table}").unwrap();
        } else if ["PrimaryKey", "Skip", "MinMax", "Partition"].contains(&line) {
            index = line;
        } else if let Some(granules) = line.strip_prefix("Granules: ") {
            write!(told, " {index} {granules}").unwrap();
        }
    }
    told
}

#[tokio::test]
async fn each_query_reads_what_its_indexes_leave() {
    let stack = nova_testbed::clickhouse().await.unwrap();
    let config = OlapConfig::from_url(&stack.endpoints().clickhouse.parse().unwrap()).unwrap();
    let olap = Olap::new(&config);
    schema::apply(&olap).await.unwrap();
    let client = olap.client();
    // One part for each statement, and no other rows.
    for statement in ["SYSTEM STOP VIEWS", "SYSTEM STOP MERGES"] {
        client.query(statement).execute().await.unwrap();
    }
    let now: String = client
        .query("SELECT toString(toStartOfHour(now('UTC')))")
        .fetch_one()
        .await
        .unwrap();
    for statement in ROWS {
        let statement = ids(statement, &now);
        let inserted = client.query(&statement).with_setting("max_threads", "1");
        inserted
            .execute()
            .await
            .unwrap_or_else(|error| panic!("{statement}: {error}"));
    }
    let parameters = parameters(&now);

    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../clickhouse/queries");
    let mut files: Vec<_> = fs::read_dir(directory)
        .unwrap()
        .map(|f| f.unwrap().path())
        .collect();
    files.sort();
    let mut told = String::new();
    for file in files {
        let name = file.file_stem().unwrap().to_str().unwrap();
        let sql = fs::read_to_string(&file).unwrap();
        let mut query = client.query(&format!("EXPLAIN indexes = 1 {sql}"));
        for parameter in asked(&sql) {
            let own = format!("{parameter} {name}");
            let value = parameters
                .get(own.as_str())
                .or_else(|| parameters.get(parameter));
            let value = value.unwrap_or_else(|| panic!("{name}: no value for {parameter}"));
            query = query.with_setting(format!("param_{parameter}"), value);
        }
        let plan: Vec<String> = query
            .fetch_all()
            .await
            .unwrap_or_else(|error| panic!("{name}: {error}"));
        let reads = reads(&plan);
        assert!(
            !reads.is_empty(),
            "{name} reads nothing:\n{}",
            plan.join("\n")
        );
        writeln!(told, "{name}{reads}").unwrap();
    }
    insta::assert_snapshot!(told);
}
