-- The newest version of comments: how far ClickHouse has followed the changes of each. Unknown ones are missing.
-- Reads: comments_cdc by its full key.
-- Cost: one granule per comment and part.
SELECT comments_cdc.post_id AS left_id, comments_cdc.comment_id AS right_id, max(_version) AS lsn
FROM comments_cdc
WHERE (comments_cdc.post_id, comments_cdc.comment_id) IN {keys:Array(Tuple(UUID, UUID))}
GROUP BY left_id, right_id
