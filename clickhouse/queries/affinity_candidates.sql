-- F3: the newest posts of the authors a viewer interacted with most.
-- Reads: user_author_90d by the viewer's prefix, follows_cdc by the viewer's prefix, posts_by_author by author and time.
-- Cost: the viewer's live interactions, then one range of granules per author, at most max_authors of them;
--       the answer is at most max_posts rows.
-- Followers-only posts are proposed only where the viewer follows the author; the viewer's own never.
WITH closest AS (
    SELECT author_id
    FROM user_author_90d FINAL
    WHERE user_id = {viewer:UUID}
      AND author_id != {viewer:UUID}
      AND interacted_at > {now:DateTime64(6, 'UTC')} - toIntervalDay({interaction_days:UInt32})
    GROUP BY author_id
    ORDER BY count() DESC, max(interacted_at) DESC, UUIDToNum(author_id) DESC
    LIMIT {max_authors:UInt32}
)
SELECT post_id, author_id, created_at
FROM posts_by_author FINAL
WHERE author_id IN (SELECT author_id FROM closest)
  AND created_at > {now:DateTime64(6, 'UTC')} - toIntervalHour({window_hours:UInt32})
  AND created_at <= {now:DateTime64(6, 'UTC')} + toIntervalHour(1)
  AND hidden = 0
  AND (visibility = 'public'
       OR (visibility = 'followers'
           AND author_id IN (SELECT followee_id FROM follows_cdc FINAL WHERE follower_id = {viewer:UUID})))
ORDER BY created_at DESC, UUIDToNum(post_id) DESC
LIMIT {max_posts:UInt32}
