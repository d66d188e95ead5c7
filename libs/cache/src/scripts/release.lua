-- Gives a lock back, when it is still the caller's: it may have expired and be another's by now.
-- KEYS[1] the lock. ARGV: the token it was taken with. Answers 1 when it was given back, else 0. Cost: O(1).
if redis.call('GET', KEYS[1]) == ARGV[1] then
  return redis.call('DEL', KEYS[1])
end
return 0
