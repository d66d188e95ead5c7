-- What the list of $1 holds that is written with each post: the newest $2 posts of 72 hours of those $1 follows.
-- Cost: one range of posts_author_created_idx for each followee.
SELECT p.post_id, p.created_at
FROM follows AS f
CROSS JOIN LATERAL (
    SELECT p.post_id, p.created_at
    FROM posts AS p
    WHERE p.author_id = f.followee_id
      AND p.created_at > now() - interval '72 hours'
      AND p.deleted_at IS NULL
      AND p.visibility IN ('public', 'followers')
    ORDER BY p.created_at DESC, p.post_id DESC
    LIMIT $2
) AS p
WHERE f.follower_id = $1
ORDER BY p.created_at DESC, p.post_id DESC
LIMIT $2
