-- Whom a viewer interacts with and does not follow: the first source of suggested users.
-- Reads: user_author_90d by the viewer's prefix, follows_cdc by the viewer's prefix.
-- Cost: the viewer's live interactions and followees; the answer is at most max_users rows.
-- Order: most interactions first, then the greater user id (UUIDToNum: UUIDs themselves compare their second half first).
-- `edge.user_id` is qualified: an unqualified name would resolve to the alias.
SELECT edge.author_id AS user_id, count() AS n
FROM user_author_90d AS edge FINAL
WHERE edge.user_id = {viewer:UUID}
  AND edge.author_id != {viewer:UUID}
  AND edge.interacted_at > {now:DateTime64(6, 'UTC')} - toIntervalDay({interaction_days:UInt32})
  AND edge.author_id NOT IN (SELECT followee_id FROM follows_cdc FINAL WHERE follower_id = {viewer:UUID})
GROUP BY edge.author_id
ORDER BY n DESC, UUIDToNum(edge.author_id) DESC
LIMIT {max_users:UInt32}
