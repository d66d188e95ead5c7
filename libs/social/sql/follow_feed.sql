-- The newest posts of the authors whom $1 follows, after $2 and until $3, at most $4, newest first.
-- Cost: one range of posts_author_created_idx per followee, at most $4 rows of each.
-- A block ends a follow, so nobody blocked is followed; whoever shows the posts still asks posts_visible_to.
SELECT p.post_id, p.author_id, p.created_at
FROM follows AS f
CROSS JOIN LATERAL (
    SELECT p.post_id, p.author_id, p.created_at
    FROM posts AS p
    WHERE p.author_id = f.followee_id
      AND p.created_at > $2
      AND p.created_at <= $3
      AND p.deleted_at IS NULL
      AND p.visibility IN ('public', 'followers')
    ORDER BY p.created_at DESC, p.post_id DESC
    LIMIT $4
) AS p
WHERE f.follower_id = $1
ORDER BY p.created_at DESC, p.post_id DESC
LIMIT $4
