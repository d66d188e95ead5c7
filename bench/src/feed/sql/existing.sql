-- How many of these posts there are. One look-up for each.
SELECT count(*) FROM posts AS p WHERE p.post_id = ANY ($1)
