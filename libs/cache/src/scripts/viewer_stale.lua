-- Marks the feed of an active viewer stale. A viewer without a key has no feed that could be.
-- KEYS[1] the viewer. ARGV: the time in ms, which only ever moves forward. Answers 1 when it wrote, else 0.
-- Milliseconds since 1970 are exact in Lua's doubles. Cost: O(1).
if redis.call('EXISTS', KEYS[1]) == 0 then
  return 0
end
local current = tonumber(redis.call('HGET', KEYS[1], 'stale') or '')
if current and current >= tonumber(ARGV[1]) then
  return 0
end
redis.call('HSET', KEYS[1], 'stale', ARGV[1])
return 1
