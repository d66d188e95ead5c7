-- A page of the comments on post $2 as $1 sees them, newest first, after the position ($3, $4) or from the start.
-- No row: the post is not visible to $1. One row without comment_id: there is nothing to list.
-- Cost: the index (post_id, created_at, comment_id) from that position, $5 rows and those hidden by a block.
SELECT c.comment_id, p.post_id, c.user_id, c.body, c.created_at
FROM posts_visible_to($1, ARRAY[$2]) AS p
LEFT JOIN LATERAL (
    SELECT comment_id, user_id, body, created_at
    FROM comments AS c
    WHERE c.post_id = p.post_id
      AND ($3::timestamptz IS NULL OR (c.created_at, c.comment_id) < ($3::timestamptz, $4::uuid))
      AND NOT EXISTS (SELECT FROM blocks AS b WHERE b.blocker_id = $1 AND b.blocked_id = c.user_id)
      AND NOT EXISTS (SELECT FROM blocks AS b WHERE b.blocker_id = c.user_id AND b.blocked_id = $1)
    ORDER BY c.created_at DESC, c.comment_id DESC
    LIMIT $5
) AS c ON true
ORDER BY c.created_at DESC, c.comment_id DESC
