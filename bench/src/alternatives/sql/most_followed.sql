-- The author with most followers, and how many. Reads follows_followee_idx whole.
SELECT f.followee_id, count(*) AS followers
FROM follows AS f
GROUP BY f.followee_id
ORDER BY followers DESC, f.followee_id
LIMIT 1
