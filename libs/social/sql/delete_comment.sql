-- Deletes a comment, by its author or the author of the post. One row by primary key.
DELETE FROM comments
WHERE comment_id = $1 AND (user_id = $2 OR author_id = $2)
