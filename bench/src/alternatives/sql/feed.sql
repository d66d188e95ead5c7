-- The first $2 posts of the feed of $1: Nova's three sources, formula and order in one statement.
-- Reads, each by an index (setup.sql): the viewer's follows, likes and comments; one range of posts for each followee, and
--   for each of the 50 authors the viewer interacted with most; 25 ranges of post_counters; counters of at most 900
--   candidates; $2 posts whole.
-- Cost: above all the ranges of posts: one for each followee.
-- Differs from Nova in what PostgreSQL does not have: engagement is ln(1 + likes + 2 comments) instead of the rate of
--   that, and shares, per impression; nothing is known of what the viewer has seen. And authors are not spread.
WITH interactions AS MATERIALIZED (
    SELECT i.author_id, count(*) AS n, max(i.created_at) AS newest
    FROM (
        SELECT l.author_id, l.created_at
        FROM likes AS l
        WHERE l.user_id = $1 AND l.created_at > now() - interval '90 days'
        UNION ALL
        SELECT c.author_id, c.created_at
        FROM comments AS c
        WHERE c.user_id = $1 AND c.created_at > now() - interval '90 days'
    ) AS i
    GROUP BY i.author_id
),
followees AS MATERIALIZED (
    SELECT f.followee_id FROM follows AS f WHERE f.follower_id = $1
),
blocked AS MATERIALIZED (
    SELECT b.blocked_id AS user_id FROM blocks AS b WHERE b.blocker_id = $1
    UNION ALL
    SELECT b.blocker_id FROM blocks AS b WHERE b.blocked_id = $1
),
-- F1
follow AS (
    SELECT p.post_id, p.author_id, p.created_at
    FROM followees AS f
    CROSS JOIN LATERAL (
        SELECT p.post_id, p.author_id, p.created_at
        FROM posts AS p
        WHERE p.author_id = f.followee_id
          AND p.created_at > now() - interval '72 hours'
          AND p.created_at <= now() + interval '1 hour'
          AND p.deleted_at IS NULL
          AND p.visibility IN ('public', 'followers')
        ORDER BY p.created_at DESC, p.post_id DESC
        LIMIT 500
    ) AS p
    ORDER BY p.created_at DESC, p.post_id DESC
    LIMIT 500
),
-- F2
trending AS (
    SELECT c.post_id, c.author_id, c.created_at
    FROM generate_series(
        date_trunc('hour', now() - interval '24 hours', 'UTC'), now() + interval '1 hour', interval '1 hour'
    ) AS hours (hour)
    CROSS JOIN LATERAL (
        SELECT c.post_id, c.author_id, c.created_at, c.engaged
        FROM nova_bench.post_counters AS c
        WHERE c.hour = hours.hour
          AND c.listed
          AND c.created_at > now() - interval '24 hours'
          AND c.created_at <= now() + interval '1 hour'
        ORDER BY c.engaged DESC, c.created_at DESC, c.post_id DESC
        LIMIT 200
    ) AS c
    ORDER BY c.engaged DESC, c.created_at DESC, c.post_id DESC
    LIMIT 200
),
-- F3
affinity AS (
    SELECT p.post_id, p.author_id, p.created_at
    FROM (
        SELECT i.author_id
        FROM interactions AS i
        WHERE i.author_id <> $1
        ORDER BY i.n DESC, i.newest DESC, i.author_id DESC
        LIMIT 50
    ) AS closest
    CROSS JOIN LATERAL (
        SELECT p.post_id, p.author_id, p.created_at
        FROM posts AS p
        WHERE p.author_id = closest.author_id
          AND p.created_at > now() - interval '168 hours'
          AND p.created_at <= now() + interval '1 hour'
          AND p.deleted_at IS NULL
          AND (p.visibility = 'public'
               OR p.visibility = 'followers'
                  AND closest.author_id IN (SELECT f.followee_id FROM followees AS f))
        ORDER BY p.created_at DESC, p.post_id DESC
        LIMIT 200
    ) AS p
    ORDER BY p.created_at DESC, p.post_id DESC
    LIMIT 200
),
candidates AS (
    SELECT c.post_id, c.author_id, c.created_at,
           bool_or(c.source = 1) AS by_follow, bool_or(c.source = 2) AS by_trending, bool_or(c.source = 3) AS by_affinity
    FROM (
        SELECT 1 AS source, f.post_id, f.author_id, f.created_at FROM follow AS f
        UNION ALL
        SELECT 2, t.post_id, t.author_id, t.created_at FROM trending AS t
        UNION ALL
        SELECT 3, a.post_id, a.author_id, a.created_at FROM affinity AS a
    ) AS c
    WHERE c.author_id <> $1
      AND c.author_id NOT IN (SELECT b.user_id FROM blocked AS b)
    GROUP BY c.post_id, c.author_id, c.created_at
),
page AS (
    SELECT c.post_id, c.created_at, c.by_follow, c.by_trending, c.by_affinity, n.likes, n.comments,
           0.30 * exp(-0.10 * greatest(extract(epoch FROM now() - c.created_at)::double precision, 0) / 3600)
           + 0.40 * ln(1 + (n.likes + 2 * n.comments)::double precision)
           + 0.30 * ln(1 + coalesce(i.n, 0)::double precision) AS score
    FROM candidates AS c
    JOIN nova_bench.post_counters AS n ON n.post_id = c.post_id
    LEFT JOIN interactions AS i ON i.author_id = c.author_id
    ORDER BY score DESC, c.created_at DESC, c.post_id DESC
    LIMIT $2
)
SELECT p.post_id, p.author_id, p.caption, p.media_url, p.media_type, p.duration_ms, p.created_at,
       page.by_follow, page.by_trending, page.by_affinity, page.score, page.likes, page.comments,
       EXISTS (SELECT FROM likes AS l WHERE l.post_id = p.post_id AND l.user_id = $1) AS liked
FROM page
JOIN posts AS p USING (post_id)
ORDER BY page.score DESC, page.created_at DESC, page.post_id DESC
