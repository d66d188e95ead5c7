-- Whom those follow who like what a viewer likes: the second source of suggested users (collaborative filtering).
-- Reads, each by a prefix of the primary key: the viewer's rows of user_author_90d; posts_cdc and post_engagement by post;
--   likes_cdc by post; follows_cdc by follower.
-- Cost: the viewer's live interactions and followees; two look-ups for each of the newest max_likes likes; the likes of those
--   posts, at most max_likes * max_likers; the follows of the max_similar users who share most of them.
--   A post with more than max_likers likes is passed over: what everybody likes tells nothing of one's taste, and would
--   be the expensive part. Of a similar user at most the newest max_follows follows count.
-- PREWHERE holds conditions on the sorting key alone: rows of one key pass or fail together, so they may be dropped before
--   FINAL merges the others, a third of the time.
-- Answer: at most max_users users with the number of similar users who follow them, most first, then the greater id.
WITH
    liked AS
    (
        SELECT ref_id AS post_id
        FROM user_author_90d FINAL
        WHERE user_id = {viewer:UUID}
          AND kind = 'like'
          AND interacted_at > {now:DateTime64(6, 'UTC')} - toIntervalDay({interaction_days:UInt32})
        ORDER BY interacted_at DESC, UUIDToNum(ref_id) DESC
        LIMIT {max_likes:UInt32}
    ),
    telling AS
    (
        SELECT post_id
        FROM post_engagement FINAL
        PREWHERE (created_at, post_id) IN
            (SELECT created_at, post_id FROM posts_cdc FINAL PREWHERE post_id IN (SELECT post_id FROM liked))
        WHERE likes <= {max_likers:UInt32}
    ),
    similar AS
    (
        SELECT user_id
        FROM likes_cdc FINAL
        PREWHERE post_id IN (SELECT post_id FROM telling)
        WHERE user_id != {viewer:UUID}
        GROUP BY user_id
        ORDER BY count() DESC, UUIDToNum(user_id) DESC
        LIMIT {max_similar:UInt32}
    )
SELECT followee_id AS user_id, count() AS n
FROM
(
    SELECT follower_id, followee_id
    FROM follows_cdc FINAL
    PREWHERE follower_id IN (SELECT user_id FROM similar)
    ORDER BY created_at DESC, UUIDToNum(followee_id) DESC
    LIMIT {max_follows:UInt32} BY follower_id
)
WHERE followee_id != {viewer:UUID}
  AND followee_id NOT IN (SELECT followee_id FROM follows_cdc FINAL WHERE follower_id = {viewer:UUID})
GROUP BY followee_id
ORDER BY n DESC, UUIDToNum(followee_id) DESC
LIMIT {max_users:UInt32}
