-- Everybody whom $1 has blocked or who has blocked $1, at most $2.
-- Two ranges, one of the primary key and one of blocks_blocked_idx.
SELECT b.blocked_id FROM blocks AS b WHERE b.blocker_id = $1
UNION
SELECT b.blocker_id FROM blocks AS b WHERE b.blocked_id = $1
LIMIT $2
