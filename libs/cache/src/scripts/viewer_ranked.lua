-- Notes a new ranking of a viewer, and keeps `stale`: the feed compares it with `generated`.
-- KEYS[1] the viewer. ARGV: snapshot id, its time in ms, '1' when it is walked by offset from now on, seconds to live.
-- Two processes may rank at once: the newer ranking stays `fresh`, in whatever order they finish. Milliseconds since
-- 1970 are exact in Lua's doubles. Cost: O(fields), of which there are at most about a thousand.
local generated = tonumber(redis.call('HGET', KEYS[1], 'generated') or '')
if not generated or generated <= tonumber(ARGV[2]) then
  redis.call('HSET', KEYS[1], 'fresh', ARGV[1], 'generated', ARGV[2])
end
if ARGV[3] == '1' and redis.call('HGET', KEYS[1], 'walk') ~= ARGV[1] then
  for _, field in ipairs(redis.call('HKEYS', KEYS[1])) do
    if string.sub(field, 1, 2) == 'o:' then
      redis.call('HDEL', KEYS[1], field)
    end
  end
  redis.call('HSET', KEYS[1], 'walk', ARGV[1])
end
redis.call('EXPIRE', KEYS[1], ARGV[4])
return 1
