-- $2 likes post $1 if it is visible to them; tells whether it is, and the LSN of that state. A second like changes nothing.
-- The LSN is that behind the written row; where nothing was written it is one from before the look, so that a later change
-- of the same like has a greater one in any case. (The condition on it makes the planner ask for it first.)
-- Reads one post with its visibility, writes at most one row of likes, all by primary key.
WITH before AS MATERIALIZED (
    SELECT pg_current_wal_insert_lsn() AS lsn
), target AS MATERIALIZED (
    SELECT post_id, author_id FROM posts_visible_to($2, ARRAY[$1]) WHERE (SELECT lsn FROM before) IS NOT NULL
), written AS (
    INSERT INTO likes (post_id, user_id, author_id)
    SELECT post_id, $2, author_id FROM target
    ON CONFLICT DO NOTHING
    RETURNING post_id
)
SELECT EXISTS (SELECT FROM target),
       (CASE WHEN (SELECT count(*) FROM written) > 0 THEN pg_current_wal_insert_lsn() ELSE (SELECT lsn FROM before) END
        - '0/0')::bigint
