-- Follow and block of the same two users wait for each other until the transaction ends: else a follow could slip in
-- beside a block that has just removed it. Locks nothing else.
SELECT pg_advisory_xact_lock(hashtextextended(least($1::uuid, $2::uuid)::text || greatest($1::uuid, $2::uuid)::text, 0))
