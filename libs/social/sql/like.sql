-- $2 likes post $1 if it is visible to them; tells whether it is. A second like changes nothing.
-- Reads one post with its visibility, writes at most one row of likes, all by primary key.
WITH target AS (
    SELECT post_id, author_id FROM posts_visible_to($2, ARRAY[$1])
), written AS (
    INSERT INTO likes (post_id, user_id, author_id)
    SELECT post_id, $2, author_id FROM target
    ON CONFLICT DO NOTHING
)
SELECT EXISTS (SELECT FROM target)
