COPY follows (follower_id, followee_id, created_at) FROM STDIN (FORMAT binary)
