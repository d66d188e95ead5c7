-- The posts that were on several viewers' screens lately: viewer_impressions.sql for each of them, in one query.
-- Reads: user_impressions_2d by the viewers' prefixes.
-- Cost: one row per viewer and post seen within three days, and those of the same granules.
-- Not FINAL: the newest of several rows of a post is what max() finds.
SELECT user_id AS viewer, post_id
FROM user_impressions_2d
WHERE user_id IN {viewers:Array(UUID)}
  AND seen_at > {now:DateTime64(6, 'UTC')} - toIntervalHour({window_hours:UInt32})
GROUP BY viewer, post_id
ORDER BY max(seen_at) DESC, UUIDToNum(post_id) DESC
LIMIT {max_posts:UInt32} BY viewer
