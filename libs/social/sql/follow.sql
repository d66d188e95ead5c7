-- $1 follows $2, unless one has blocked the other; tells whether that is so, and the LSN of that state (as like.sql does).
-- Reads two rows of blocks, writes at most one of follows, all by primary key. Needs lock_pair.sql before.
WITH before AS MATERIALIZED (
    SELECT pg_current_wal_insert_lsn() AS lsn
), blocked AS MATERIALIZED (
    SELECT EXISTS (
        SELECT FROM blocks WHERE blocker_id = $1 AND blocked_id = $2
    ) OR EXISTS (
        SELECT FROM blocks WHERE blocker_id = $2 AND blocked_id = $1
    ) AS yes
    WHERE (SELECT lsn FROM before) IS NOT NULL
), written AS (
    INSERT INTO follows (follower_id, followee_id)
    SELECT $1, $2 FROM blocked WHERE NOT yes
    ON CONFLICT DO NOTHING
    RETURNING follower_id
)
SELECT (SELECT yes FROM blocked),
       (CASE WHEN (SELECT count(*) FROM written) > 0 THEN pg_current_wal_insert_lsn() ELSE (SELECT lsn FROM before) END
        - '0/0')::bigint
