-- Inserts a batch of comments with their posts' authors and tells what became of each row.
-- Reads: posts, users and comments by primary key. Cost: linear in the batch. $6 = false checks only.
WITH given AS (
    SELECT *
    FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::timestamptz[])
        WITH ORDINALITY AS g (comment_id, post_id, user_id, body, created_at, n)
), seen AS (
    SELECT g.*,
           p.author_id,
           u.user_id IS NOT NULL AS user_known,
           c.comment_id IS NOT NULL
               OR row_number() OVER (PARTITION BY g.comment_id ORDER BY g.n) > 1 AS present
    FROM given AS g
    LEFT JOIN posts AS p ON p.post_id = g.post_id
    LEFT JOIN users AS u ON u.user_id = g.user_id
    LEFT JOIN comments AS c ON c.comment_id = g.comment_id
), written AS (
    INSERT INTO comments (comment_id, post_id, user_id, author_id, body, created_at)
    SELECT comment_id, post_id, user_id, author_id, body, created_at
    FROM seen
    WHERE $6 AND author_id IS NOT NULL AND user_known AND NOT present
    ON CONFLICT DO NOTHING
    RETURNING comment_id
)
SELECT CASE
           WHEN s.author_id IS NULL THEN 'missing_post'
           WHEN NOT s.user_known THEN 'missing_user'
           WHEN s.present OR ($6 AND w.comment_id IS NULL) THEN 'present'
           ELSE 'written'
       END AS outcome
FROM seen AS s
LEFT JOIN written AS w USING (comment_id)
ORDER BY s.n
