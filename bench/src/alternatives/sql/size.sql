-- Bytes of what setup.sql made: the table of counters with its indexes, and the indexes on Nova's tables.
SELECT (pg_total_relation_size('nova_bench.post_counters')
    + pg_relation_size('nova_bench_posts_author_idx')
    + pg_relation_size('nova_bench_likes_user_idx')
    + pg_relation_size('nova_bench_comments_user_idx'))::bigint
