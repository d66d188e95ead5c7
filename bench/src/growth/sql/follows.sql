-- How many follows there are. Reads an index of them whole.
SELECT count(*) FROM follows
