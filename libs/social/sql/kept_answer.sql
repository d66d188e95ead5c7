-- The answer kept under a key, and the request it belongs to. By primary key.
SELECT request_hash, answer FROM idempotency_keys WHERE user_id = $1 AND key = $2
