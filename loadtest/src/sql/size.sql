-- How much there is. Reads both tables whole.
SELECT (SELECT count(*) FROM posts WHERE deleted_at IS NULL) AS posts, (SELECT count(*) FROM likes) AS likes
