-- Takes the lock of a job and a fence greater than every fence given before.
-- KEYS[1] the lock, KEYS[2] the fence: one slot, by their hash tag. ARGV: token, ms to live.
-- The fence is at least the server's clock in microseconds (exact in Lua's doubles until 2255): a counter that was lost,
-- evicted or by a restart without persistence, then starts above the old one. From 1, no write would pass until it had
-- caught up, and an old lease would write over a new one.
-- Answers the fence as text, or nil when the lock is held. Cost: O(1).
if not redis.call('SET', KEYS[1], ARGV[1], 'NX', 'PX', ARGV[2]) then
  return false
end
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000000 + tonumber(time[2])
local last = tonumber(redis.call('GET', KEYS[2]) or '') or 0
local fence = string.format('%.0f', math.max(last + 1, now))
redis.call('SET', KEYS[2], fence)
return fence
