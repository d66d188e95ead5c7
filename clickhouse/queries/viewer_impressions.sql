-- The posts that were on the viewer's screen lately: those seen last, at most max_posts.
-- Reads: user_impressions_2d by the viewer's prefix.
-- Cost: one row per post that the viewer saw within three days, and those of the same granules.
-- Not FINAL: the newest of several rows of a post is what max() finds.
SELECT post_id
FROM user_impressions_2d
WHERE user_id = {viewer:UUID}
  AND seen_at > {now:DateTime64(6, 'UTC')} - toIntervalHour({window_hours:UInt32})
GROUP BY post_id
ORDER BY max(seen_at) DESC, UUIDToNum(post_id) DESC
LIMIT {max_posts:UInt32}
