-- Writes fields of a hash when they are newer than what it holds.
-- KEYS[1] the hash. ARGV: the field that holds the version, the version, seconds to live, then field, value, …
-- Versions are decimal numbers padded with zeros to one length: compared as text, they order as numbers do, and Lua's
-- own numbers are doubles, exact only below 2^53. An older or equal version changes nothing, not even the expiry.
-- Answers 1 when it wrote, else 0. Cost: O(fields given).
local current = redis.call('HGET', KEYS[1], ARGV[1])
if current and current >= ARGV[2] then
  return 0
end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2], unpack(ARGV, 4))
redis.call('EXPIRE', KEYS[1], ARGV[3])
return 1
