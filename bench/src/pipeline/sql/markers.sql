-- For each of the given posts: how many likes it has, and the first of the given users who does not like it yet.
SELECT
    p.post_id,
    p.author_id,
    (SELECT count(*) FROM likes AS l WHERE l.post_id = p.post_id) AS likes,
    (
        SELECT u.user_id
        FROM unnest($2::uuid[]) WITH ORDINALITY AS u (user_id, place)
        WHERE NOT EXISTS (SELECT FROM likes AS l WHERE l.post_id = p.post_id AND l.user_id = u.user_id)
        ORDER BY u.place
        LIMIT 1
    ) AS user_id
FROM posts AS p
WHERE p.post_id = ANY($1::uuid[])
