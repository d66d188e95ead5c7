-- The journal of loads: made by the first load, no part of the schema that everybody has.
-- `indexes` are the definitions of indexes that the load has dropped and not yet made again.
CREATE TABLE IF NOT EXISTS simulated_loads (
    load_id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    scale text NOT NULL,
    seed bigint NOT NULL,
    base_at timestamptz NOT NULL,
    version bigint NOT NULL,
    indexes text[] NOT NULL DEFAULT '{}',
    started_at timestamptz NOT NULL DEFAULT now(),
    finished_at timestamptz
);

CREATE TABLE IF NOT EXISTS simulated_load_slices (
    load_id integer NOT NULL REFERENCES simulated_loads (load_id) ON DELETE CASCADE,
    table_name text NOT NULL,
    slices integer NOT NULL,
    PRIMARY KEY (load_id, table_name)
);
