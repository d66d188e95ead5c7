COPY posts (post_id, author_id, caption, media_url, media_type, duration_ms, visibility, created_at, updated_at, deleted_at)
FROM STDIN (FORMAT binary)
