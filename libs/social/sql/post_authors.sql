-- Who wrote these posts, deleted ones too: events may arrive after the deletion. By primary key.
SELECT post_id, author_id FROM posts WHERE post_id = ANY ($1)
