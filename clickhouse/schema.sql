-- Nova's ClickHouse schema. Idempotent; deploy it with `nova migrate`, or with
--   clickhouse-client --multiquery < clickhouse/schema.sql
-- The only thing it needs from the server is the named collection `nova_kafka` (clickhouse/config.d/nova.xml).
--
-- The rule of the data plane: nothing is incremented. Facts are keyed and versioned (version = PostgreSQL LSN, or the
-- event's time); every derived number is recomputed from the facts of the posts that changed. Duplicates, replays,
-- reordering and crashes between any two steps give the same result. See clickhouse/README.md.
--
-- Order of this file: targets, then the views that write into them, then the Kafka tables and the views that read
-- those: a consumer starts when its first view is attached, and everything behind it is there by then.

-- ============================================================================ facts: changes of PostgreSQL

CREATE TABLE IF NOT EXISTS posts_cdc
(
    post_id     UUID,
    author_id   UUID,
    caption     String CODEC(ZSTD),
    media_url   String CODEC(ZSTD),
    media_type  LowCardinality(String),
    duration_ms UInt32,
    visibility  LowCardinality(String),
    created_at  DateTime64(6, 'UTC'),
    updated_at  DateTime64(6, 'UTC'),
    deleted_at  Nullable(DateTime64(6, 'UTC')),
    _version    UInt64,
    _deleted    UInt8
)
ENGINE = ReplacingMergeTree(_version, _deleted)
ORDER BY post_id
SETTINGS index_granularity = 256, min_compress_block_size = 4096, max_compress_block_size = 4096;

CREATE TABLE IF NOT EXISTS likes_cdc
(
    post_id    UUID,
    user_id    UUID,
    author_id  UUID,
    created_at DateTime64(6, 'UTC'),
    _version   UInt64,
    _deleted   UInt8
)
ENGINE = ReplacingMergeTree(_version, _deleted)
ORDER BY (post_id, user_id)
SETTINGS index_granularity = 256, min_compress_block_size = 4096, max_compress_block_size = 4096;

CREATE TABLE IF NOT EXISTS comments_cdc
(
    comment_id UUID,
    post_id    UUID,
    user_id    UUID,
    author_id  UUID,
    created_at DateTime64(6, 'UTC'),
    _version   UInt64,
    _deleted   UInt8
)
ENGINE = ReplacingMergeTree(_version, _deleted)
ORDER BY (post_id, comment_id)
SETTINGS index_granularity = 256, min_compress_block_size = 4096, max_compress_block_size = 4096;

CREATE TABLE IF NOT EXISTS follows_cdc
(
    follower_id UUID,
    followee_id UUID,
    created_at  DateTime64(6, 'UTC'),
    _version    UInt64,
    _deleted    UInt8
)
ENGINE = ReplacingMergeTree(_version, _deleted)
ORDER BY (follower_id, followee_id)
SETTINGS index_granularity = 256, min_compress_block_size = 4096, max_compress_block_size = 4096;

-- ============================================================================ facts: client events

-- `event_id` is made by the client and deduplicates; the post and the user belong to the key so that one client cannot
-- displace another's event. The first arrival of an event wins: an event never moves to another hour.
-- Kept for 90 days, as interactions are; counts of events are counts of 90 days.
CREATE TABLE IF NOT EXISTS events_raw
(
    event_id    UUID,
    user_id     UUID,
    event_type  LowCardinality(String),
    post_id     UUID,
    author_id   UUID,
    dwell_ms    Nullable(UInt32),
    occurred_at DateTime64(3, 'UTC'),
    received_at DateTime64(3, 'UTC'),
    _version    UInt64
)
ENGINE = ReplacingMergeTree(_version)
ORDER BY (post_id, user_id, event_id)
TTL toDateTime(occurred_at) + INTERVAL 91 DAY
SETTINGS index_granularity = 256, min_compress_block_size = 4096, max_compress_block_size = 4096;

-- ============================================================================ what could not be taken

-- Messages that no row could be made of (`quarantined`), or only by leaving a field out (`applied`): nothing is lost
-- silently. Position and raw bytes are kept, so that a repaired message can be produced again.
CREATE TABLE IF NOT EXISTS dead_letters
(
    topic       LowCardinality(String),
    partition   UInt64,
    offset      UInt64,
    disposition LowCardinality(String),
    error       String,
    raw         String CODEC(ZSTD),
    received_at DateTime64(3, 'UTC')
)
ENGINE = ReplacingMergeTree(received_at)
ORDER BY (topic, partition, offset)
TTL toDateTime(received_at) + INTERVAL 30 DAY;

-- ============================================================================ the same facts in another order

-- Posts by author and time: one range read per author (follow and affinity sources).
-- `author_id` and `created_at` never change (PostgreSQL refuses it), so the key of a post is one key.
CREATE TABLE IF NOT EXISTS posts_by_author
(
    author_id  UUID,
    created_at DateTime64(6, 'UTC'),
    post_id    UUID,
    visibility LowCardinality(String),
    hidden     UInt8,
    _version   UInt64,
    _deleted   UInt8
)
ENGINE = ReplacingMergeTree(_version, _deleted)
ORDER BY (author_id, created_at, post_id)
SETTINGS index_granularity = 256, min_compress_block_size = 4096, max_compress_block_size = 4096;

-- Followers of an author: the reverse of follows_cdc.
CREATE TABLE IF NOT EXISTS follow_graph
(
    followee_id UUID,
    follower_id UUID,
    created_at  DateTime64(6, 'UTC'),
    _version    UInt64,
    _deleted    UInt8
)
ENGINE = ReplacingMergeTree(_version, _deleted)
ORDER BY (followee_id, follower_id)
SETTINGS index_granularity = 256, min_compress_block_size = 4096, max_compress_block_size = 4096;

-- One edge per interaction of a user with an author, keyed by what it was (a like's post, a comment, a share's event):
-- counted by the user's prefix it ages out exactly and subtracts unlikes.
CREATE TABLE IF NOT EXISTS user_author_90d
(
    user_id       UUID,
    author_id     UUID,
    kind          LowCardinality(String),
    ref_id        UUID,
    interacted_at DateTime64(6, 'UTC'),
    _version      UInt64,
    _deleted      UInt8
)
ENGINE = ReplacingMergeTree(_version, _deleted)
ORDER BY (user_id, author_id, kind, ref_id)
TTL toDateTime(interacted_at) + INTERVAL 91 DAY
SETTINGS index_granularity = 256, min_compress_block_size = 4096, max_compress_block_size = 4096;

-- ============================================================================ derived numbers

-- Which posts changed, and when ClickHouse learnt of it: the work list of the recounts below. A hint, not a fact:
-- reading an entry twice only recounts twice.
-- Kept longer than Kafka keeps messages.
CREATE TABLE IF NOT EXISTS post_changes
(
    changed_at DateTime64(3, 'UTC'),
    post_id    UUID,
    source     LowCardinality(String)
)
ENGINE = MergeTree
ORDER BY (changed_at, post_id)
TTL toDateTime(changed_at) + INTERVAL 8 DAY;

-- When each recount that wrote something began. A recount of very many posts writes in several blocks, and the first of
-- them notes its beginning: so the next one starts from the beginning *before* the newest, or from that of the last one that
-- ended well, by the server's word since it was started: else one that finds nothing would look ever again at what came last.
CREATE TABLE IF NOT EXISTS recount_watermarks
(
    name LowCardinality(String),
    at   DateTime64(3, 'UTC')
)
ENGINE = ReplacingMergeTree
ORDER BY (name, at)
TTL toDateTime(at) + INTERVAL 8 DAY;

-- When posts were recounted, by which recount, and what events it found (by post_metrics_1h: in the hours of one block; add those
-- of one `at`): so that posts rest in between, and that a recount follows another. What is not in it is recounted once more.
CREATE TABLE IF NOT EXISTS post_recounts
(
    recount     LowCardinality(String),
    at          DateTime64(3, 'UTC'),
    post_id     UUID,
    impressions UInt64,
    views       UInt64,
    shares      UInt64
)
ENGINE = MergeTree
ORDER BY (recount, at, post_id)
TTL toDateTime(at) + INTERVAL 8 DAY;

ALTER TABLE post_recounts ADD COLUMN IF NOT EXISTS impressions UInt64;
ALTER TABLE post_recounts ADD COLUMN IF NOT EXISTS views UInt64;
ALTER TABLE post_recounts ADD COLUMN IF NOT EXISTS shares UInt64;

-- Absolute counts of every post, in order of time: the trending source reads the last 24 hours of it.
CREATE TABLE IF NOT EXISTS post_engagement
(
    created_at  DateTime64(6, 'UTC'),
    post_id     UUID,
    author_id   UUID,
    visibility  LowCardinality(String),
    hidden      UInt8,
    likes       UInt64,
    comments    UInt64,
    shares      UInt64,
    impressions UInt64,
    views       UInt64,
    _version    UInt64,
    -- The recount that wrote the row, and whether for events, as recount_watermarks names it.
    recount     LowCardinality(String)
)
ENGINE = ReplacingMergeTree(_version)
ORDER BY (created_at, post_id)
SETTINGS index_granularity = 1024;

ALTER TABLE post_engagement ADD COLUMN IF NOT EXISTS recount LowCardinality(String);

-- Absolute counts of a post's client events, by hour. Not a SummingMergeTree: that counts a redelivered event twice.
CREATE TABLE IF NOT EXISTS post_metrics_1h
(
    post_id     UUID,
    hour        DateTime('UTC'),
    impressions UInt64,
    views       UInt64,
    shares      UInt64,
    clicks      UInt64,
    dwell_ms    UInt64,
    _version    UInt64,
    -- What was recounted lately: `nova projector` asks for it every five seconds.
    INDEX version_range _version TYPE minmax GRANULARITY 1
)
ENGINE = ReplacingMergeTree(_version)
ORDER BY (post_id, hour)
SETTINGS index_granularity = 256, min_compress_block_size = 4096, max_compress_block_size = 4096;

ALTER TABLE post_metrics_1h ADD INDEX IF NOT EXISTS version_range _version TYPE minmax GRANULARITY 1;

-- The 200 hottest public posts of the last hour, as computed at `computed_at`: read the newest computation of the last two
-- minutes; while there is no such post nothing is computed.
CREATE TABLE IF NOT EXISTS hot_posts_1h
(
    computed_at DateTime64(3, 'UTC'),
    rank        UInt32,
    post_id     UUID,
    author_id   UUID,
    created_at  DateTime64(6, 'UTC'),
    engagement  Float64,
    freshness   Float64,
    score       Float64
)
ENGINE = ReplacingMergeTree
ORDER BY (computed_at, rank)
TTL toDateTime(computed_at) + INTERVAL 1 HOUR;

-- Who did something in which hour: one row per client event, so that an event that comes twice counts once. For choosing the
-- users whose feeds and suggestions are prepared; two days are kept.
CREATE TABLE IF NOT EXISTS user_activity_1h
(
    hour     DateTime('UTC'),
    user_id  UUID,
    event_id UUID
)
ENGINE = ReplacingMergeTree
ORDER BY (hour, user_id, event_id)
TTL hour + INTERVAL 2 DAY;

-- When a post was last on a user's screen: the feed shows what is new to a viewer first. Keyed, so that an impression that
-- comes again changes nothing and one that comes late does not turn the time back. Feeds look back two days, three are kept.
CREATE TABLE IF NOT EXISTS user_impressions_2d
(
    user_id UUID,
    post_id UUID,
    seen_at DateTime64(3, 'UTC')
)
ENGINE = ReplacingMergeTree(seen_at)
ORDER BY (user_id, post_id)
TTL toDateTime(seen_at) + INTERVAL 3 DAY
SETTINGS index_granularity = 256, min_compress_block_size = 4096, max_compress_block_size = 4096;

-- Whose followers changed, and when ClickHouse learnt of it: a work list, as post_changes is.
CREATE TABLE IF NOT EXISTS follow_changes
(
    changed_at  DateTime64(3, 'UTC'),
    followee_id UUID
)
ENGINE = MergeTree
ORDER BY (changed_at, followee_id)
TTL toDateTime(changed_at) + INTERVAL 8 DAY;

-- The absolute number of each user's followers.
CREATE TABLE IF NOT EXISTS author_followers
(
    user_id   UUID,
    followers UInt64,
    _version  UInt64
)
ENGINE = ReplacingMergeTree(_version)
ORDER BY user_id
SETTINGS index_granularity = 1024;

-- The 1,000 users with most followers, as computed at `computed_at`: read the newest computation.
CREATE TABLE IF NOT EXISTS most_followed_users
(
    computed_at DateTime64(3, 'UTC'),
    rank        UInt32,
    user_id     UUID,
    followers   UInt64
)
ENGINE = ReplacingMergeTree
ORDER BY (computed_at, rank)
TTL toDateTime(computed_at) + INTERVAL 1 HOUR
SETTINGS index_granularity = 1024;

-- ============================================================================ how far parts are merged

-- What a query costs grows with the parts it reads in: a range of granules for each author and part, and FINAL merges parts
-- that overlap. ClickHouse merges parts of about one size only, so that a table would keep half a dozen large ones for good;
-- with this, those older than so many seconds become one. A part that was merged is young again, so the whole table is
-- written at most that often: with two million posts and twenty million likes that takes less than a twentieth of a core. The
-- times differ so that tables that were loaded together are not merged together.
ALTER TABLE posts_by_author MODIFY SETTING min_age_to_force_merge_seconds = 300;
ALTER TABLE post_engagement MODIFY SETTING min_age_to_force_merge_seconds = 120;
ALTER TABLE posts_cdc MODIFY SETTING min_age_to_force_merge_seconds = 1500;
ALTER TABLE likes_cdc MODIFY SETTING min_age_to_force_merge_seconds = 1800;
ALTER TABLE comments_cdc MODIFY SETTING min_age_to_force_merge_seconds = 2000;
ALTER TABLE follows_cdc MODIFY SETTING min_age_to_force_merge_seconds = 2700;
ALTER TABLE follow_graph MODIFY SETTING min_age_to_force_merge_seconds = 3000;
ALTER TABLE user_author_90d MODIFY SETTING min_age_to_force_merge_seconds = 2400;
ALTER TABLE events_raw MODIFY SETTING min_age_to_force_merge_seconds = 3600;
ALTER TABLE post_metrics_1h MODIFY SETTING min_age_to_force_merge_seconds = 1600;
ALTER TABLE user_impressions_2d MODIFY SETTING min_age_to_force_merge_seconds = 1700;
ALTER TABLE user_activity_1h MODIFY SETTING min_age_to_force_merge_seconds = 1900;

-- ============================================================================ views: facts in another order

CREATE MATERIALIZED VIEW IF NOT EXISTS mv_posts_by_author TO posts_by_author AS
SELECT author_id, created_at, post_id, visibility, deleted_at IS NOT NULL AS hidden, _version, _deleted
FROM posts_cdc;

CREATE MATERIALIZED VIEW IF NOT EXISTS mv_follow_graph TO follow_graph AS
SELECT followee_id, follower_id, created_at, _version, _deleted
FROM follows_cdc;

CREATE MATERIALIZED VIEW IF NOT EXISTS mv_user_author_90d TO user_author_90d AS
SELECT user_id, author_id, 'like' AS kind, post_id AS ref_id, created_at AS interacted_at, _version, _deleted
FROM likes_cdc;

CREATE MATERIALIZED VIEW IF NOT EXISTS mv_user_author_90d_comments TO user_author_90d AS
SELECT user_id, author_id, 'comment' AS kind, comment_id AS ref_id, created_at AS interacted_at, _version, _deleted
FROM comments_cdc;

CREATE MATERIALIZED VIEW IF NOT EXISTS mv_user_author_90d_shares TO user_author_90d AS
SELECT user_id, author_id, 'share' AS kind, event_id AS ref_id, occurred_at AS interacted_at, _version, 0 AS _deleted
FROM events_raw
WHERE event_type = 'share';

CREATE MATERIALIZED VIEW IF NOT EXISTS mv_user_activity_1h TO user_activity_1h AS
SELECT toStartOfHour(toDateTime(occurred_at, 'UTC')) AS hour, user_id, event_id
FROM events_raw;

CREATE MATERIALIZED VIEW IF NOT EXISTS mv_user_impressions_2d TO user_impressions_2d AS
SELECT user_id, post_id, occurred_at AS seen_at
FROM events_raw
WHERE event_type = 'impression';

-- ============================================================================ views: recounts

CREATE MATERIALIZED VIEW IF NOT EXISTS mv_post_changes_posts TO post_changes AS
SELECT DISTINCT now64(3, 'UTC') AS changed_at, post_id, 'posts' AS source FROM posts_cdc;

CREATE MATERIALIZED VIEW IF NOT EXISTS mv_post_changes_likes TO post_changes AS
SELECT DISTINCT now64(3, 'UTC') AS changed_at, post_id, 'likes' AS source FROM likes_cdc;

CREATE MATERIALIZED VIEW IF NOT EXISTS mv_post_changes_comments TO post_changes AS
SELECT DISTINCT now64(3, 'UTC') AS changed_at, post_id, 'comments' AS source FROM comments_cdc;

CREATE MATERIALIZED VIEW IF NOT EXISTS mv_post_changes_events TO post_changes AS
SELECT DISTINCT now64(3, 'UTC') AS changed_at, post_id, 'events' AS source FROM events_raw;

CREATE MATERIALIZED VIEW IF NOT EXISTS mv_post_engagement_watermark TO recount_watermarks AS
SELECT recount AS name, fromUnixTimestamp64Milli(toInt64(max(_version)), 'UTC') AS at
FROM post_engagement
GROUP BY recount;

CREATE MATERIALIZED VIEW IF NOT EXISTS mv_post_recounts_engagement TO post_recounts AS
SELECT recount, fromUnixTimestamp64Milli(toInt64(_version), 'UTC') AS at, post_id, impressions, views, shares
FROM post_engagement;

CREATE MATERIALIZED VIEW IF NOT EXISTS mv_post_recounts_metrics TO post_recounts AS
SELECT
    'post_metrics_1h' AS recount,
    fromUnixTimestamp64Milli(toInt64(_version), 'UTC') AS at,
    post_id,
    sum(post_metrics_1h.impressions) AS impressions,
    sum(post_metrics_1h.views) AS views,
    sum(post_metrics_1h.shares) AS shares
FROM post_metrics_1h
GROUP BY at, post_id;

CREATE MATERIALIZED VIEW IF NOT EXISTS mv_post_metrics_1h_watermark TO recount_watermarks AS
SELECT 'post_metrics_1h' AS name, fromUnixTimestamp64Milli(toInt64(max(_version)), 'UTC') AS at
FROM post_metrics_1h
HAVING count() > 0;

-- Recounts the events of every post that has new ones. An entry of the work list may become visible ten seconds after the time
-- it carries, so a post is taken until it was recounted ten seconds after its newest entry. In between it rests: a second for
-- each hundred posts that had new events in the last 40 seconds, half a minute at most; and longer the more events it has, five
-- minutes at most, since all of them are read: so that 100,000 events a second are read in all, an equal share of them for each
-- of those posts. The work list is read as far back as a rest may have been, and some seconds more. The version is the time of the recount.
-- Conditions on the sorting key stand in PREWHERE: rows of one key pass or fail together, so they may be dropped before FINAL
-- merges the others, a third of the time.
CREATE MATERIALIZED VIEW IF NOT EXISTS mv_post_metrics_1h
REFRESH EVERY 5 SECOND APPEND TO post_metrics_1h AS
WITH
    toUInt64(toUnixTimestamp64Milli(now64(3, 'UTC'))) AS recounted_at,
    (
        SELECT assumeNotNull(max(begun))
        FROM
        (
            SELECT if(count() = 2, min(at), toDateTime64(10, 3, 'UTC')) AS begun
            FROM (SELECT DISTINCT at FROM recount_watermarks WHERE name = 'post_metrics_1h' ORDER BY at DESC LIMIT 2)
            UNION ALL
            SELECT toDateTime64(last_success_time - toIntervalSecond(1 + intDiv(last_success_duration_ms, 1000)), 3, 'UTC')
            FROM system.view_refreshes
            WHERE database = currentDatabase() AND view = 'mv_post_metrics_1h' AND last_success_time IS NOT NULL
        )
    ) - INTERVAL 330 SECOND AS since,
    (
        SELECT uniqExact(post_id) FROM post_changes WHERE changed_at >= now64(3, 'UTC') - INTERVAL 40 SECOND AND source = 'events'
    ) AS posts,
    changed AS
    (
        SELECT changes.post_id AS post_id
        FROM
        (
            SELECT post_id, max(changed_at) AS last_changed FROM post_changes WHERE changed_at >= since AND source = 'events' GROUP BY post_id
        ) AS changes
        LEFT JOIN
        (
            SELECT post_id, max(at) AS last_recounted, argMax(events, at) AS events
            FROM
            (
                SELECT post_id, at, sum(impressions + views + shares) AS events
                FROM post_recounts
                WHERE recount = 'post_metrics_1h' AND at >= since
                GROUP BY post_id, at
            )
            GROUP BY post_id
        ) AS recounts ON recounts.post_id = changes.post_id
        WHERE last_recounted < last_changed + INTERVAL 10 SECOND
          AND last_recounted <= now64(3, 'UTC') - toIntervalSecond(greatest(least(30, intDiv(posts, 100)), least(300, intDiv(events * posts, 100000))))
    )
SELECT
    post_id,
    hour,
    sum(is_impression) AS impressions,
    sum(is_view) AS views,
    sum(is_share) AS shares,
    sum(is_click) AS clicks,
    sum(dwell) AS dwell_ms,
    any(recounted_at) AS _version
FROM
(
    SELECT
        post_id,
        toStartOfHour(toDateTime(occurred_at, 'UTC')) AS hour,
        event_type = 'impression' AS is_impression,
        event_type = 'view' AS is_view,
        event_type = 'share' AS is_share,
        event_type = 'click' AS is_click,
        toUInt64(ifNull(dwell_ms, 0)) AS dwell
    FROM events_raw FINAL
    PREWHERE post_id IN (changed)
    WHERE occurred_at >= toStartOfHour(now('UTC') - INTERVAL 90 DAY)
    UNION ALL
    -- Hours that were counted before: one that has lost its last event becomes zero.
    SELECT post_id, hour, 0, 0, 0, 0, 0
    FROM post_metrics_1h FINAL
    PREWHERE post_id IN (changed)
    WHERE hour >= toStartOfHour(now('UTC') - INTERVAL 90 DAY)
)
GROUP BY post_id, hour;

-- Posts to be recounted, for which recount, and when the list was made: nothing is kept, its view below counts them.
CREATE TABLE IF NOT EXISTS posts_to_recount
(
    post_id  UUID,
    recount  LowCardinality(String),
    _version UInt64
)
ENGINE = Null;

-- Counts the posts of the list from the facts. A view of a table sees what is inserted, not the list's query: that is planned
-- once, not once for each of the four tables below.
CREATE MATERIALIZED VIEW IF NOT EXISTS mv_post_engagement_counts TO post_engagement AS
SELECT
    posts.created_at AS created_at,
    list.post_id AS post_id,
    posts.author_id AS author_id,
    posts.visibility AS visibility,
    posts.hidden AS hidden,
    likes.n AS likes,
    comments.n AS comments,
    events.shares AS shares,
    events.impressions AS impressions,
    events.views AS views,
    list._version AS _version,
    list.recount AS recount
FROM posts_to_recount AS list
INNER JOIN
(
    -- Not FINAL: a row deleted in PostgreSQL has to become hidden here, not to vanish from the recount.
    SELECT
        post_id,
        argMax(author_id, _version) AS author_id,
        argMax(created_at, _version) AS created_at,
        argMax(visibility, _version) AS visibility,
        argMax(deleted_at IS NOT NULL OR _deleted, _version) AS hidden
    FROM posts_cdc
    WHERE post_id IN (SELECT post_id FROM posts_to_recount)
    GROUP BY post_id
) AS posts ON posts.post_id = list.post_id
LEFT JOIN
(
    SELECT post_id, count() AS n
    FROM likes_cdc FINAL
    PREWHERE post_id IN (SELECT post_id FROM posts_to_recount)
    GROUP BY post_id
) AS likes ON likes.post_id = list.post_id
LEFT JOIN
(
    SELECT post_id, count() AS n
    FROM comments_cdc FINAL
    PREWHERE post_id IN (SELECT post_id FROM posts_to_recount)
    GROUP BY post_id
) AS comments ON comments.post_id = list.post_id
LEFT JOIN
(
    SELECT
        post_id,
        sum(post_metrics_1h.shares) AS shares,
        sum(post_metrics_1h.impressions) AS impressions,
        sum(post_metrics_1h.views) AS views
    FROM post_metrics_1h FINAL
    PREWHERE post_id IN (SELECT post_id FROM posts_to_recount)
    WHERE hour >= toStartOfHour(now('UTC') - INTERVAL 90 DAY)
    GROUP BY post_id
) AS events ON events.post_id = list.post_id;

-- Lists every post whose own row, likes or comments changed since the last recount that ended well (or the one before the
-- last that wrote something) began, less ten seconds: an entry of the work list may become visible that long after the time it
-- carries. A post that was recounted a second after its newest entry rests until those ten seconds are over, and is recounted
-- for the last time then.
-- And every post whose hours were recounted, since the newest recount of them that had begun by then. Its hours are added up,
-- and the row says that it was for them. Whether the last such recount found all hours, which may be written in several blocks,
-- is told by the sums; for ten minutes at most, since an hour may have passed out of the 90 days meanwhile.
CREATE MATERIALIZED VIEW IF NOT EXISTS mv_post_engagement
REFRESH EVERY 2 SECOND APPEND TO posts_to_recount AS
WITH
    (
        SELECT assumeNotNull(max(begun))
        FROM
        (
            SELECT if(count() = 2, min(at), toDateTime64(10, 3, 'UTC')) AS begun
            FROM (SELECT DISTINCT at FROM recount_watermarks WHERE name IN ('post_engagement', 'post_engagement_events') ORDER BY at DESC LIMIT 2)
            UNION ALL
            SELECT toDateTime64(last_success_time - toIntervalSecond(1 + intDiv(last_success_duration_ms, 1000)), 3, 'UTC')
            FROM system.view_refreshes
            WHERE database = currentDatabase() AND view = 'mv_post_engagement' AND last_success_time IS NOT NULL
        )
    ) AS before_last,
    before_last - INTERVAL 10 SECOND AS since,
    (
        SELECT max(at) FROM recount_watermarks WHERE name = 'post_metrics_1h' AND at <= before_last
    ) AS hours_since
SELECT
    post_id,
    if(for_hours, 'post_engagement_events', 'post_engagement') AS recount,
    toUInt64(toUnixTimestamp64Milli(now64(3, 'UTC'))) AS _version
FROM
(
    SELECT
        post_id,
        countIf(what = 'change') > 0 AS changed,
        maxIf(at, what = 'change') AS last_changed,
        maxIf(at, what IN ('post_engagement', 'post_engagement_events') AND at >= since) AS last_recounted,
        maxIf(at, what = 'post_metrics_1h') AS last_counted,
        argMaxIf(counts, at, what = 'post_metrics_1h') AS counted,
        maxIf(at, what = 'post_engagement_events' AND at >= hours_since) AS last_added,
        argMaxIf(counts, at, what = 'post_engagement_events' AND at >= hours_since) AS added,
        last_added < last_counted OR (added != counted AND last_added < last_counted + INTERVAL 10 MINUTE) AS for_hours
    FROM
    (
        SELECT post_id, what, at, (sum(impressions), sum(views), sum(shares)) AS counts
        FROM
        (
            SELECT post_id, 'change' AS what, changed_at AS at, 0 AS impressions, 0 AS views, 0 AS shares
            FROM post_changes
            WHERE changed_at >= since AND source != 'events'
            UNION ALL
            SELECT post_id, recount, at, impressions, views, shares
            FROM post_recounts
            WHERE (recount = 'post_metrics_1h' AND at >= hours_since)
               OR (recount = 'post_engagement' AND at >= since)
               OR (recount = 'post_engagement_events' AND at >= least(since, hours_since))
        )
        GROUP BY post_id, what, at
    )
    GROUP BY post_id
)
WHERE for_hours
   OR (changed AND last_recounted < last_changed + INTERVAL 1 SECOND)
   OR (changed AND last_recounted < last_changed + INTERVAL 10 SECOND AND last_changed + INTERVAL 10 SECOND <= now64(3, 'UTC'));

-- Of older releases: the recounts above have its work.
DROP VIEW IF EXISTS mv_post_engagement_events;

-- The hot score of the contract: 0.40 * engagement + 0.30 * freshness, over posts of the last hour.
CREATE MATERIALIZED VIEW IF NOT EXISTS mv_hot_posts_1h
REFRESH EVERY 30 SECOND APPEND TO hot_posts_1h AS
WITH
    now64(3, 'UTC') AS computed_at,
    log(1 + (likes + 2 * comments + 3 * shares) / greatest(impressions, 1)) AS engagement,
    exp(-0.10 * greatest(dateDiff('microsecond', created_at, computed_at), 0) / 3600e6) AS freshness
SELECT
    computed_at,
    toUInt32(row_number() OVER (ORDER BY 0.40 * engagement + 0.30 * freshness DESC, created_at DESC, UUIDToNum(post_id) DESC)) AS rank,
    post_id,
    author_id,
    created_at,
    engagement,
    freshness,
    0.40 * engagement + 0.30 * freshness AS score
FROM post_engagement FINAL
WHERE created_at > computed_at - INTERVAL 1 HOUR AND created_at <= computed_at + INTERVAL 1 HOUR AND NOT hidden AND visibility = 'public'
ORDER BY rank
LIMIT 200;

CREATE MATERIALIZED VIEW IF NOT EXISTS mv_follow_changes TO follow_changes AS
SELECT DISTINCT now64(3, 'UTC') AS changed_at, followee_id FROM follows_cdc;

CREATE MATERIALIZED VIEW IF NOT EXISTS mv_author_followers_watermark TO recount_watermarks AS
SELECT 'author_followers' AS name, fromUnixTimestamp64Milli(toInt64(max(_version)), 'UTC') AS at
FROM author_followers
HAVING count() > 0;

-- Recounts the followers of everybody who won or lost one, by the same rule as mv_post_engagement. The very first recount
-- also takes in the follows that were there before the work list was.
CREATE MATERIALIZED VIEW IF NOT EXISTS mv_author_followers
REFRESH EVERY 5 SECOND APPEND TO author_followers AS
WITH
    toUInt64(toUnixTimestamp64Milli(now64(3, 'UTC'))) AS recounted_at,
    (
        SELECT assumeNotNull(max(begun))
        FROM
        (
            SELECT if(count() = 2, min(at), toDateTime64(10, 3, 'UTC')) AS begun
            FROM (SELECT DISTINCT at FROM recount_watermarks WHERE name = 'author_followers' ORDER BY at DESC LIMIT 2)
            UNION ALL
            SELECT toDateTime64(last_success_time - toIntervalSecond(1 + intDiv(last_success_duration_ms, 1000)), 3, 'UTC')
            FROM system.view_refreshes
            WHERE database = currentDatabase() AND view = 'mv_author_followers' AND last_success_time IS NOT NULL
        )
    ) - INTERVAL 10 SECOND AS since,
    changed AS
    (
        SELECT followee_id FROM follow_changes WHERE changed_at >= since
        UNION DISTINCT
        SELECT followee_id FROM follow_graph
        WHERE (SELECT count() FROM recount_watermarks WHERE name = 'author_followers') = 0
    )
SELECT changed.followee_id AS user_id, live.n AS followers, recounted_at AS _version
FROM changed
LEFT JOIN
(
    SELECT followee_id, count() AS n FROM follow_graph FINAL WHERE followee_id IN (changed) GROUP BY followee_id
) AS live ON live.followee_id = changed.followee_id;

-- Reads one row per user who was ever followed.
CREATE MATERIALIZED VIEW IF NOT EXISTS mv_most_followed_users
REFRESH EVERY 15 SECOND APPEND TO most_followed_users AS
WITH now64(3, 'UTC') AS computed_at
SELECT
    computed_at,
    toUInt32(row_number() OVER (ORDER BY followers DESC, UUIDToNum(user_id) DESC)) AS rank,
    user_id,
    followers
FROM
(
    SELECT user_id, followers
    FROM author_followers FINAL
    WHERE followers > 0
    ORDER BY followers DESC, UUIDToNum(user_id) DESC
    LIMIT 1000
)
ORDER BY rank;

-- ============================================================================ views that are read

-- Exact counts of posts, straight from the facts, with the terms of the formula that do not depend on the viewer.
-- Read it with `WHERE post_id IN (…)`: the condition reaches the primary keys below.
CREATE OR REPLACE VIEW post_ranking_scores AS
SELECT
    post_id,
    max(author) AS author_id,
    max(created) AS created_at,
    sum(is_like) AS likes,
    sum(is_comment) AS comments,
    sum(is_share) AS shares,
    sum(is_impression) AS impressions,
    sum(is_view) AS views,
    log(1 + (likes + 2 * comments + 3 * shares) / greatest(impressions, 1)) AS engagement,
    exp(-0.10 * greatest(dateDiff('microsecond', created_at, now64(6, 'UTC')), 0) / 3600e6) AS freshness
FROM
(
    SELECT post_id, toNullable(author_id) AS author, toNullable(created_at) AS created,
        0 AS is_like, 0 AS is_comment, 0 AS is_share, 0 AS is_impression, 0 AS is_view
    FROM posts_cdc FINAL
    UNION ALL
    SELECT post_id, NULL, NULL, 1, 0, 0, 0, 0 FROM likes_cdc FINAL
    UNION ALL
    SELECT post_id, NULL, NULL, 0, 1, 0, 0, 0 FROM comments_cdc FINAL
    UNION ALL
    SELECT post_id, NULL, NULL, 0, 0, event_type = 'share', event_type = 'impression', event_type = 'view'
    FROM events_raw FINAL
)
GROUP BY post_id;

-- F1, the newest posts of the authors a viewer follows, for whoever asks by hand: feed_recent_follows(viewer, now, window_hours,
-- max_posts). Nova asks the same, written out (queries/follow_candidates.sql).
-- UUIDToNum: UUIDs themselves compare their second half first; a post dated more than an hour ahead is a broken clock.
CREATE OR REPLACE VIEW feed_recent_follows AS
SELECT post_id, author_id, created_at
FROM posts_by_author FINAL
-- The sorting key alone: rows of one key pass or fail together, so they may be dropped before FINAL merges the others.
PREWHERE author_id IN (SELECT followee_id FROM follows_cdc FINAL WHERE follower_id = {viewer:UUID})
  AND created_at > {now:DateTime64(6, 'UTC')} - toIntervalHour({window_hours:UInt32})
  AND created_at <= {now:DateTime64(6, 'UTC')} + toIntervalHour(1)
WHERE visibility IN ('public', 'followers')
  AND hidden = 0
ORDER BY created_at DESC, UUIDToNum(post_id) DESC
LIMIT {max_posts:UInt32};

-- ============================================================================ Kafka

-- One Kafka table per topic, each with its own consumer group. A message is taken as it is (`raw`), so that one that
-- cannot be decoded is kept with its bytes and its position. The path of a message:
--   NAME_kafka -> mv_NAME_decode -> NAME_decoded (holds nothing) -> mv_NAME_ingest       -> the facts
--                                                                -> mv_NAME_dead_letters -> dead_letters
-- `error` is empty for a message that becomes a row; `drift` names fields that this schema does not know.
-- Settings: the reschedule delay (default 500 ms) and the flush interval bound the freshness of every feed.

-- ---------------------------------------------------------------------------- cdc.posts

CREATE TABLE IF NOT EXISTS posts_decoded
(
    topic     LowCardinality(String),
    partition UInt64,
    offset    UInt64,
    raw       String,
    error     String,
    drift     Array(String),
    post_id Nullable(UUID),
    author_id Nullable(UUID),
    caption Nullable(String),
    media_url Nullable(String),
    media_type Nullable(String),
    duration_ms Nullable(UInt32),
    visibility Nullable(String),
    created_at Nullable(DateTime64(6, 'UTC')),
    updated_at Nullable(DateTime64(6, 'UTC')),
    deleted_at Nullable(DateTime64(6, 'UTC')),
    _version Nullable(UInt64),
    _deleted UInt8
)
ENGINE = Null;

CREATE MATERIALIZED VIEW IF NOT EXISTS mv_posts_ingest TO posts_cdc AS
SELECT
    assumeNotNull(d.post_id) AS post_id,
    assumeNotNull(d.author_id) AS author_id,
    ifNull(d.caption, '') AS caption,
    ifNull(d.media_url, '') AS media_url,
    ifNull(d.media_type, '') AS media_type,
    ifNull(d.duration_ms, 0) AS duration_ms,
    ifNull(d.visibility, '') AS visibility,
    assumeNotNull(d.created_at) AS created_at,
    ifNull(d.updated_at, toDateTime64(0, 6, 'UTC')) AS updated_at,
    d.deleted_at AS deleted_at,
    assumeNotNull(d._version) AS _version,
    d._deleted AS _deleted
FROM posts_decoded AS d
WHERE d.error = '';

CREATE MATERIALIZED VIEW IF NOT EXISTS mv_posts_dead_letters TO dead_letters AS
SELECT
    d.topic AS topic,
    d.partition AS partition,
    d.offset AS offset,
    if(d.error = '', 'applied', 'quarantined') AS disposition,
    if(d.error = '', concat('unknown field: ', arrayStringConcat(d.drift, ', ')), d.error) AS error,
    d.raw AS raw,
    now64(3, 'UTC') AS received_at
FROM posts_decoded AS d
WHERE d.error != '' OR notEmpty(d.drift);

CREATE TABLE IF NOT EXISTS posts_kafka (raw String)
ENGINE = Kafka(nova_kafka)
SETTINGS
    kafka_topic_list = 'cdc.posts',
    kafka_group_name = 'nova_clickhouse_posts',
    kafka_format = 'RawBLOB',
    kafka_handle_error_mode = 'stream',
    kafka_max_block_size = 65536,
    kafka_poll_max_batch_size = 65536,
    kafka_flush_interval_ms = 200,
    kafka_poll_timeout_ms = 50,
    kafka_consumer_reschedule_ms = 10;

CREATE MATERIALIZED VIEW IF NOT EXISTS mv_posts_decode TO posts_decoded AS
WITH
    JSONExtract(k.raw, 'Tuple(
        post_id Nullable(String),
        author_id Nullable(String),
        caption Nullable(String),
        media_url Nullable(String),
        media_type Nullable(String),
        duration_ms Nullable(UInt32),
        visibility Nullable(String),
        created_at Nullable(String),
        updated_at Nullable(String),
        deleted_at Nullable(String),
        __deleted Nullable(String),
        __lsn Nullable(UInt64)
    )') AS m,
    toUUIDOrNull(m.post_id) AS v_post_id,
    toUUIDOrNull(m.author_id) AS v_author_id,
    if(match(m.created_at, '^[0-9]{4}-[01][0-9]-[0-3][0-9]T([01][0-9]|2[0-3]):[0-5][0-9]:[0-6][0-9]'), parseDateTime64BestEffortOrNull(m.created_at, 6, 'UTC'), NULL) AS v_created_at,
    if(match(m.updated_at, '^[0-9]{4}-[01][0-9]-[0-3][0-9]T([01][0-9]|2[0-3]):[0-5][0-9]:[0-6][0-9]'), parseDateTime64BestEffortOrNull(m.updated_at, 6, 'UTC'), NULL) AS v_updated_at,
    if(match(m.deleted_at, '^[0-9]{4}-[01][0-9]-[0-3][0-9]T([01][0-9]|2[0-3]):[0-5][0-9]:[0-6][0-9]'), parseDateTime64BestEffortOrNull(m.deleted_at, 6, 'UTC'), NULL) AS v_deleted_at,
    ifNull(m.__deleted = 'true', false) AS deleted,
    [
        if(JSONType(k.raw, '__lsn') NOT IN ('Int64', 'UInt64') OR m.__lsn IS NULL, '__lsn', ''),
        if(m.__deleted IS NULL OR m.__deleted NOT IN ('true', 'false'), '__deleted', ''),
        if(v_post_id IS NULL, 'post_id', ''),
        if(v_author_id IS NULL, 'author_id', ''),
        if(v_created_at IS NULL, 'created_at', ''),
        if(NOT deleted AND JSONType(k.raw, 'caption') != 'String', 'caption', ''),
        if(NOT deleted AND JSONType(k.raw, 'media_url') != 'String', 'media_url', ''),
        if(NOT deleted AND (m.media_type IS NULL OR m.media_type NOT IN ('video', 'image')), 'media_type', ''),
        if(NOT deleted AND (JSONType(k.raw, 'duration_ms') NOT IN ('Int64', 'UInt64') OR m.duration_ms IS NULL), 'duration_ms', ''),
        if(NOT deleted AND (m.visibility IS NULL OR m.visibility NOT IN ('public', 'followers', 'private')), 'visibility', ''),
        if(v_updated_at IS NULL AND NOT deleted, 'updated_at', ''),
        if(NOT JSONHas(k.raw, 'deleted_at') OR (m.deleted_at IS NOT NULL AND v_deleted_at IS NULL), 'deleted_at', '')
    ] AS checks,
    arrayFilter(name -> name != '', checks) AS bad
SELECT
    k._topic AS topic,
    k._partition AS partition,
    k._offset AS offset,
    k.raw AS raw,
    multiIf(
        empty(bad), '',
        k.raw = '', 'empty message',
        NOT isValidJSON(k.raw), 'not JSON',
        JSONType(k.raw) != 'Object', 'not a JSON object',
        concat('missing or invalid: ', arrayStringConcat(bad, ', '))
    ) AS error,
    arrayFilter(name -> name NOT IN ('post_id', 'author_id', 'caption', 'media_url', 'media_type', 'duration_ms', 'visibility', 'created_at', 'updated_at', 'deleted_at', '__deleted', '__op', '__lsn', '__source_ts_ms', '__ts_ms', '__source_snapshot'), JSONExtractKeys(k.raw)) AS drift,
    v_post_id AS post_id,
    v_author_id AS author_id,
    m.caption AS caption,
    m.media_url AS media_url,
    m.media_type AS media_type,
    m.duration_ms AS duration_ms,
    m.visibility AS visibility,
    v_created_at AS created_at,
    v_updated_at AS updated_at,
    v_deleted_at AS deleted_at,
    m.__lsn AS _version,
    deleted AS _deleted
FROM posts_kafka AS k;

-- ---------------------------------------------------------------------------- cdc.likes

CREATE TABLE IF NOT EXISTS likes_decoded
(
    topic     LowCardinality(String),
    partition UInt64,
    offset    UInt64,
    raw       String,
    error     String,
    drift     Array(String),
    post_id Nullable(UUID),
    user_id Nullable(UUID),
    author_id Nullable(UUID),
    created_at Nullable(DateTime64(6, 'UTC')),
    _version Nullable(UInt64),
    _deleted UInt8
)
ENGINE = Null;

CREATE MATERIALIZED VIEW IF NOT EXISTS mv_likes_ingest TO likes_cdc AS
SELECT
    assumeNotNull(d.post_id) AS post_id,
    assumeNotNull(d.user_id) AS user_id,
    assumeNotNull(d.author_id) AS author_id,
    assumeNotNull(d.created_at) AS created_at,
    assumeNotNull(d._version) AS _version,
    d._deleted AS _deleted
FROM likes_decoded AS d
WHERE d.error = '';

CREATE MATERIALIZED VIEW IF NOT EXISTS mv_likes_dead_letters TO dead_letters AS
SELECT
    d.topic AS topic,
    d.partition AS partition,
    d.offset AS offset,
    if(d.error = '', 'applied', 'quarantined') AS disposition,
    if(d.error = '', concat('unknown field: ', arrayStringConcat(d.drift, ', ')), d.error) AS error,
    d.raw AS raw,
    now64(3, 'UTC') AS received_at
FROM likes_decoded AS d
WHERE d.error != '' OR notEmpty(d.drift);

CREATE TABLE IF NOT EXISTS likes_kafka (raw String)
ENGINE = Kafka(nova_kafka)
SETTINGS
    kafka_topic_list = 'cdc.likes',
    kafka_group_name = 'nova_clickhouse_likes',
    kafka_format = 'RawBLOB',
    kafka_handle_error_mode = 'stream',
    kafka_max_block_size = 65536,
    kafka_poll_max_batch_size = 65536,
    kafka_flush_interval_ms = 200,
    kafka_poll_timeout_ms = 50,
    kafka_consumer_reschedule_ms = 10;

CREATE MATERIALIZED VIEW IF NOT EXISTS mv_likes_decode TO likes_decoded AS
WITH
    JSONExtract(k.raw, 'Tuple(
        post_id Nullable(String),
        user_id Nullable(String),
        author_id Nullable(String),
        created_at Nullable(String),
        __deleted Nullable(String),
        __lsn Nullable(UInt64)
    )') AS m,
    toUUIDOrNull(m.post_id) AS v_post_id,
    toUUIDOrNull(m.user_id) AS v_user_id,
    toUUIDOrNull(m.author_id) AS v_author_id,
    if(match(m.created_at, '^[0-9]{4}-[01][0-9]-[0-3][0-9]T([01][0-9]|2[0-3]):[0-5][0-9]:[0-6][0-9]'), parseDateTime64BestEffortOrNull(m.created_at, 6, 'UTC'), NULL) AS v_created_at,
    ifNull(m.__deleted = 'true', false) AS deleted,
    [
        if(JSONType(k.raw, '__lsn') NOT IN ('Int64', 'UInt64') OR m.__lsn IS NULL, '__lsn', ''),
        if(m.__deleted IS NULL OR m.__deleted NOT IN ('true', 'false'), '__deleted', ''),
        if(v_post_id IS NULL, 'post_id', ''),
        if(v_user_id IS NULL, 'user_id', ''),
        if(v_author_id IS NULL, 'author_id', ''),
        if(v_created_at IS NULL, 'created_at', '')
    ] AS checks,
    arrayFilter(name -> name != '', checks) AS bad
SELECT
    k._topic AS topic,
    k._partition AS partition,
    k._offset AS offset,
    k.raw AS raw,
    multiIf(
        empty(bad), '',
        k.raw = '', 'empty message',
        NOT isValidJSON(k.raw), 'not JSON',
        JSONType(k.raw) != 'Object', 'not a JSON object',
        concat('missing or invalid: ', arrayStringConcat(bad, ', '))
    ) AS error,
    arrayFilter(name -> name NOT IN ('post_id', 'user_id', 'author_id', 'created_at', '__deleted', '__op', '__lsn', '__source_ts_ms', '__ts_ms', '__source_snapshot'), JSONExtractKeys(k.raw)) AS drift,
    v_post_id AS post_id,
    v_user_id AS user_id,
    v_author_id AS author_id,
    v_created_at AS created_at,
    m.__lsn AS _version,
    deleted AS _deleted
FROM likes_kafka AS k;

-- ---------------------------------------------------------------------------- cdc.comments

CREATE TABLE IF NOT EXISTS comments_decoded
(
    topic     LowCardinality(String),
    partition UInt64,
    offset    UInt64,
    raw       String,
    error     String,
    drift     Array(String),
    comment_id Nullable(UUID),
    post_id Nullable(UUID),
    user_id Nullable(UUID),
    author_id Nullable(UUID),
    created_at Nullable(DateTime64(6, 'UTC')),
    _version Nullable(UInt64),
    _deleted UInt8
)
ENGINE = Null;

CREATE MATERIALIZED VIEW IF NOT EXISTS mv_comments_ingest TO comments_cdc AS
SELECT
    assumeNotNull(d.comment_id) AS comment_id,
    assumeNotNull(d.post_id) AS post_id,
    assumeNotNull(d.user_id) AS user_id,
    assumeNotNull(d.author_id) AS author_id,
    assumeNotNull(d.created_at) AS created_at,
    assumeNotNull(d._version) AS _version,
    d._deleted AS _deleted
FROM comments_decoded AS d
WHERE d.error = '';

CREATE MATERIALIZED VIEW IF NOT EXISTS mv_comments_dead_letters TO dead_letters AS
SELECT
    d.topic AS topic,
    d.partition AS partition,
    d.offset AS offset,
    if(d.error = '', 'applied', 'quarantined') AS disposition,
    if(d.error = '', concat('unknown field: ', arrayStringConcat(d.drift, ', ')), d.error) AS error,
    d.raw AS raw,
    now64(3, 'UTC') AS received_at
FROM comments_decoded AS d
WHERE d.error != '' OR notEmpty(d.drift);

CREATE TABLE IF NOT EXISTS comments_kafka (raw String)
ENGINE = Kafka(nova_kafka)
SETTINGS
    kafka_topic_list = 'cdc.comments',
    kafka_group_name = 'nova_clickhouse_comments',
    kafka_format = 'RawBLOB',
    kafka_handle_error_mode = 'stream',
    kafka_max_block_size = 65536,
    kafka_poll_max_batch_size = 65536,
    kafka_flush_interval_ms = 500,
    kafka_poll_timeout_ms = 100,
    kafka_consumer_reschedule_ms = 10;

CREATE MATERIALIZED VIEW IF NOT EXISTS mv_comments_decode TO comments_decoded AS
WITH
    JSONExtract(k.raw, 'Tuple(
        comment_id Nullable(String),
        post_id Nullable(String),
        user_id Nullable(String),
        author_id Nullable(String),
        created_at Nullable(String),
        __deleted Nullable(String),
        __lsn Nullable(UInt64)
    )') AS m,
    toUUIDOrNull(m.comment_id) AS v_comment_id,
    toUUIDOrNull(m.post_id) AS v_post_id,
    toUUIDOrNull(m.user_id) AS v_user_id,
    toUUIDOrNull(m.author_id) AS v_author_id,
    if(match(m.created_at, '^[0-9]{4}-[01][0-9]-[0-3][0-9]T([01][0-9]|2[0-3]):[0-5][0-9]:[0-6][0-9]'), parseDateTime64BestEffortOrNull(m.created_at, 6, 'UTC'), NULL) AS v_created_at,
    ifNull(m.__deleted = 'true', false) AS deleted,
    [
        if(JSONType(k.raw, '__lsn') NOT IN ('Int64', 'UInt64') OR m.__lsn IS NULL, '__lsn', ''),
        if(m.__deleted IS NULL OR m.__deleted NOT IN ('true', 'false'), '__deleted', ''),
        if(v_comment_id IS NULL, 'comment_id', ''),
        if(v_post_id IS NULL, 'post_id', ''),
        if(v_user_id IS NULL, 'user_id', ''),
        if(v_author_id IS NULL, 'author_id', ''),
        if(v_created_at IS NULL, 'created_at', '')
    ] AS checks,
    arrayFilter(name -> name != '', checks) AS bad
SELECT
    k._topic AS topic,
    k._partition AS partition,
    k._offset AS offset,
    k.raw AS raw,
    multiIf(
        empty(bad), '',
        k.raw = '', 'empty message',
        NOT isValidJSON(k.raw), 'not JSON',
        JSONType(k.raw) != 'Object', 'not a JSON object',
        concat('missing or invalid: ', arrayStringConcat(bad, ', '))
    ) AS error,
    arrayFilter(name -> name NOT IN ('comment_id', 'post_id', 'user_id', 'author_id', 'created_at', '__deleted', '__op', '__lsn', '__source_ts_ms', '__ts_ms', '__source_snapshot'), JSONExtractKeys(k.raw)) AS drift,
    v_comment_id AS comment_id,
    v_post_id AS post_id,
    v_user_id AS user_id,
    v_author_id AS author_id,
    v_created_at AS created_at,
    m.__lsn AS _version,
    deleted AS _deleted
FROM comments_kafka AS k;

-- ---------------------------------------------------------------------------- cdc.follows

CREATE TABLE IF NOT EXISTS follows_decoded
(
    topic     LowCardinality(String),
    partition UInt64,
    offset    UInt64,
    raw       String,
    error     String,
    drift     Array(String),
    follower_id Nullable(UUID),
    followee_id Nullable(UUID),
    created_at Nullable(DateTime64(6, 'UTC')),
    _version Nullable(UInt64),
    _deleted UInt8
)
ENGINE = Null;

CREATE MATERIALIZED VIEW IF NOT EXISTS mv_follows_ingest TO follows_cdc AS
SELECT
    assumeNotNull(d.follower_id) AS follower_id,
    assumeNotNull(d.followee_id) AS followee_id,
    ifNull(d.created_at, toDateTime64(0, 6, 'UTC')) AS created_at,
    assumeNotNull(d._version) AS _version,
    d._deleted AS _deleted
FROM follows_decoded AS d
WHERE d.error = '';

CREATE MATERIALIZED VIEW IF NOT EXISTS mv_follows_dead_letters TO dead_letters AS
SELECT
    d.topic AS topic,
    d.partition AS partition,
    d.offset AS offset,
    if(d.error = '', 'applied', 'quarantined') AS disposition,
    if(d.error = '', concat('unknown field: ', arrayStringConcat(d.drift, ', ')), d.error) AS error,
    d.raw AS raw,
    now64(3, 'UTC') AS received_at
FROM follows_decoded AS d
WHERE d.error != '' OR notEmpty(d.drift);

CREATE TABLE IF NOT EXISTS follows_kafka (raw String)
ENGINE = Kafka(nova_kafka)
SETTINGS
    kafka_topic_list = 'cdc.follows',
    kafka_group_name = 'nova_clickhouse_follows',
    kafka_format = 'RawBLOB',
    kafka_handle_error_mode = 'stream',
    kafka_max_block_size = 65536,
    kafka_poll_max_batch_size = 65536,
    kafka_flush_interval_ms = 500,
    kafka_poll_timeout_ms = 100,
    kafka_consumer_reschedule_ms = 10;

CREATE MATERIALIZED VIEW IF NOT EXISTS mv_follows_decode TO follows_decoded AS
WITH
    JSONExtract(k.raw, 'Tuple(
        follower_id Nullable(String),
        followee_id Nullable(String),
        created_at Nullable(String),
        __deleted Nullable(String),
        __lsn Nullable(UInt64)
    )') AS m,
    toUUIDOrNull(m.follower_id) AS v_follower_id,
    toUUIDOrNull(m.followee_id) AS v_followee_id,
    if(match(m.created_at, '^[0-9]{4}-[01][0-9]-[0-3][0-9]T([01][0-9]|2[0-3]):[0-5][0-9]:[0-6][0-9]'), parseDateTime64BestEffortOrNull(m.created_at, 6, 'UTC'), NULL) AS v_created_at,
    ifNull(m.__deleted = 'true', false) AS deleted,
    [
        if(JSONType(k.raw, '__lsn') NOT IN ('Int64', 'UInt64') OR m.__lsn IS NULL, '__lsn', ''),
        if(m.__deleted IS NULL OR m.__deleted NOT IN ('true', 'false'), '__deleted', ''),
        if(v_follower_id IS NULL, 'follower_id', ''),
        if(v_followee_id IS NULL, 'followee_id', ''),
        if(v_created_at IS NULL AND NOT deleted, 'created_at', '')
    ] AS checks,
    arrayFilter(name -> name != '', checks) AS bad
SELECT
    k._topic AS topic,
    k._partition AS partition,
    k._offset AS offset,
    k.raw AS raw,
    multiIf(
        empty(bad), '',
        k.raw = '', 'empty message',
        NOT isValidJSON(k.raw), 'not JSON',
        JSONType(k.raw) != 'Object', 'not a JSON object',
        concat('missing or invalid: ', arrayStringConcat(bad, ', '))
    ) AS error,
    arrayFilter(name -> name NOT IN ('follower_id', 'followee_id', 'created_at', '__deleted', '__op', '__lsn', '__source_ts_ms', '__ts_ms', '__source_snapshot'), JSONExtractKeys(k.raw)) AS drift,
    v_follower_id AS follower_id,
    v_followee_id AS followee_id,
    v_created_at AS created_at,
    m.__lsn AS _version,
    deleted AS _deleted
FROM follows_kafka AS k;

-- ---------------------------------------------------------------------------- events

CREATE TABLE IF NOT EXISTS events_decoded
(
    topic     LowCardinality(String),
    partition UInt64,
    offset    UInt64,
    raw       String,
    error     String,
    drift     Array(String),
    event_id Nullable(UUID),
    user_id Nullable(UUID),
    event_type Nullable(String),
    post_id Nullable(UUID),
    author_id Nullable(UUID),
    dwell_ms Nullable(UInt32),
    occurred_at Nullable(DateTime64(3, 'UTC')),
    received_at Nullable(DateTime64(3, 'UTC'))
)
ENGINE = Null;

CREATE MATERIALIZED VIEW IF NOT EXISTS mv_events_ingest TO events_raw AS
SELECT
    assumeNotNull(d.event_id) AS event_id,
    assumeNotNull(d.user_id) AS user_id,
    assumeNotNull(d.event_type) AS event_type,
    assumeNotNull(d.post_id) AS post_id,
    assumeNotNull(d.author_id) AS author_id,
    d.dwell_ms AS dwell_ms,
    assumeNotNull(d.occurred_at) AS occurred_at,
    assumeNotNull(d.received_at) AS received_at,
    toUInt64(greatest(0, 10000000000000 - toUnixTimestamp64Milli(assumeNotNull(d.received_at)))) AS _version
FROM events_decoded AS d
WHERE d.error = '';

CREATE MATERIALIZED VIEW IF NOT EXISTS mv_events_dead_letters TO dead_letters AS
SELECT
    d.topic AS topic,
    d.partition AS partition,
    d.offset AS offset,
    if(d.error = '', 'applied', 'quarantined') AS disposition,
    if(d.error = '', concat('unknown field: ', arrayStringConcat(d.drift, ', ')), d.error) AS error,
    d.raw AS raw,
    now64(3, 'UTC') AS received_at
FROM events_decoded AS d
WHERE d.error != '' OR notEmpty(d.drift);

-- Nobody waits for a single event: every two seconds is soon enough, and a fortieth of the parts to merge.
CREATE TABLE IF NOT EXISTS events_kafka (raw String)
ENGINE = Kafka(nova_kafka)
SETTINGS
    kafka_topic_list = 'events',
    kafka_group_name = 'nova_clickhouse_events',
    kafka_format = 'RawBLOB',
    kafka_handle_error_mode = 'stream',
    kafka_max_block_size = 65536,
    kafka_poll_max_batch_size = 65536,
    kafka_flush_interval_ms = 2000,
    kafka_poll_timeout_ms = 250,
    kafka_consumer_reschedule_ms = 10;

CREATE MATERIALIZED VIEW IF NOT EXISTS mv_events_decode TO events_decoded AS
WITH
    JSONExtract(k.raw, 'Tuple(
        event_id Nullable(String),
        user_id Nullable(String),
        event_type Nullable(String),
        post_id Nullable(String),
        author_id Nullable(String),
        dwell_ms Nullable(UInt32),
        occurred_at Nullable(String),
        received_at Nullable(String)
    )') AS m,
    toUUIDOrNull(m.event_id) AS v_event_id,
    toUUIDOrNull(m.user_id) AS v_user_id,
    toUUIDOrNull(m.post_id) AS v_post_id,
    toUUIDOrNull(m.author_id) AS v_author_id,
    if(match(m.occurred_at, '^[0-9]{4}-[01][0-9]-[0-3][0-9]T([01][0-9]|2[0-3]):[0-5][0-9]:[0-6][0-9]'), parseDateTime64BestEffortOrNull(m.occurred_at, 3, 'UTC'), NULL) AS v_occurred_at,
    if(match(m.received_at, '^[0-9]{4}-[01][0-9]-[0-3][0-9]T([01][0-9]|2[0-3]):[0-5][0-9]:[0-6][0-9]'), parseDateTime64BestEffortOrNull(m.received_at, 3, 'UTC'), NULL) AS v_received_at,
    [
        if(v_event_id IS NULL, 'event_id', ''),
        if(v_user_id IS NULL, 'user_id', ''),
        if(v_post_id IS NULL, 'post_id', ''),
        if(v_author_id IS NULL, 'author_id', ''),
        if(v_occurred_at IS NULL, 'occurred_at', ''),
        if(v_received_at IS NULL, 'received_at', ''),
        if(m.event_type IS NULL OR m.event_type NOT IN ('impression', 'view', 'dwell', 'share', 'click'), 'event_type', ''),
        if(JSONType(k.raw, 'dwell_ms') NOT IN ('Int64', 'UInt64', 'Null') OR (m.dwell_ms IS NULL AND JSONType(k.raw, 'dwell_ms') != 'Null'), 'dwell_ms', '')
    ] AS checks,
    arrayFilter(name -> name != '', checks) AS bad
SELECT
    k._topic AS topic,
    k._partition AS partition,
    k._offset AS offset,
    k.raw AS raw,
    multiIf(
        empty(bad), '',
        k.raw = '', 'empty message',
        NOT isValidJSON(k.raw), 'not JSON',
        JSONType(k.raw) != 'Object', 'not a JSON object',
        concat('missing or invalid: ', arrayStringConcat(bad, ', '))
    ) AS error,
    arrayFilter(name -> name NOT IN ('event_id', 'user_id', 'event_type', 'post_id', 'author_id', 'dwell_ms', 'occurred_at', 'received_at'), JSONExtractKeys(k.raw)) AS drift,
    v_event_id AS event_id,
    v_user_id AS user_id,
    m.event_type AS event_type,
    v_post_id AS post_id,
    v_author_id AS author_id,
    m.dwell_ms AS dwell_ms,
    v_occurred_at AS occurred_at,
    v_received_at AS received_at
FROM events_kafka AS k;
