-- Neither of the two follows the other any longer; tells the LSN behind that. At most two rows of follows by primary key.
WITH gone AS (
    DELETE FROM follows
    WHERE (follower_id, followee_id) IN (($1, $2), ($2, $1))
    RETURNING follower_id
)
SELECT (CASE WHEN (SELECT count(*) FROM gone) >= 0 THEN pg_current_wal_insert_lsn() END - '0/0')::bigint
