-- A user with something to see: follows people who posted lately and has liked posts of several authors.
-- Reads posts, follows and likes once; for data sets of a demonstration.
WITH recent AS (
    SELECT DISTINCT author_id
    FROM posts
    WHERE created_at > now() - interval '72 hours' AND deleted_at IS NULL AND visibility = 'public'
), following AS (
    SELECT f.follower_id AS user_id, count(*) AS n, count(r.author_id) AS active
    FROM follows AS f
    LEFT JOIN recent AS r ON r.author_id = f.followee_id
    GROUP BY f.follower_id
), liking AS (
    SELECT user_id, count(*) AS n, count(DISTINCT author_id) AS authors
    FROM likes
    GROUP BY user_id
)
SELECT u.user_id, u.handle, coalesce(f.n, 0) AS follows, coalesce(l.n, 0) AS likes
FROM users AS u
LEFT JOIN following AS f USING (user_id)
LEFT JOIN liking AS l USING (user_id)
ORDER BY coalesce(f.active, 0) > 0 DESC,
         least(coalesce(f.active, 0), coalesce(l.authors, 0)) DESC,
         coalesce(l.n, 0) DESC,
         u.user_id
LIMIT 1
