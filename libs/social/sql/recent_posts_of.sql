-- The newest posts of the authors $1 that their followers may see, after $2 and until $3, at most $4, newest first.
-- Cost: one range of posts_author_created_idx per author, at most $4 rows of each.
SELECT p.post_id, p.author_id, p.created_at
FROM unnest($1::uuid[]) AS author (author_id)
CROSS JOIN LATERAL (
    SELECT p.post_id, p.author_id, p.created_at
    FROM posts AS p
    WHERE p.author_id = author.author_id
      AND p.created_at > $2
      AND p.created_at <= $3
      AND p.deleted_at IS NULL
      AND p.visibility IN ('public', 'followers')
    ORDER BY p.created_at DESC, p.post_id DESC
    LIMIT $4
) AS p
ORDER BY p.created_at DESC, p.post_id DESC
LIMIT $4
