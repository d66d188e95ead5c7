-- Likes and comments. Both carry the post's author, so that whoever follows the change stream needs no join with a
-- post that may arrive later on another topic; the composite foreign key keeps it right.
CREATE TABLE likes (
    post_id uuid NOT NULL,
    user_id uuid NOT NULL,
    author_id uuid NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT likes_pkey PRIMARY KEY (post_id, user_id),
    CONSTRAINT likes_post_fk FOREIGN KEY (post_id, author_id)
        REFERENCES posts (post_id, author_id) ON DELETE CASCADE,
    CONSTRAINT likes_user_fk FOREIGN KEY (user_id) REFERENCES users (user_id) ON DELETE CASCADE
);

CREATE INDEX likes_user_created_idx ON likes (user_id, created_at DESC);

ALTER TABLE likes REPLICA IDENTITY FULL;

CREATE TABLE comments (
    comment_id uuid PRIMARY KEY,
    post_id uuid NOT NULL,
    user_id uuid NOT NULL,
    author_id uuid NOT NULL,
    body text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT comments_post_fk FOREIGN KEY (post_id, author_id)
        REFERENCES posts (post_id, author_id) ON DELETE CASCADE,
    CONSTRAINT comments_user_fk FOREIGN KEY (user_id) REFERENCES users (user_id) ON DELETE CASCADE,
    CONSTRAINT comments_body_length CHECK (char_length(body) BETWEEN 1 AND 10000),
    CONSTRAINT comments_body_blank CHECK (btrim(body, E' \t\n\r\f\v') <> '')
);

-- Keyset pages of a post's comments, newest first.
CREATE INDEX comments_post_created_idx ON comments (post_id, created_at DESC, comment_id DESC);
CREATE INDEX comments_user_idx ON comments (user_id);

ALTER TABLE comments REPLICA IDENTITY FULL;

-- So that INSERT INTO likes (post_id, user_id) by hand works too.
CREATE FUNCTION engagement_fill_author() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    SELECT p.author_id INTO NEW.author_id FROM posts AS p WHERE p.post_id = NEW.post_id;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'post % does not exist', NEW.post_id
            USING ERRCODE = 'foreign_key_violation', TABLE = TG_TABLE_NAME, CONSTRAINT = TG_TABLE_NAME || '_post_fk';
    END IF;
    RETURN NEW;
END
$$;

CREATE TRIGGER likes_fill_author BEFORE INSERT ON likes
    FOR EACH ROW WHEN (NEW.author_id IS NULL) EXECUTE FUNCTION engagement_fill_author();

CREATE TRIGGER comments_fill_author BEFORE INSERT ON comments
    FOR EACH ROW WHEN (NEW.author_id IS NULL) EXECUTE FUNCTION engagement_fill_author();
