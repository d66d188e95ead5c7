-- Inserts a batch of follows and tells what became of each row.
-- Reads: users and follows by primary key. Cost: linear in the batch. $4 = false checks only.
WITH given AS (
    SELECT *
    FROM unnest($1::uuid[], $2::uuid[], $3::timestamptz[])
        WITH ORDINALITY AS g (follower_id, followee_id, created_at, n)
), seen AS (
    SELECT g.*,
           a.user_id IS NOT NULL AND b.user_id IS NOT NULL AS users_known,
           f.follower_id IS NOT NULL
               OR row_number() OVER (PARTITION BY g.follower_id, g.followee_id ORDER BY g.n) > 1 AS present
    FROM given AS g
    LEFT JOIN users AS a ON a.user_id = g.follower_id
    LEFT JOIN users AS b ON b.user_id = g.followee_id
    LEFT JOIN follows AS f ON f.follower_id = g.follower_id AND f.followee_id = g.followee_id
), written AS (
    INSERT INTO follows (follower_id, followee_id, created_at)
    SELECT follower_id, followee_id, created_at
    FROM seen
    WHERE $4 AND users_known AND NOT present
    ON CONFLICT DO NOTHING
    RETURNING follower_id, followee_id
)
SELECT CASE
           WHEN NOT s.users_known THEN 'missing_user'
           WHEN s.present OR ($4 AND w.follower_id IS NULL) THEN 'present'
           ELSE 'written'
       END AS outcome
FROM seen AS s
LEFT JOIN written AS w USING (follower_id, followee_id)
ORDER BY s.n
