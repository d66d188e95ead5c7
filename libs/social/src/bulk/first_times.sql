-- When those of these users and posts that exist were created. Reads both tables by primary key.
SELECT user_id AS id, created_at FROM users WHERE user_id = ANY ($1::uuid[])
UNION ALL
SELECT post_id AS id, created_at FROM posts WHERE post_id = ANY ($2::uuid[])
