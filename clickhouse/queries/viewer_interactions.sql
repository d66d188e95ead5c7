-- The viewer's live likes, comments and shares per author: the input of the affinity term.
-- Reads: user_author_90d by the viewer's prefix.
-- Cost: the viewer's live interactions; one row per author in the answer.
SELECT author_id, count() AS interactions
FROM user_author_90d FINAL
WHERE user_id = {viewer:UUID}
  AND interacted_at > {now:DateTime64(6, 'UTC')} - toIntervalDay({interaction_days:UInt32})
GROUP BY author_id
