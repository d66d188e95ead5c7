-- Takes a key, or waits for the transaction that holds it; writes nothing when that one committed.
INSERT INTO idempotency_keys (user_id, key, request_hash)
VALUES ($1, $2, $3)
ON CONFLICT DO NOTHING
