-- The most followed users that $1 may be suggested, except those of $2: for when ClickHouse, which knows it for all, is away.
-- Counted over at most $4 follows: exact while there are no more, a sample of them afterwards. Ties: the greater id.
-- Cost: $4 rows of follows in the order they lie on the disk, and the look-ups of suggestable_users.sql for the 20 * $3 most
-- followed of them.
WITH sample AS (
    SELECT followee_id FROM follows LIMIT $4
), popular AS (
    SELECT followee_id, count(*) AS followers
    FROM sample
    WHERE followee_id <> ALL ($2::uuid[])
    GROUP BY followee_id
    ORDER BY followers DESC, followee_id DESC
    LIMIT 20 * $3
)
SELECT u.user_id, u.handle, u.display_name, p.followers
FROM popular AS p
JOIN users AS u ON u.user_id = p.followee_id
WHERE u.user_id <> $1
  AND NOT EXISTS (SELECT FROM follows AS f WHERE f.follower_id = $1 AND f.followee_id = u.user_id)
  AND NOT EXISTS (SELECT FROM blocks AS b WHERE b.blocker_id = $1 AND b.blocked_id = u.user_id)
  AND NOT EXISTS (SELECT FROM blocks AS b WHERE b.blocker_id = u.user_id AND b.blocked_id = $1)
ORDER BY p.followers DESC, p.followee_id DESC
LIMIT $3
