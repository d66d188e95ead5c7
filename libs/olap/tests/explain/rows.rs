//! The rows that the queries are planned against.

/// The same rows in every run, by arithmetic: 200 authors with 100 posts each over a hundred hours, 1,000 users.
/// Each statement makes one part. `{now}` is the hour of the run: rows age, and some tables forget.
pub(crate) const ROWS: [&str; 9] = [
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
        10, 2, 0, 5, 0, 1, 'post_engagement' FROM numbers(20000)",
    "INSERT INTO post_metrics_1h SELECT {post(number % 20000)}, toStartOfHour({now}) - toIntervalHour(intDiv(number, 20000)), 1, 0, 0, 0, 0,
        number FROM numbers(40000)",
    "INSERT INTO most_followed_users SELECT {now} - toIntervalSecond(15 * intDiv(number, 1000)), number % 1000, {user(number % 1000)}, 1 FROM numbers(100000)",
    "INSERT INTO dead_letters SELECT 'cdc.likes', number % 4, intDiv(number, 4), 'quarantined', 'not JSON', '', {now} FROM numbers(40000)",
];

/// An id that ends in a number: ids of the same kind are ordered by it.
pub(crate) fn ids(statement: &str, now: &str) -> String {
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
