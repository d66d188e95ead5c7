-- $1 no longer follows $2; tells whether $2 exists. One row of follows and one of users by primary key.
WITH gone AS (
    DELETE FROM follows WHERE follower_id = $1 AND followee_id = $2
)
SELECT EXISTS (SELECT FROM users WHERE user_id = $2)
