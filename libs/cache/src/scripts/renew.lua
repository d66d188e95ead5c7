-- Prolongs a lock, when it is still the caller's.
-- KEYS[1] the lock. ARGV: the token it was taken with, ms from now. Answers 1 when it was prolonged, else 0. Cost: O(1).
if redis.call('GET', KEYS[1]) == ARGV[1] then
  return redis.call('PEXPIRE', KEYS[1], ARGV[2])
end
return 0
