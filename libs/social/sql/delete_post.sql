-- Soft-deletes a post of $2; again changes nothing. Tells whether $2 ever had that post. One row by primary key.
WITH gone AS (
    UPDATE posts SET deleted_at = now()
    WHERE post_id = $1 AND author_id = $2 AND deleted_at IS NULL
)
SELECT EXISTS (SELECT FROM posts WHERE post_id = $1 AND author_id = $2)
