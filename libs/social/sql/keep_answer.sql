-- Keeps the answer under the key that this transaction took.
UPDATE idempotency_keys SET answer = $3 WHERE user_id = $1 AND key = $2
