-- Rows of the tables that the pipeline carries. Counts four tables whole.
SELECT (SELECT count(*) FROM posts) AS posts,
       (SELECT count(*) FROM likes) AS likes,
       (SELECT count(*) FROM comments) AS comments,
       (SELECT count(*) FROM follows) AS follows
