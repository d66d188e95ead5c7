-- One at a time within this database; another database of the same server may still be at it (then it is tried again).
SELECT pg_advisory_xact_lock(hashtextextended('nova_cdc role', 0)), set_config('nova.cdc_password', $1, true)
