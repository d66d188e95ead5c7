-- Which of these posts $1 may see. Per post: one look-up in posts, two in blocks, at most one in follows, all by
-- primary key.
SELECT post_id FROM posts_visible_to($1, $2)
