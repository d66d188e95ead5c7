-- At most $2 followers of $1. One range of follows_followee_idx.
SELECT f.follower_id FROM follows AS f WHERE f.followee_id = $1 ORDER BY f.follower_id LIMIT $2
