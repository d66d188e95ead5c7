-- Users, most active first (by likes given); accounts of probes are nobody. Reads users and likes whole.
SELECT u.user_id
FROM users AS u
LEFT JOIN (SELECT l.user_id, count(*) AS given FROM likes AS l GROUP BY l.user_id) AS a USING (user_id)
WHERE u.handle !~ '^nova_(canary|load)_'
ORDER BY a.given DESC NULLS LAST, u.user_id
LIMIT $1
