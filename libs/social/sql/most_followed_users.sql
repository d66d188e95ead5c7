-- The most followed users, except those of $1, at most $2: for when ClickHouse, which knows it for all, is away.
-- Counted over at most $3 follows: exact while there are no more, a sample of them afterwards. Ties: the greater id.
-- Cost: $3 rows of follows in the order they lie on the disk. Whom of them somebody may be suggested says suggestable_users.sql.
WITH sample AS (
    SELECT followee_id FROM follows LIMIT $3
)
SELECT s.followee_id AS user_id, count(*) AS followers
FROM sample AS s
WHERE s.followee_id <> ALL ($1::uuid[])
GROUP BY s.followee_id
ORDER BY followers DESC, s.followee_id DESC
LIMIT $2
