-- Posts. Deleting a post sets deleted_at: it stays for counts, audits and the change stream.
CREATE TABLE posts (
    post_id uuid PRIMARY KEY,
    author_id uuid NOT NULL,
    caption text NOT NULL,
    media_url text NOT NULL,
    media_type text NOT NULL DEFAULT 'video',
    duration_ms integer NOT NULL DEFAULT 0,
    visibility text NOT NULL DEFAULT 'public',
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    deleted_at timestamptz,
    CONSTRAINT posts_author_fk FOREIGN KEY (author_id) REFERENCES users (user_id) ON DELETE CASCADE,
    -- What likes and comments refer to: it keeps their author_id right.
    CONSTRAINT posts_post_author_key UNIQUE (post_id, author_id),
    CONSTRAINT posts_caption_length CHECK (char_length(caption) BETWEEN 1 AND 10000),
    CONSTRAINT posts_caption_blank CHECK (btrim(caption, E' \t\n\r\f\v') <> ''),
    CONSTRAINT posts_media_url_length CHECK (octet_length(media_url) BETWEEN 1 AND 2048),
    CONSTRAINT posts_media_type_word CHECK (media_type IN ('video', 'image')),
    CONSTRAINT posts_duration_range CHECK (duration_ms BETWEEN 0 AND 3600000),
    CONSTRAINT posts_visibility_word CHECK (visibility IN ('public', 'followers', 'private'))
);

CREATE INDEX posts_author_created_idx ON posts (author_id, created_at DESC, post_id DESC);

-- The delete image has to carry the sorting keys of every table downstream, not only the primary key.
ALTER TABLE posts REPLICA IDENTITY FULL;

-- Downstream, author_id and created_at are parts of keys: a post that changed them would exist twice there.
CREATE FUNCTION posts_before_update() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.post_id <> OLD.post_id OR NEW.author_id <> OLD.author_id OR NEW.created_at <> OLD.created_at THEN
        RAISE EXCEPTION 'post_id, author_id and created_at of a post never change'
            USING ERRCODE = 'restrict_violation', TABLE = 'posts', CONSTRAINT = 'posts_fixed_columns';
    END IF;
    NEW.updated_at := now();
    RETURN NEW;
END
$$;

CREATE TRIGGER posts_before_update BEFORE UPDATE ON posts
    FOR EACH ROW EXECUTE FUNCTION posts_before_update();
