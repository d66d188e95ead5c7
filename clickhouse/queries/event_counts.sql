-- Impressions, views and shares of posts over the last 90 days. A post without events is missing.
-- Reads: post_metrics_1h by its leading key column, the post.
-- Cost: one row per post and hour with events.
-- version: the time of the newest recount in it, milliseconds.
SELECT
    post_metrics_1h.post_id AS post_id,
    sum(shares) AS share_count,
    sum(impressions) AS impression_count,
    sum(views) AS view_count,
    max(_version) AS recounted_at
FROM post_metrics_1h FINAL
WHERE post_metrics_1h.post_id IN {post_ids:Array(UUID)}
  AND hour >= toStartOfHour(now('UTC') - toIntervalDay(90))
GROUP BY post_id
