-- The exact counts of the merged candidates, recounted from the facts.
-- Reads: the view post_ranking_scores, which reads each fact table by the leading key column, the post.
-- Cost: the likes, comments and events of the posts asked for (at most 900 with the default limits).
SELECT
    post_id,
    toUInt64(likes) AS likes,
    toUInt64(comments) AS comments,
    toUInt64(shares) AS shares,
    toUInt64(impressions) AS impressions,
    toUInt64(views) AS views
FROM post_ranking_scores
WHERE post_id IN {post_ids:Array(UUID)}
