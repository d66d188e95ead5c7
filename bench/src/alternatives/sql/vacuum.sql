-- Statistics for the planner, and the visibility map, without which no index-only scan is one.
VACUUM (ANALYZE) nova_bench.post_counters, posts, likes, comments, follows, blocks
