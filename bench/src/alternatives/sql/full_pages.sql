-- Which of the users $1 follow people who posted at least $2 posts in 72 hours, in the order given.
-- Cost: a user's follows and one range of posts_author_created_idx for each, until $2 posts are found.
SELECT (
    SELECT count(*) = $2
    FROM (
        SELECT
        FROM follows AS f
        JOIN posts AS p ON p.author_id = f.followee_id
        WHERE f.follower_id = asked.user_id
          AND p.created_at > now() - interval '72 hours'
          AND p.deleted_at IS NULL
          AND p.visibility IN ('public', 'followers')
        LIMIT $2
    ) AS found
)
FROM unnest($1::uuid[]) WITH ORDINALITY AS asked (user_id, n)
ORDER BY asked.n
