-- Whether posts are deleted, with the LSN that says so. A post that ClickHouse does not know is missing.
-- Reads: posts_cdc by its key.
-- Cost: one row per post and part.
SELECT
    posts_cdc.post_id AS post_id,
    toUInt8(argMax(deleted_at IS NOT NULL OR _deleted, _version)) AS hidden,
    max(_version) AS lsn
FROM posts_cdc
WHERE posts_cdc.post_id IN {post_ids:Array(UUID)}
GROUP BY post_id
