-- $1 no longer blocks $2; tells whether $2 exists. One row of blocks and one of users by primary key.
WITH gone AS (
    DELETE FROM blocks WHERE blocker_id = $1 AND blocked_id = $2
)
SELECT EXISTS (SELECT FROM users WHERE user_id = $2)
