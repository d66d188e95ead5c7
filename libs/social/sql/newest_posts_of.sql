-- The newest posts of $1 that are not deleted, newest first.
-- Cost: $2 rows and the deleted ones among them, by the index (author_id, created_at).
SELECT post_id, created_at
FROM posts
WHERE author_id = $1 AND deleted_at IS NULL
ORDER BY created_at DESC, post_id DESC
LIMIT $2
