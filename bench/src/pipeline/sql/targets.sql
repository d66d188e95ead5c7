-- Public posts to like, newest first, with their authors. Reads posts whole.
SELECT post_id, author_id
FROM posts
WHERE deleted_at IS NULL AND visibility = 'public'
ORDER BY created_at DESC, post_id DESC
LIMIT $1
