-- For a batch of (post, user) pairs: the post's author, and whether the user exists.
-- Reads: posts and users by primary key. Cost: linear in the batch.
SELECT p.author_id, u.user_id IS NOT NULL AS user_known
FROM unnest($1::uuid[], $2::uuid[]) WITH ORDINALITY AS g (post_id, user_id, n)
LEFT JOIN posts AS p ON p.post_id = g.post_id
LEFT JOIN users AS u ON u.user_id = g.user_id
ORDER BY g.n
