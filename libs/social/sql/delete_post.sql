-- Soft-deletes a post of $2; again changes nothing. Tells whether $2 ever had that post, and an LSN behind the deletion.
-- One row by primary key.
WITH gone AS (
    UPDATE posts SET deleted_at = now()
    WHERE post_id = $1 AND author_id = $2 AND deleted_at IS NULL
    RETURNING post_id
)
SELECT EXISTS (SELECT FROM posts WHERE post_id = $1 AND author_id = $2),
       (CASE WHEN (SELECT count(*) FROM gone) >= 0 THEN pg_current_wal_insert_lsn() END - '0/0')::bigint
