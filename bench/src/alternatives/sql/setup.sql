-- What the statement of feed.sql needs beside Nova's tables. teardown.sql drops it.

DROP SCHEMA IF EXISTS nova_bench CASCADE;
CREATE SCHEMA nova_bench;

-- Counters as triggers on likes, comments and posts would keep them. `engaged` is what trending orders by: the formula's
-- likes + 2 comments; impressions and shares, which make it a rate in Nova, are events and not in this database.
CREATE TABLE nova_bench.post_counters (
    post_id uuid NOT NULL,
    author_id uuid NOT NULL,
    created_at timestamptz NOT NULL,
    -- Of created_at: "the best of the last 24 hours" is the best of 25 index ranges, not a sort of a whole day's posts.
    hour timestamptz NOT NULL,
    -- Public and not deleted.
    listed boolean NOT NULL,
    likes bigint NOT NULL,
    comments bigint NOT NULL,
    engaged bigint NOT NULL GENERATED ALWAYS AS (likes + 2 * comments) STORED
);

INSERT INTO nova_bench.post_counters (post_id, author_id, created_at, hour, listed, likes, comments)
SELECT p.post_id, p.author_id, p.created_at, date_trunc('hour', p.created_at, 'UTC'),
       p.visibility = 'public' AND p.deleted_at IS NULL,
       coalesce(l.n, 0), coalesce(c.n, 0)
FROM posts AS p
LEFT JOIN (SELECT post_id, count(*) AS n FROM likes GROUP BY post_id) AS l USING (post_id)
LEFT JOIN (SELECT post_id, count(*) AS n FROM comments GROUP BY post_id) AS c USING (post_id);

-- Counters of a candidate, without a look into the table.
CREATE UNIQUE INDEX post_counters_post_idx ON nova_bench.post_counters (post_id) INCLUDE (likes, comments);
-- Trending: the best of an hour are the first rows of its range.
CREATE INDEX post_counters_trending_idx
    ON nova_bench.post_counters (hour, engaged DESC, created_at DESC, post_id DESC) INCLUDE (author_id)
    WHERE listed;

-- Posts of an author that feeds may show, without a look into the table.
CREATE INDEX nova_bench_posts_author_idx
    ON posts (author_id, created_at DESC, post_id DESC) INCLUDE (visibility)
    WHERE deleted_at IS NULL;
-- A viewer's interactions, without a look into the tables.
CREATE INDEX nova_bench_likes_user_idx ON likes (user_id, created_at DESC) INCLUDE (author_id);
CREATE INDEX nova_bench_comments_user_idx ON comments (user_id, created_at DESC) INCLUDE (author_id);
