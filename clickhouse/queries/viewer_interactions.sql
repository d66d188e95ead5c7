-- The viewer's live likes, comments and shares per author, the time of the newest, and whether the viewer follows the
-- author: the input of the affinity term, and what the third source chooses authors by.
-- Reads: user_author_90d and follows_cdc, each by the viewer's prefix.
-- Cost: the viewer's live interactions and followees; one row per author in the answer.
SELECT
    author_id,
    count() AS interactions,
    max(interacted_at) AS newest,
    author_id IN (SELECT followee_id FROM follows_cdc FINAL WHERE follower_id = {viewer:UUID}) AS followed
FROM user_author_90d FINAL
WHERE user_id = {viewer:UUID}
  AND interacted_at > {now:DateTime64(6, 'UTC')} - toIntervalDay({interaction_days:UInt32})
GROUP BY author_id
