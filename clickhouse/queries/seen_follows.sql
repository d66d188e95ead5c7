-- The newest version of follows: how far ClickHouse has followed the changes of each. Unknown ones are missing.
-- Reads: follows_cdc by its full key.
-- Cost: one granule per follow and part.
SELECT follows_cdc.follower_id AS left_id, follows_cdc.followee_id AS right_id, max(_version) AS lsn
FROM follows_cdc
WHERE (follows_cdc.follower_id, follows_cdc.followee_id) IN {keys:Array(Tuple(UUID, UUID))}
GROUP BY left_id, right_id
