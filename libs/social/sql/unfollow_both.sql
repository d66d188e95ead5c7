-- Neither of the two follows the other any longer. At most two rows of follows by primary key.
DELETE FROM follows
WHERE (follower_id, followee_id) IN (($1, $2), ($2, $1))
