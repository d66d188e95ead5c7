-- Users to choose in the console: $1 part of a handle or name in lower case ('' for anybody), $2 an id, $3 how many.
-- Reads users until 300 match (all of them for a rare word), then counts for each of those by the prefix of an index,
-- up to 1000 rows a count. For data sets of a development machine.
SELECT u.user_id, u.handle, u.display_name,
       f.n AS following, g.n AS followers, p.n AS posts, l.n AS likes
FROM (
    SELECT user_id, handle, display_name
    FROM users
    WHERE strpos(handle, $1) > 0 OR strpos(lower(display_name), $1) > 0 OR user_id = $2
    ORDER BY handle <> $1, user_id
    LIMIT 300
) AS u,
LATERAL (SELECT count(*) AS n FROM (SELECT FROM follows WHERE follower_id = u.user_id LIMIT 1000) AS s) AS f,
LATERAL (SELECT count(*) AS n FROM (SELECT FROM follows WHERE followee_id = u.user_id LIMIT 1000) AS s) AS g,
LATERAL (SELECT count(*) AS n
         FROM (SELECT FROM posts WHERE author_id = u.user_id AND deleted_at IS NULL LIMIT 1000) AS s) AS p,
LATERAL (SELECT count(*) AS n FROM (SELECT FROM likes WHERE user_id = u.user_id LIMIT 1000) AS s) AS l
ORDER BY u.handle <> $1, least(f.n, 20) + least(l.n, 20) DESC, f.n + l.n DESC, u.user_id
LIMIT $3
