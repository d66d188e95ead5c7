-- What posts show. Deleted posts are left out.
-- Reads: posts_cdc by primary key.
-- Cost: one granule of 512 rows per post; asked for the posts of a page, at most 100.
SELECT post_id, author_id, caption, media_url, media_type, duration_ms, visibility, created_at
FROM posts_cdc FINAL
WHERE post_id IN {post_ids:Array(UUID)}
  AND deleted_at IS NULL
