-- The interactions of several viewers: viewer_interactions.sql for each of them, in one query.
-- Reads: user_author_90d and follows_cdc, each by the viewers' prefixes.
-- Cost: the viewers' live interactions and followees; one row per viewer and author in the answer.
SELECT
    user_id AS viewer,
    author_id,
    count() AS interactions,
    max(interacted_at) AS newest,
    (viewer, author_id) IN (
        SELECT follower_id, followee_id FROM follows_cdc FINAL WHERE follower_id IN {viewers:Array(UUID)}
    ) AS followed
FROM user_author_90d FINAL
WHERE user_id IN {viewers:Array(UUID)}
  AND interacted_at > {now:DateTime64(6, 'UTC')} - toIntervalDay({interaction_days:UInt32})
GROUP BY viewer, author_id
