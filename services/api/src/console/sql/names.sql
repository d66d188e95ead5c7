-- The names of users $2, and of up to 100 whom the viewer $1 blocks, with how the viewer stands to each.
-- Reads users, follows and blocks by key, at most 200 of each.
SELECT u.user_id, u.handle, u.display_name,
       EXISTS (SELECT FROM follows AS f WHERE f.follower_id = $1 AND f.followee_id = u.user_id) AS followed,
       EXISTS (SELECT FROM blocks AS b WHERE b.blocker_id = $1 AND b.blocked_id = u.user_id) AS blocked
FROM users AS u
WHERE u.user_id = ANY ($2)
   OR u.user_id IN (SELECT b.blocked_id FROM blocks AS b WHERE b.blocker_id = $1 LIMIT 100)
