-- Content and counters of posts. One look-up by primary key in posts and in the counters of setup.sql for each.
SELECT p.post_id, p.author_id, p.caption, p.media_url, p.media_type, p.duration_ms, p.created_at, n.likes, n.comments
FROM posts AS p
JOIN nova_bench.post_counters AS n USING (post_id)
WHERE p.post_id = ANY ($1)
