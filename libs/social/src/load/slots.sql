-- What each logical replication slot of this database holds back, and after how much of it PostgreSQL drops the slot
-- (-1: never). Cost: one row a slot.
SELECT
    slot_name::text AS slot,
    wal_status IS NOT DISTINCT FROM 'lost' AS is_lost,
    coalesce(pg_wal_lsn_diff(pg_current_wal_insert_lsn(), restart_lsn), 0)::bigint AS held_bytes,
    CASE setting WHEN '-1' THEN -1 ELSE setting::bigint * 1024 * 1024 END AS limit_bytes
FROM pg_replication_slots, pg_settings
WHERE slot_type = 'logical' AND database = current_database() AND name = 'max_slot_wal_keep_size'
