-- Inserts a batch of users and tells what became of each row.
-- Reads: users by primary key and by the unique handle, one look-up of each per row. Cost: linear in the batch.
-- $5 = false checks only: the same answers, nothing written.
WITH given AS (
    SELECT *
    FROM unnest($1::uuid[], $2::text[], $3::text[], $4::timestamptz[])
        WITH ORDINALITY AS g (user_id, handle, display_name, created_at, n)
), seen AS (
    SELECT g.*,
           u.user_id IS NOT NULL
               OR row_number() OVER (PARTITION BY g.user_id ORDER BY g.n) > 1 AS present,
           (h.user_id IS NOT NULL AND h.user_id <> g.user_id)
               OR first_value(g.user_id) OVER (PARTITION BY g.handle ORDER BY g.n) <> g.user_id AS taken
    FROM given AS g
    LEFT JOIN users AS u ON u.user_id = g.user_id
    LEFT JOIN users AS h ON h.handle = g.handle
), written AS (
    INSERT INTO users (user_id, handle, display_name, created_at, updated_at)
    SELECT user_id, handle, display_name, created_at, created_at
    FROM seen
    WHERE $5 AND NOT present AND NOT taken
    ON CONFLICT DO NOTHING
    RETURNING user_id
)
SELECT CASE
           WHEN s.present THEN 'present'
           WHEN s.taken THEN 'handle_taken'
           WHEN $5 AND w.user_id IS NULL THEN 'present'
           ELSE 'written'
       END AS outcome
FROM seen AS s
LEFT JOIN written AS w USING (user_id)
ORDER BY s.n
