-- The newest version of posts, where feeds read them: once a post is here, the next ranking of a follower has it.
-- Reads: posts_by_author by its full key.
-- Cost: one granule per post and part.
SELECT posts_by_author.author_id AS left_id, posts_by_author.post_id AS right_id, max(_version) AS lsn
FROM posts_by_author
WHERE (posts_by_author.author_id, posts_by_author.created_at, posts_by_author.post_id)
    IN {keys:Array(Tuple(UUID, DateTime64(6, 'UTC'), UUID))}
GROUP BY left_id, right_id
