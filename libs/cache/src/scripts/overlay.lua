-- One change of a viewer's overlay, when it is newer than the one the hash holds for the same thing.
-- KEYS[1] the overlay. ARGV: field, '1' or '0', LSN (20 digits), seconds to live, most fields, how many to drop at once.
-- A full hash drops the oldest likes, then the oldest follows and unblocks: the pipeline serves those anyway. A block
-- and an unfollow are never dropped and always have room: what they hide must not come back. `floor` is the newest LSN
-- that was dropped: a late change below it may be older than one that was dropped, so it is not written.
-- Answers 1 when it wrote, else 0. Cost: O(1); when full, O(fields) once per `how many to drop`.
local field, on, lsn = ARGV[1], ARGV[2], ARGV[3]

local function kept(name, state)
  local kind = string.match(name, '^(%a+):')
  return (kind == 'block' and state == '1') or (kind == 'follow' and state == '0')
end

-- Whether there is room for one more.
local function make_room()
  local all = redis.call('HGETALL', KEYS[1])
  local likes, others = {}, {}
  for i = 1, #all, 2 do
    local name, value = all[i], all[i + 1]
    if name ~= 'floor' and not kept(name, string.sub(value, 1, 1)) then
      local list = string.sub(name, 1, 5) == 'like:' and likes or others
      -- The LSN first, 20 digits: sorted as text, without a function that compares, the oldest come first.
      list[#list + 1] = string.sub(value, 3) .. name
    end
  end
  table.sort(likes)
  table.sort(others)
  local most, dropped = tonumber(ARGV[6]), {}
  local floor = redis.call('HGET', KEYS[1], 'floor') or ''
  for _, list in ipairs({ likes, others }) do
    for i = 1, math.min(#list, most - #dropped) do
      dropped[#dropped + 1] = string.sub(list[i], 21)
      local age = string.sub(list[i], 1, 20)
      if age > floor then floor = age end
    end
  end
  if #dropped == 0 then
    return false
  end
  redis.call('HDEL', KEYS[1], unpack(dropped))
  redis.call('HSET', KEYS[1], 'floor', floor)
  return true
end

-- A change that may be older than one that was dropped.
local function too_late()
  local floor = redis.call('HGET', KEYS[1], 'floor')
  return floor and floor >= lsn
end

local current = redis.call('HGET', KEYS[1], field)
if current then
  if string.sub(current, 3) >= lsn then
    return 0
  end
elseif redis.call('HLEN', KEYS[1]) >= tonumber(ARGV[5]) then
  local must = kept(field, on)
  if not must and too_late() then
    return 0
  end
  local room = make_room()
  if not must and (not room or too_late()) then
    return 0
  end
elseif not kept(field, on) and too_late() then
  return 0
end
redis.call('HSET', KEYS[1], field, on .. '@' .. lsn)
redis.call('EXPIRE', KEYS[1], ARGV[4])
return 1
