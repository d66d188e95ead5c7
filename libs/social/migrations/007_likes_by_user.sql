-- Which of some hundred posts a viewer likes is asked with every ranking. By primary key, the post first, that is a page of the
-- index for each of them; by this index all likes of a viewer are on a few pages, in the order of the posts.
-- It serves the foreign key to users as well. Nothing reads the likes of a user in the order of their times.
-- Writes to likes wait while it is made (16 s for 20 M): where that is too long, make it before with CREATE INDEX CONCURRENTLY.
CREATE INDEX IF NOT EXISTS likes_user_post_idx ON likes (user_id, post_id);
DROP INDEX IF EXISTS likes_user_created_idx;
