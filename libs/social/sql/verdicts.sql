-- What $1 may see of these posts, and why not: one row for each post there ever was.
-- `visible` is the word of posts_visible_to; `deleted` and `blocked` (a block between $1 and the author, whoever made it)
-- say which of its reasons to name.
-- Per post: one look-up in posts by primary key, and those of posts_visible_to; the likes of $1 by user and post, a few pages.
WITH blocked AS MATERIALIZED (
    SELECT b.blocked_id AS user_id FROM blocks AS b WHERE b.blocker_id = $1
    UNION
    SELECT b.blocker_id FROM blocks AS b WHERE b.blocked_id = $1
)
SELECT p.post_id,
       v.post_id IS NOT NULL AS visible,
       p.deleted_at IS NOT NULL AS deleted,
       p.author_id IN (SELECT b.user_id FROM blocked AS b) AS blocked,
       l.post_id IS NOT NULL AS liked,
       p.visibility
FROM posts AS p
LEFT JOIN posts_visible_to($1, $2) AS v ON v.post_id = p.post_id
LEFT JOIN likes AS l ON l.post_id = p.post_id AND l.user_id = $1
WHERE p.post_id = ANY ($2)
