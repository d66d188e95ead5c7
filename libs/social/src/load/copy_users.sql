COPY users (user_id, handle, display_name, created_at, updated_at) FROM STDIN (FORMAT binary)
