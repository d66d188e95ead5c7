-- How many each user follows; accounts of probes are nobody. Reads users and follows whole.
SELECT u.user_id, coalesce(f.followees, 0) AS followees
FROM users AS u
LEFT JOIN (SELECT follower_id, count(*) AS followees FROM follows GROUP BY follower_id) AS f ON f.follower_id = u.user_id
WHERE u.handle !~ '^nova_(canary|load)_'
ORDER BY u.user_id
