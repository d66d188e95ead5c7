-- What F1 and F3 would find now that they had not found a while ago: the newest posts of the authors a viewer follows, and of
-- those given.
-- Reads: post_engagement by its leading key column, the time of the post; follows_cdc by the viewer's prefix.
-- Cost: the posts of all authors created since then, one row each, and the viewer's followees; no range of granules per
--   author, which is what F1 and F3 cost. The answer is at most max_posts rows.
-- PREWHERE holds conditions on the sorting key alone: rows of one key pass or fail together, so they may be dropped before
--   FINAL merges the others.
-- `followed`: followers-only posts are proposed only where it is 1.
-- Order: newest first, then the greater post id (UUIDToNum: UUIDs themselves compare their second half first).
SELECT
    post_id,
    author_id,
    created_at,
    author_id IN (SELECT followee_id FROM follows_cdc FINAL WHERE follower_id = {viewer:UUID}) AS followed
FROM post_engagement FINAL
PREWHERE created_at > {since:DateTime64(6, 'UTC')}
  AND created_at <= {now:DateTime64(6, 'UTC')} + toIntervalHour(1)
WHERE hidden = 0
  AND ((followed = 1 AND visibility IN ('public', 'followers')) OR (visibility = 'public' AND author_id IN {authors:Array(UUID)}))
ORDER BY created_at DESC, UUIDToNum(post_id) DESC
LIMIT {max_posts:UInt32}
