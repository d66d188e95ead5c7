-- Sets a number when it is greater than the one the key holds.
-- KEYS[1] the key. ARGV: the number (below 2^53, the exact range of Lua's doubles), seconds to live.
-- Answers 1 when it wrote, else 0. Cost: O(1).
local current = tonumber(redis.call('GET', KEYS[1]) or '')
if current and current >= tonumber(ARGV[1]) then
  return 0
end
redis.call('SET', KEYS[1], ARGV[1], 'EX', ARGV[2])
return 1
