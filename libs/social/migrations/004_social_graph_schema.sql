-- The social graph: who follows whom, who has blocked whom.
CREATE TABLE follows (
    follower_id uuid NOT NULL,
    followee_id uuid NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT follows_pkey PRIMARY KEY (follower_id, followee_id),
    CONSTRAINT follows_follower_fk FOREIGN KEY (follower_id) REFERENCES users (user_id) ON DELETE CASCADE,
    CONSTRAINT follows_followee_fk FOREIGN KEY (followee_id) REFERENCES users (user_id) ON DELETE CASCADE,
    CONSTRAINT follows_not_self CHECK (follower_id <> followee_id)
);

CREATE INDEX follows_followee_idx ON follows (followee_id, follower_id);

ALTER TABLE follows REPLICA IDENTITY FULL;

CREATE TABLE blocks (
    blocker_id uuid NOT NULL,
    blocked_id uuid NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT blocks_pkey PRIMARY KEY (blocker_id, blocked_id),
    CONSTRAINT blocks_blocker_fk FOREIGN KEY (blocker_id) REFERENCES users (user_id) ON DELETE CASCADE,
    CONSTRAINT blocks_blocked_fk FOREIGN KEY (blocked_id) REFERENCES users (user_id) ON DELETE CASCADE,
    CONSTRAINT blocks_not_self CHECK (blocker_id <> blocked_id)
);

CREATE INDEX blocks_blocked_idx ON blocks (blocked_id, blocker_id);

-- The one definition of who may see a post: not deleted; the viewer's own, or public, or for followers and the viewer
-- follows the author; and no block between the two, in either direction.
-- A plain SQL function that is STABLE and returns a set: the planner inlines it into the query that uses it.
CREATE FUNCTION posts_visible_to(viewer uuid, ids uuid[]) RETURNS SETOF posts
LANGUAGE sql STABLE ROWS 100 AS $$
    SELECT p.*
    FROM posts AS p
    WHERE p.post_id = ANY (ids)
      AND p.deleted_at IS NULL
      AND (
          p.author_id = viewer
          OR p.visibility = 'public'
          OR (
              p.visibility = 'followers'
              AND EXISTS (
                  SELECT FROM follows AS f WHERE f.follower_id = viewer AND f.followee_id = p.author_id
              )
          )
      )
      AND NOT EXISTS (SELECT FROM blocks AS b WHERE b.blocker_id = viewer AND b.blocked_id = p.author_id)
      AND NOT EXISTS (SELECT FROM blocks AS b WHERE b.blocker_id = p.author_id AND b.blocked_id = viewer)
$$;
