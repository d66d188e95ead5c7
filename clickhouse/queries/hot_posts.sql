-- The hottest public posts of the last hours: what hot:posts:1h holds. The same for every viewer.
-- Reads: post_engagement by its leading key column, the time of the post.
-- Cost: the posts created in the window, one row each and no join; the answer is at most max_posts rows.
-- Formula and order are those of mv_hot_posts_1h: 0.40 * engagement + 0.30 * freshness by default, then newer first, then
-- the greater post id. A post dated more than an hour ahead is a broken clock, not the newest post.
WITH
    (toFloat64(likes) + {comment_weight:Float64} * toFloat64(comments) + {share_weight:Float64} * toFloat64(shares))
        / toFloat64(greatest(impressions, 1)) AS rate,
    exp(-{decay_per_hour:Float64}
        * (greatest(dateDiff('microsecond', created_at, {now:DateTime64(6, 'UTC')}), 0) / 3600e6)) AS freshness
SELECT post_id, author_id, created_at, likes, comments, shares, impressions
FROM post_engagement FINAL
WHERE created_at > {now:DateTime64(6, 'UTC')} - toIntervalHour({window_hours:UInt32})
  AND created_at <= {now:DateTime64(6, 'UTC')} + toIntervalHour(1)
  AND visibility = 'public'
  AND hidden = 0
ORDER BY
    {weight_engagement:Float64} * log1p(rate) + {weight_freshness:Float64} * freshness DESC,
    created_at DESC,
    UUIDToNum(post_id) DESC
LIMIT {max_posts:UInt32}
