-- Inserts a batch of likes with their posts' authors and tells what became of each row.
-- Reads: posts, users and likes by primary key. Cost: linear in the batch. $4 = false checks only.
WITH given AS (
    SELECT *
    FROM unnest($1::uuid[], $2::uuid[], $3::timestamptz[])
        WITH ORDINALITY AS g (post_id, user_id, created_at, n)
), seen AS (
    SELECT g.*,
           p.author_id,
           u.user_id IS NOT NULL AS user_known,
           l.post_id IS NOT NULL
               OR row_number() OVER (PARTITION BY g.post_id, g.user_id ORDER BY g.n) > 1 AS present
    FROM given AS g
    LEFT JOIN posts AS p ON p.post_id = g.post_id
    LEFT JOIN users AS u ON u.user_id = g.user_id
    LEFT JOIN likes AS l ON l.post_id = g.post_id AND l.user_id = g.user_id
), written AS (
    INSERT INTO likes (post_id, user_id, author_id, created_at)
    SELECT post_id, user_id, author_id, created_at
    FROM seen
    WHERE $4 AND author_id IS NOT NULL AND user_known AND NOT present
    ON CONFLICT DO NOTHING
    RETURNING post_id, user_id
)
SELECT CASE
           WHEN s.author_id IS NULL THEN 'missing_post'
           WHEN NOT s.user_known THEN 'missing_user'
           WHEN s.present OR ($4 AND w.post_id IS NULL) THEN 'present'
           ELSE 'written'
       END AS outcome
FROM seen AS s
LEFT JOIN written AS w USING (post_id, user_id)
ORDER BY s.n
