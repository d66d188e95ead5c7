-- The counts of posts as they were recounted last, two seconds after the newest change of each at most, seven for client events where posts do not rest: what rankings score those
-- candidates by that Redis has no counts of. Recounting hundreds of posts from the facts takes ten times as long.
-- Reads: post_engagement by its full key, the time of the post and the post.
-- Cost: the granules of the posts asked for, at most those of the posts' days; one row per post in the answer.
SELECT
    post_engagement.post_id AS post_id,
    argMax(post_engagement.likes, _version) AS likes,
    argMax(post_engagement.comments, _version) AS comments,
    argMax(post_engagement.shares, _version) AS shares,
    argMax(post_engagement.impressions, _version) AS impressions,
    argMax(post_engagement.views, _version) AS views
FROM post_engagement
WHERE (post_engagement.created_at, post_engagement.post_id) IN {keys:Array(Tuple(DateTime64(6, 'UTC'), UUID))}
GROUP BY post_id
