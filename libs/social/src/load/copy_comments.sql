COPY comments (comment_id, post_id, user_id, author_id, body, created_at) FROM STDIN (FORMAT binary)
