-- $1 follows $2, unless one has blocked the other; tells whether that is so.
-- Reads two rows of blocks, writes at most one of follows, all by primary key. Needs lock_pair.sql before.
WITH blocked AS (
    SELECT EXISTS (
        SELECT FROM blocks WHERE blocker_id = $1 AND blocked_id = $2
    ) OR EXISTS (
        SELECT FROM blocks WHERE blocker_id = $2 AND blocked_id = $1
    ) AS yes
), written AS (
    INSERT INTO follows (follower_id, followee_id)
    SELECT $1, $2 FROM blocked WHERE NOT yes
    ON CONFLICT DO NOTHING
)
SELECT yes FROM blocked
