-- The users with most followers, whom a newcomer is suggested; the same for every viewer.
-- Reads: the newest computation of most_followed_users, by its key.
-- Cost: a few granules of a table of an hour's computations; the answer is at most max_users rows (1,000 are kept).
SELECT user_id, followers AS n
FROM most_followed_users FINAL
WHERE computed_at = (SELECT max(computed_at) FROM most_followed_users)
ORDER BY rank
LIMIT {max_users:UInt32}
