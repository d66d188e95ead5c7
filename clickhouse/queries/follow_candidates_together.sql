-- F1 of several viewers: follow_candidates.sql for each of them, in one query.
-- Reads: follows_cdc by the viewers' prefixes, then posts_by_author by author and time, each author once.
-- Cost: one range of granules per followee of any of them, and one row for each viewer who follows a post's author; the answer
--   is at most max_posts rows for each viewer.
-- PREWHERE holds conditions on the sorting key alone: rows of one key pass or fail together, so they may be dropped before
--   FINAL merges the others.
-- Order, of all and so of each viewer's: newest first, then the greater post id.
SELECT viewer, post_id, author_id, created_at
FROM posts_by_author FINAL
INNER JOIN (
    SELECT follower_id AS viewer, followee_id FROM follows_cdc FINAL WHERE follower_id IN {viewers:Array(UUID)}
) AS follows ON followee_id = author_id
PREWHERE author_id IN (SELECT followee_id FROM follows_cdc FINAL WHERE follower_id IN {viewers:Array(UUID)})
  AND created_at > {now:DateTime64(6, 'UTC')} - toIntervalHour({window_hours:UInt32})
  AND created_at <= {now:DateTime64(6, 'UTC')} + toIntervalHour(1)
WHERE visibility IN ('public', 'followers')
  AND hidden = 0
ORDER BY created_at DESC, UUIDToNum(post_id) DESC
LIMIT {max_posts:UInt32} BY viewer
