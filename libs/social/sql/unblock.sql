-- $1 no longer blocks $2; tells whether $2 exists, whether $2 blocks $1, and the LSN of that state. Two rows of blocks
-- and one of users by primary key. Needs lock_pair.sql before, so that no block of the two changes meanwhile.
WITH gone AS (
    DELETE FROM blocks WHERE blocker_id = $1 AND blocked_id = $2
    RETURNING blocker_id
)
SELECT EXISTS (SELECT FROM users WHERE user_id = $2),
       EXISTS (SELECT FROM blocks WHERE blocker_id = $2 AND blocked_id = $1),
       (CASE WHEN (SELECT count(*) FROM gone) >= 0 THEN pg_current_wal_insert_lsn() END - '0/0')::bigint
