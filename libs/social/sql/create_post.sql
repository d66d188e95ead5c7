-- Writes one post.
INSERT INTO posts (post_id, author_id, caption, media_url, media_type, duration_ms, visibility)
VALUES ($1, $2, $3, $4, $5, $6, $7)
RETURNING created_at
