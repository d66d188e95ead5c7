-- Sets a key, unless somebody with a greater fence has written it.
-- KEYS[1] the key, KEYS[2] the fence of its last write: one slot, by the hash tag of the second.
-- ARGV: value, ms to live, fence (20 digits, so that text compares as numbers do), seconds to live of the fence.
-- Answers 1 when it wrote, else 0. Cost: O(length of the value).
local last = redis.call('GET', KEYS[2])
if last and last > ARGV[3] then
  return 0
end
redis.call('SET', KEYS[2], ARGV[3], 'EX', ARGV[4])
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1
