-- What Debezium needs: a heartbeat, a signal table, a publication, and a role that may read just these tables.

-- One row that the connector updates: the replication slot advances although no table of ours changes.
CREATE TABLE cdc_heartbeat (
    id integer PRIMARY KEY,
    beat_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT cdc_heartbeat_one_row CHECK (id = 1)
);

-- Orders to the connector (incremental snapshots), in the form that Debezium prescribes.
CREATE TABLE cdc_signal (
    id text PRIMARY KEY,
    type text NOT NULL,
    data text
);

CREATE PUBLICATION nova_cdc FOR TABLE posts, follows, comments, likes, cdc_heartbeat, cdc_signal;

-- A role belongs to the whole server, not to this database: it may be there already, or be made by another database's
-- migration at this very moment. The password is no part of the schema: `nova migrate` sets it.
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'nova_cdc') THEN
        CREATE ROLE nova_cdc LOGIN REPLICATION;
    END IF;
EXCEPTION
    WHEN duplicate_object OR unique_violation THEN NULL;
END
$$;

GRANT USAGE ON SCHEMA public TO nova_cdc;
GRANT SELECT ON posts, follows, comments, likes, cdc_heartbeat, cdc_signal TO nova_cdc;
GRANT INSERT, UPDATE ON cdc_heartbeat TO nova_cdc;
GRANT INSERT, UPDATE, DELETE ON cdc_signal TO nova_cdc;
