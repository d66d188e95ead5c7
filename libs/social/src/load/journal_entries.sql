SELECT load_id, scale, seed, base_at, version, finished_at IS NOT NULL AS is_finished
FROM simulated_loads
ORDER BY finished_at IS NOT NULL, load_id
