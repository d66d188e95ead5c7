-- $1 blocks $2. One row of blocks by primary key. Needs lock_pair.sql before.
INSERT INTO blocks (blocker_id, blocked_id)
VALUES ($1, $2)
ON CONFLICT DO NOTHING
