-- Inserts a batch of posts and tells what became of each row.
-- Reads: users and posts by primary key. Cost: linear in the batch. $10 = false checks only.
WITH given AS (
    SELECT *
    FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::int[], $7::text[],
                $8::timestamptz[], $9::timestamptz[])
        WITH ORDINALITY AS g (post_id, author_id, caption, media_url, media_type, duration_ms, visibility,
                              created_at, deleted_at, n)
), seen AS (
    SELECT g.*,
           u.user_id IS NOT NULL AS author_known,
           p.post_id IS NOT NULL
               OR row_number() OVER (PARTITION BY g.post_id ORDER BY g.n) > 1 AS present
    FROM given AS g
    LEFT JOIN users AS u ON u.user_id = g.author_id
    LEFT JOIN posts AS p ON p.post_id = g.post_id
), written AS (
    INSERT INTO posts (post_id, author_id, caption, media_url, media_type, duration_ms, visibility,
                       created_at, updated_at, deleted_at)
    SELECT post_id, author_id, caption, media_url, media_type, duration_ms, visibility,
           created_at, greatest(created_at, deleted_at), deleted_at
    FROM seen
    WHERE $10 AND author_known AND NOT present
    ON CONFLICT DO NOTHING
    RETURNING post_id
)
SELECT CASE
           WHEN NOT s.author_known THEN 'missing_user'
           WHEN s.present OR ($10 AND w.post_id IS NULL) THEN 'present'
           ELSE 'written'
       END AS outcome
FROM seen AS s
LEFT JOIN written AS w USING (post_id)
ORDER BY s.n
