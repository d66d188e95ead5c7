-- What F1 and F3 of several viewers would find now that they had not found a while ago: newest_candidates.sql for each of them, in
-- one query. An author in `authors` is asked for by the viewer whose place among `viewers`, from 1, stands at the same place in
-- `places`.
-- Reads: post_engagement by its leading key column, the time of the post; follows_cdc by the viewers' prefixes.
-- Cost: the posts of all authors created since then, one row each, and the viewers' followees; the answer is at most max_posts
--   rows for each viewer.
-- PREWHERE holds conditions on the sorting key alone: rows of one key pass or fail together, so they may be dropped before
--   FINAL merges the others.
-- `followed`: followers-only posts are proposed only where it is 1.
-- Order, of all and so of each viewer's: newest first, then the greater post id.
SELECT viewer, post_id, author_id, created_at, followed
FROM post_engagement FINAL
INNER JOIN (
    SELECT viewer, author, max(follows) AS followed
    FROM (
        SELECT follower_id AS viewer, followee_id AS author, 1 AS follows
        FROM follows_cdc FINAL
        WHERE follower_id IN {viewers:Array(UUID)}
        UNION ALL
        SELECT {viewers:Array(UUID)}[one.2], one.1, 0
        FROM (SELECT arrayJoin(arrayZip({authors:Array(UUID)}, {places:Array(UInt8)})) AS one)
    )
    GROUP BY viewer, author
) AS asked ON author = author_id
PREWHERE created_at > {since:DateTime64(6, 'UTC')}
  AND created_at <= {now:DateTime64(6, 'UTC')} + toIntervalHour(1)
WHERE hidden = 0
  AND (visibility = 'public' OR (visibility = 'followers' AND followed = 1))
ORDER BY created_at DESC, UUIDToNum(post_id) DESC
LIMIT {max_posts:UInt32} BY viewer
