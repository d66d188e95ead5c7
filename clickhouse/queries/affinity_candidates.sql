-- F3: the newest posts of the authors a viewer interacted with most, whom viewer_interactions.sql tells.
-- Reads: posts_by_author by author and time.
-- Cost: one range of granules per author; the answer is at most max_posts rows.
-- Followers-only posts are proposed only of authors in `followed`.
-- PREWHERE holds conditions on the sorting key alone: rows of one key pass or fail together, so they may be dropped before
--   FINAL merges the others.
-- Order: newest first, then the greater post id (UUIDToNum: UUIDs themselves compare their second half first).
SELECT post_id, author_id, created_at
FROM posts_by_author FINAL
PREWHERE author_id IN {authors:Array(UUID)}
  AND created_at > {now:DateTime64(6, 'UTC')} - toIntervalHour({window_hours:UInt32})
  AND created_at <= {now:DateTime64(6, 'UTC')} + toIntervalHour(1)
WHERE hidden = 0
  AND (visibility = 'public' OR (visibility = 'followers' AND author_id IN {followed:Array(UUID)}))
ORDER BY created_at DESC, UUIDToNum(post_id) DESC
LIMIT {max_posts:UInt32}
