-- The newest version of likes: how far ClickHouse has followed the changes of each. Unknown ones are missing.
-- Reads: likes_cdc by its full key.
-- Cost: one granule per like and part.
SELECT likes_cdc.post_id AS left_id, likes_cdc.user_id AS right_id, max(_version) AS lsn
FROM likes_cdc
WHERE (likes_cdc.post_id, likes_cdc.user_id) IN {keys:Array(Tuple(UUID, UUID))}
GROUP BY left_id, right_id
