-- The handles of some users. Reads users by primary key.
SELECT user_id, handle FROM users WHERE user_id = ANY ($1)
