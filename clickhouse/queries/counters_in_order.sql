-- All that Redis keeps of posts, for a walk over all of them in the order of the key: what post_counts.sql, event_counts.sql
-- and post_states.sql say of each post behind after_post up to last_post that was created after a time, with zeros and version 0 where they
-- say nothing.
-- Reads: posts_cdc, likes_cdc, comments_cdc and post_metrics_1h by a range of the leading key column, the post; rows of a
--        key are put together in key order (optimize_aggregation_in_order). A whole walk reads each row once.
-- Cost: the rows of the range, those of older posts included; one row per post in the answer.
-- Versions: as in the three queries. The time of creation never changes, so it may leave rows out before they are put together.
SELECT
    p.post_id AS post_id,
    p.hidden AS deleted,
    p.lsn AS post_version,
    l.live AS likes,
    c.live AS comments,
    toUInt128(l.applied + c.applied) AS version,
    e.share_count AS shares,
    e.impression_count AS impressions,
    e.view_count AS views,
    e.recounted_at AS events_version
FROM
(
    SELECT
        post_id,
        toUInt8(argMax(deleted_at IS NOT NULL OR _deleted, _version)) AS hidden,
        max(_version) AS lsn
    FROM posts_cdc
    WHERE post_id > {after_post:UUID} AND post_id <= {last_post:UUID}
      AND created_at > {created_after:DateTime64(6, 'UTC')}
    GROUP BY post_id
) AS p
LEFT JOIN
(
    SELECT post_id, countIf(removed = 0) AS live, sum(toUInt128(lsn)) + toUInt128(count()) AS applied
    FROM
    (
        SELECT post_id, user_id, max(_version) AS lsn, argMax(_deleted, _version) AS removed
        FROM likes_cdc
        WHERE post_id > {after_post:UUID} AND post_id <= {last_post:UUID}
        GROUP BY post_id, user_id
    )
    GROUP BY post_id
) AS l ON l.post_id = p.post_id
LEFT JOIN
(
    SELECT post_id, countIf(removed = 0) AS live, sum(toUInt128(lsn)) + toUInt128(count()) AS applied
    FROM
    (
        SELECT post_id, comment_id, max(_version) AS lsn, argMax(_deleted, _version) AS removed
        FROM comments_cdc
        WHERE post_id > {after_post:UUID} AND post_id <= {last_post:UUID}
        GROUP BY post_id, comment_id
    )
    GROUP BY post_id
) AS c ON c.post_id = p.post_id
LEFT JOIN
(
    SELECT
        post_id,
        sum(shares) AS share_count,
        sum(impressions) AS impression_count,
        sum(views) AS view_count,
        max(_version) AS recounted_at
    FROM post_metrics_1h FINAL
    PREWHERE post_id > {after_post:UUID} AND post_id <= {last_post:UUID}
      AND hour >= toStartOfHour(now('UTC') - toIntervalDay(90))
    GROUP BY post_id
) AS e ON e.post_id = p.post_id
