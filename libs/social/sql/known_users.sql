-- Which of these users have a profile. By primary key.
SELECT user_id FROM users WHERE user_id = ANY ($1)
