-- Forgets keys older than $1 seconds, at most $2 of them, oldest first. Reads the index on created_at.
DELETE FROM idempotency_keys AS k
USING (
    SELECT user_id, key
    FROM idempotency_keys
    WHERE created_at < now() - make_interval(secs => $1)
    ORDER BY created_at
    LIMIT $2
    FOR UPDATE SKIP LOCKED
) AS old
WHERE k.user_id = old.user_id AND k.key = old.key
