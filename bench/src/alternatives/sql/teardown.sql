-- Drops what setup.sql made.
DROP SCHEMA IF EXISTS nova_bench CASCADE;
DROP INDEX IF EXISTS nova_bench_posts_author_idx;
DROP INDEX IF EXISTS nova_bench_likes_user_idx;
DROP INDEX IF EXISTS nova_bench_comments_user_idx;
