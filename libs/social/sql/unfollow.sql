-- $1 no longer follows $2; tells whether $2 exists, and the LSN of that state (as like.sql does). One row of follows and
-- one of users by primary key.
WITH before AS MATERIALIZED (
    SELECT pg_current_wal_insert_lsn() AS lsn
), gone AS (
    DELETE FROM follows
    WHERE follower_id = $1 AND followee_id = $2 AND (SELECT lsn FROM before) IS NOT NULL
    RETURNING follower_id
)
SELECT EXISTS (SELECT FROM users WHERE user_id = $2),
       (CASE WHEN (SELECT count(*) FROM gone) > 0 THEN pg_current_wal_insert_lsn() ELSE (SELECT lsn FROM before) END
        - '0/0')::bigint
