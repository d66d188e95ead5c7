-- F2: the public posts of the window that everybody engages with most; the same for every viewer.
-- Reads: post_engagement by its leading key column, the time of the post.
-- Cost: the posts created in the window, one row each and no join; the answer is at most max_posts rows.
-- Order: engagement is ln(1 + rate), which grows with the rate, so the rate orders alike and needs no logarithm.
-- A post dated more than an hour ahead is a broken clock, not the newest post.
SELECT post_id, author_id, created_at
FROM post_engagement FINAL
WHERE created_at > {now:DateTime64(6, 'UTC')} - toIntervalHour({window_hours:UInt32})
  AND created_at <= {now:DateTime64(6, 'UTC')} + toIntervalHour(1)
  AND visibility = 'public'
  AND hidden = 0
ORDER BY
    (toFloat64(likes) + {comment_weight:Float64} * toFloat64(comments) + {share_weight:Float64} * toFloat64(shares))
        / toFloat64(greatest(impressions, 1)) DESC,
    created_at DESC,
    UUIDToNum(post_id) DESC
LIMIT {max_posts:UInt32}
