-- Users. Limits are those of nova-domain (Handle, DisplayName); the service checks first, the database makes sure.
-- Blank means: nothing but ASCII white space. The service refuses every Unicode space as well.
CREATE TABLE users (
    user_id uuid PRIMARY KEY,
    handle text NOT NULL,
    display_name text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT users_handle_key UNIQUE (handle),
    CONSTRAINT users_handle_form CHECK (handle ~ '^[a-z0-9_.]{3,64}$'),
    CONSTRAINT users_display_name_length CHECK (char_length(display_name) BETWEEN 1 AND 100),
    CONSTRAINT users_display_name_blank CHECK (btrim(display_name, E' \t\n\r\f\v') <> '')
);
