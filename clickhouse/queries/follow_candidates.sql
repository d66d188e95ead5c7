-- F1: the newest posts of the authors a viewer follows.
-- Reads: the view feed_recent_follows (follows_cdc by the viewer's prefix, then posts_by_author by author and time).
-- Cost: one range of granules per followee (followees × posts in the window); the answer is at most max_posts rows.
-- Order: newest first, then the greater post id (UUIDToNum: UUIDs themselves compare their second half first).
SELECT post_id, author_id, created_at
FROM feed_recent_follows(
    viewer = {viewer:UUID},
    now = {now:DateTime64(6, 'UTC')},
    window_hours = {window_hours:UInt32},
    max_posts = {max_posts:UInt32})
ORDER BY created_at DESC, UUIDToNum(post_id) DESC
