-- Takes back the like of $2 on post $1, also on a post that $2 may no longer see. Tells whether there was one, or the
-- post is visible. One row of likes and one post, by primary key.
WITH gone AS (
    DELETE FROM likes WHERE post_id = $1 AND user_id = $2
    RETURNING post_id
)
SELECT EXISTS (SELECT FROM gone) OR EXISTS (SELECT FROM posts_visible_to($2, ARRAY[$1]))
