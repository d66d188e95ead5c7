-- $3 comments post $2 if it is visible to them; no row when it is not. Reads one post by primary key, writes one row.
INSERT INTO comments (comment_id, post_id, user_id, author_id, body)
SELECT $1, post_id, $3, author_id, $4
FROM posts_visible_to($3, ARRAY[$2])
RETURNING created_at
