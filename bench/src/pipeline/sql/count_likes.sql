-- Likes of each of the given posts; posts without any are left out.
SELECT post_id, count(*) FROM likes WHERE post_id = ANY($1::uuid[]) GROUP BY post_id
