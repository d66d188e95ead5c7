-- F1: the newest posts of the authors a viewer follows.
-- Reads: follows_cdc by the viewer's prefix, then posts_by_author by author and time.
-- Cost: one range of granules per followee (followees × posts in the window); the answer is at most max_posts rows.
-- It is the query of the view feed_recent_follows, written out: to ask the view costs a third more, all of it analysis.
-- PREWHERE holds conditions on the sorting key alone: rows of one key pass or fail together, so they may be dropped before
--   FINAL merges the others.
-- A post dated more than an hour ahead is a broken clock, not the newest post.
-- Order: newest first, then the greater post id (UUIDToNum: UUIDs themselves compare their second half first).
SELECT post_id, author_id, created_at
FROM posts_by_author FINAL
PREWHERE author_id IN (SELECT followee_id FROM follows_cdc FINAL WHERE follower_id = {viewer:UUID})
  AND created_at > {now:DateTime64(6, 'UTC')} - toIntervalHour({window_hours:UInt32})
  AND created_at <= {now:DateTime64(6, 'UTC')} + toIntervalHour(1)
WHERE visibility IN ('public', 'followers')
  AND hidden = 0
ORDER BY created_at DESC, UUIDToNum(post_id) DESC
LIMIT {max_posts:UInt32}
