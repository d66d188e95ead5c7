-- The indexes of the loaded tables that only make reads faster: no constraint stands on them.
SELECT c.relname::text AS name, pg_get_indexdef(i.indexrelid) AS definition
FROM pg_index AS i
JOIN pg_class AS c ON c.oid = i.indexrelid
WHERE i.indrelid = ANY ('{users, posts, follows, likes, comments}'::regclass[])
  AND NOT i.indisunique
  AND NOT EXISTS (SELECT FROM pg_constraint AS k WHERE k.conindid = i.indexrelid)
ORDER BY c.relname
