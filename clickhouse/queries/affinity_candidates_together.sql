-- F3 of several viewers: affinity_candidates.sql for each of them, in one query. An author in `authors` is asked for by the viewer
-- whose place among `viewers`, from 1, stands at the same place in `places`; `followed` says there whether that viewer follows them.
-- Reads: posts_by_author by author and time, each author once.
-- Cost: one range of granules per author, and one row for each viewer who asks for a post's author; the answer is at most
--   max_posts rows for each viewer.
-- PREWHERE holds conditions on the sorting key alone: rows of one key pass or fail together, so they may be dropped before
--   FINAL merges the others.
-- Order, of all and so of each viewer's: newest first, then the greater post id.
SELECT viewer, post_id, author_id, created_at
FROM posts_by_author FINAL
INNER JOIN (
    SELECT {viewers:Array(UUID)}[one.2] AS viewer, one.1 AS author, one.3 AS followed
    FROM (SELECT arrayJoin(arrayZip({authors:Array(UUID)}, {places:Array(UInt8)}, {followed:Array(UInt8)})) AS one)
) AS closest ON author = author_id
PREWHERE author_id IN {authors:Array(UUID)}
  AND created_at > {now:DateTime64(6, 'UTC')} - toIntervalHour({window_hours:UInt32})
  AND created_at <= {now:DateTime64(6, 'UTC')} + toIntervalHour(1)
WHERE hidden = 0
  AND (visibility = 'public' OR (visibility = 'followers' AND followed = 1))
ORDER BY created_at DESC, UUIDToNum(post_id) DESC
LIMIT {max_posts:UInt32} BY viewer
