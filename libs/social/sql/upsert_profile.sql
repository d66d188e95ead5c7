-- Creates or updates one's own profile; the same profile again changes nothing, not even updated_at.
-- Writes: one row of users by primary key.
INSERT INTO users AS u (user_id, handle, display_name)
VALUES ($1, $2, $3)
ON CONFLICT (user_id) DO UPDATE
SET handle = EXCLUDED.handle,
    display_name = EXCLUDED.display_name,
    updated_at = CASE
        WHEN (u.handle, u.display_name) IS DISTINCT FROM (EXCLUDED.handle, EXCLUDED.display_name) THEN now()
        ELSE u.updated_at
    END
RETURNING u.user_id, u.handle, u.display_name, u.created_at, u.updated_at
