-- One transaction of likes. Foreign keys are checked, both indexes kept; pairs that are there are passed over.
INSERT INTO likes (post_id, user_id, author_id)
SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::uuid[])
ON CONFLICT DO NOTHING
