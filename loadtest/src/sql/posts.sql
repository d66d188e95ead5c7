-- Posts that anybody may like, newest first. Reads posts whole.
SELECT p.post_id
FROM posts AS p
WHERE p.deleted_at IS NULL
  AND p.visibility = 'public'
  AND NOT EXISTS (SELECT FROM blocks AS b WHERE b.blocker_id = p.author_id OR b.blocked_id = p.author_id)
ORDER BY p.created_at DESC, p.post_id DESC
LIMIT $1
