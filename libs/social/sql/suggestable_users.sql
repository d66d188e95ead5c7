-- Those of these users that $1 may be suggested now, in the order asked for, with their names: they have a profile, are not
-- $1, $1 does not follow them, and neither has blocked the other.
-- Cost: four look-ups per user asked for, all by primary key.
SELECT u.user_id, u.handle, u.display_name
FROM unnest($2::uuid[]) WITH ORDINALITY AS asked (user_id, n)
JOIN users AS u ON u.user_id = asked.user_id
WHERE u.user_id <> $1
  AND NOT EXISTS (SELECT FROM follows AS f WHERE f.follower_id = $1 AND f.followee_id = u.user_id)
  AND NOT EXISTS (SELECT FROM blocks AS b WHERE b.blocker_id = $1 AND b.blocked_id = u.user_id)
  AND NOT EXISTS (SELECT FROM blocks AS b WHERE b.blocker_id = u.user_id AND b.blocked_id = $1)
ORDER BY asked.n
