-- Walks another snapshot by offset: the positions of the one before are forgotten.
-- KEYS[1] the viewer. ARGV: snapshot id, seconds to live when the key has no expiry yet. Answers 1 when the walk
-- changed, else 0. Cost: O(fields), of which there are at most about a thousand.
if redis.call('HGET', KEYS[1], 'walk') == ARGV[1] then
  return 0
end
for _, field in ipairs(redis.call('HKEYS', KEYS[1])) do
  if string.sub(field, 1, 2) == 'o:' then
    redis.call('HDEL', KEYS[1], field)
  end
end
redis.call('HSET', KEYS[1], 'walk', ARGV[1])
if redis.call('TTL', KEYS[1]) < 0 then
  redis.call('EXPIRE', KEYS[1], ARGV[2])
end
return 1
