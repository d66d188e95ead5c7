-- The followers of authors, at most `max_followers` of each.
-- Reads: follow_graph by its leading key column, the author.
-- Cost: the follows of the authors asked for, up to the limit of each.
SELECT follow_graph.followee_id AS author_id, follow_graph.follower_id AS follower_id
FROM follow_graph FINAL
WHERE follow_graph.followee_id IN {author_ids:Array(UUID)}
LIMIT {max_followers:UInt32} BY author_id
