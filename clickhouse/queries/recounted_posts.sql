-- The posts whose events were recounted at or after a time, by the time of their newest recount; a page of them, behind
-- (after_at, after_post). One recount gives all its posts the same time, so the time alone would not page.
-- Reads: post_metrics_1h by the minmax index on its version.
-- Cost: the granules that hold a row of a recount since then; the answer is at most max_posts rows.
SELECT post_metrics_1h.post_id AS post_id, max(_version) AS recounted_at
FROM post_metrics_1h
WHERE _version >= {since:UInt64}
GROUP BY post_id
HAVING (recounted_at, post_id) > ({after_at:UInt64}, {after_post:UUID})
ORDER BY recounted_at, post_id
LIMIT {max_posts:UInt32}
