-- The absolute counts of posts, with the version that says how much of the stream they include.
-- Reads: likes_cdc and comments_cdc by the leading key column, the post; rows of a key are put together in key order
--        (optimize_aggregation_in_order), so memory does not grow with the likes of a post.
-- Cost: the likes and comments of the posts asked for, deleted ones included.
-- version: the sum, over all keys of the post, of the newest LSN of each, plus the number of keys. Every change that is
-- applied makes it greater, in whatever order changes of different keys arrive. The greatest LSN alone would not do:
-- likes of a post come over several partitions, and LSN 100 may be here before LSN 90.
SELECT post_id, sum(live_likes) AS likes, sum(live_comments) AS comments, sum(applied) AS version
FROM
(
    SELECT
        l.post_id AS post_id,
        countIf(l.removed = 0) AS live_likes,
        toUInt64(0) AS live_comments,
        sum(toUInt128(l.lsn)) + toUInt128(count()) AS applied
    FROM
    (
        SELECT likes_cdc.post_id AS post_id, likes_cdc.user_id AS user_id, max(_version) AS lsn, argMax(_deleted, _version) AS removed
        FROM likes_cdc
        WHERE likes_cdc.post_id IN {post_ids:Array(UUID)}
        GROUP BY post_id, user_id
    ) AS l
    GROUP BY post_id
    UNION ALL
    SELECT
        c.post_id AS post_id,
        toUInt64(0) AS live_likes,
        countIf(c.removed = 0) AS live_comments,
        sum(toUInt128(c.lsn)) + toUInt128(count()) AS applied
    FROM
    (
        SELECT comments_cdc.post_id AS post_id, comments_cdc.comment_id AS comment_id, max(_version) AS lsn, argMax(_deleted, _version) AS removed
        FROM comments_cdc
        WHERE comments_cdc.post_id IN {post_ids:Array(UUID)}
        GROUP BY post_id, comment_id
    ) AS c
    GROUP BY post_id
)
GROUP BY post_id
