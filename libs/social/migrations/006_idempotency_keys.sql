-- Answers to requests that carried an Idempotency-Key, so that a repeated one gets the same answer.
CREATE TABLE idempotency_keys (
    user_id uuid NOT NULL,
    key text NOT NULL,
    -- SHA-256 of the operation and its input: the same key with another request is a mistake of the client.
    request_hash bytea NOT NULL,
    -- NULL only inside the transaction that makes the row.
    answer jsonb,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT idempotency_keys_pkey PRIMARY KEY (user_id, key),
    CONSTRAINT idempotency_keys_user_fk FOREIGN KEY (user_id) REFERENCES users (user_id) ON DELETE CASCADE,
    CONSTRAINT idempotency_keys_key_length CHECK (octet_length(key) BETWEEN 1 AND 255),
    CONSTRAINT idempotency_keys_hash_length CHECK (octet_length(request_hash) = 32)
);

-- Keys are forgotten by age.
CREATE INDEX idempotency_keys_created_idx ON idempotency_keys (created_at);
