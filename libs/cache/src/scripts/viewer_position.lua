-- Remembers where in the walked snapshot the page at an offset begins.
-- KEYS[1] the viewer. ARGV: snapshot id, field (`o:` and the offset), raw position, most fields.
-- Another snapshot may be walked by now: its positions are not these. Answers 1 when it wrote, else 0. Cost: O(1).
if redis.call('HGET', KEYS[1], 'walk') ~= ARGV[1] then
  return 0
end
if redis.call('HLEN', KEYS[1]) >= tonumber(ARGV[4]) and redis.call('HEXISTS', KEYS[1], ARGV[2]) == 0 then
  return 0
end
redis.call('HSET', KEYS[1], ARGV[2], ARGV[3])
return 1
