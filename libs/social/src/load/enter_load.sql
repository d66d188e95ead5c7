-- The version is where the WAL ends now: whatever changes a row of this load later is written behind it.
INSERT INTO simulated_loads (scale, seed, base_at, version)
VALUES ($1, $2, $3, (pg_current_wal_insert_lsn() - '0/0'::pg_lsn)::bigint)
RETURNING load_id, version
