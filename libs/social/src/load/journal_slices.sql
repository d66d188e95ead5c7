SELECT table_name, slices FROM simulated_load_slices WHERE load_id = $1
