-- Takes back the like of $2 on post $1, also on a post that $2 may no longer see. Tells whether there was one, or the
-- post is visible, and the LSN of that state (as like.sql does). One row of likes and one post, by primary key.
WITH before AS MATERIALIZED (
    SELECT pg_current_wal_insert_lsn() AS lsn
), gone AS (
    DELETE FROM likes WHERE post_id = $1 AND user_id = $2 AND (SELECT lsn FROM before) IS NOT NULL
    RETURNING post_id
)
SELECT EXISTS (SELECT FROM gone) OR EXISTS (SELECT FROM posts_visible_to($2, ARRAY[$1])),
       (CASE WHEN (SELECT count(*) FROM gone) > 0 THEN pg_current_wal_insert_lsn() ELSE (SELECT lsn FROM before) END
        - '0/0')::bigint
