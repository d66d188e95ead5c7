INSERT INTO simulated_load_slices (load_id, table_name, slices)
VALUES ($1, $2, $3)
ON CONFLICT (load_id, table_name) DO UPDATE SET slices = excluded.slices
