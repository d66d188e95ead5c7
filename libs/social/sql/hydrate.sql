-- The content of those of these posts that $1 may see, in the order asked for, and whether $1 likes them.
-- Cost: that of visible_posts.sql and one look-up in likes per post, by primary key.
SELECT p.post_id, p.author_id, p.caption, p.media_url, p.media_type, p.duration_ms, p.visibility, p.created_at,
       EXISTS (SELECT FROM likes AS l WHERE l.post_id = p.post_id AND l.user_id = $1) AS liked
FROM unnest($2::uuid[]) WITH ORDINALITY AS asked (post_id, n)
JOIN posts_visible_to($1, $2) AS p ON p.post_id = asked.post_id
ORDER BY asked.n
