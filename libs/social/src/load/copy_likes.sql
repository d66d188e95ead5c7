COPY likes (post_id, user_id, author_id, created_at) FROM STDIN (FORMAT binary)
