-- Somebody else who may see a post ($2) and has not liked it: not the viewer ($1), not the author, not blocked.
-- Reads users in the order of their ids until one fits.
SELECT u.user_id, u.handle
FROM users AS u
WHERE u.user_id <> $1
  AND NOT EXISTS (SELECT FROM posts AS p WHERE p.post_id = $2 AND p.author_id = u.user_id)
  AND NOT EXISTS (SELECT FROM likes AS l WHERE l.post_id = $2 AND l.user_id = u.user_id)
  AND EXISTS (SELECT FROM posts_visible_to(u.user_id, ARRAY[$2]))
ORDER BY u.user_id
LIMIT 1
