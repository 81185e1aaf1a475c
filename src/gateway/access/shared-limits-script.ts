import { redisScript } from "../../redis/redis.ts";

/**
 * Lets a request in or refuses it, in one step for all gateways. The same rules as `RateLimits` and `Budgets`.
 *
 * KEYS: counts (hash), open requests (sorted set by the time at which they are given up), then one key per budget.
 * ARGV: request id, tokens, nano-dollars, lease ms; requests and tokens per minute, hour and day; burst; concurrent; then
 * per budget: cap (-1 for none), what its gateway knows to be spent and held at least, ms until it may be forgotten.
 * Returns: reason (`ok`, `concurrent_requests`, `burst`, `requests_1`…`tokens_3`, `budget_1`…), ms to wait or what is left
 * of the budget, requests and tokens used in the minute, ms until the minute ends. Numbers as text: Lua's own reach
 * further than Redis' integers.
 */
export const ADMIT = redisScript(
  "limits_admit",
  `
local time = redis.call("TIME")
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local tokens, nano = tonumber(ARGV[2]), tonumber(ARGV[3])
local windows = { 60000, 3600000, 86400000 }
local perMinute = tonumber(ARGV[5])
local burst, concurrent = tonumber(ARGV[11]), tonumber(ARGV[12])
local h = redis.call("HMGET", KEYS[1], "s1", "rc1", "rp1", "tc1", "tp1", "s2", "rc2", "rp2", "tc2", "tp2",
  "s3", "rc3", "rp3", "tc3", "tp3", "b", "bt")
local counts = {}
for i = 1, 3 do
  local at = (i - 1) * 5
  local start = math.floor(now / windows[i])
  local c = { s = start, rc = 0, rp = 0, tc = 0, tp = 0 }
  local stored = tonumber(h[at + 1] or -1)
  if stored == start then
    c.rc, c.rp, c.tc, c.tp = tonumber(h[at + 2]), tonumber(h[at + 3]), tonumber(h[at + 4]), tonumber(h[at + 5])
  elseif stored == start - 1 then
    c.rp, c.tp = tonumber(h[at + 2]), tonumber(h[at + 4])
  end
  local weight = 1 - (now % windows[i]) / windows[i]
  c.requests = c.rc + c.rp * weight
  c.tokens = c.tc + c.tp * weight
  c.reset = windows[i] - now % windows[i]
  counts[i] = c
end
local function answer(reason, detail)
  return { reason, string.format("%.0f", detail), string.format("%.3f", counts[1].requests),
    string.format("%.3f", counts[1].tokens), string.format("%.0f", counts[1].reset) }
end
redis.call("ZREMRANGEBYSCORE", KEYS[2], "-inf", now)
local open = redis.call("ZCARD", KEYS[2])
if open >= concurrent then return answer("concurrent_requests", 0) end
for i = 1, 3 do
  local c = counts[i]
  if c.requests + 1 > tonumber(ARGV[4 + i]) then return answer("requests_" .. i, c.reset) end
  local tokensLeft = tonumber(ARGV[7 + i]) - c.tokens
  if tokens > tokensLeft and (open > 0 or tokensLeft <= 0) then return answer("tokens_" .. i, c.reset) end
end
local left = burst
if h[16] then left = math.min(burst, tonumber(h[16]) + math.max(0, now - tonumber(h[17])) * perMinute / 60000) end
if left < 1 then return answer("burst", (1 - left) * 60000 / perMinute) end
for i = 3, #KEYS do
  local at = 12 + (i - 3) * 3
  local cap = tonumber(ARGV[at + 1])
  -- The gateway knows more where Redis forgot, or where it could not be told.
  local spent = math.max(tonumber(redis.call("GET", KEYS[i]) or 0), tonumber(ARGV[at + 2]))
  if cap >= 0 and spent + nano > cap then return answer("budget_" .. (i - 2), cap - spent) end
end
local fields = { "b", string.format("%.6f", left - 1), "bt", string.format("%.0f", now) }
for i = 1, 3 do
  local c = counts[i]
  c.rc, c.requests, c.tc, c.tokens = c.rc + 1, c.requests + 1, c.tc + tokens, c.tokens + tokens
  for name, value in pairs({ s = c.s, rc = c.rc, rp = c.rp, tc = c.tc, tp = c.tp }) do
    fields[#fields + 1] = name .. i
    fields[#fields + 1] = string.format("%.0f", value)
  end
end
redis.call("HSET", KEYS[1], unpack(fields))
redis.call("PEXPIRE", KEYS[1], 2 * windows[3])
redis.call("ZADD", KEYS[2], now + tonumber(ARGV[4]), ARGV[1])
redis.call("PEXPIRE", KEYS[2], 2 * tonumber(ARGV[4]))
for i = 3, #KEYS do
  local at = 12 + (i - 3) * 3
  if tonumber(redis.call("GET", KEYS[i]) or -1) < tonumber(ARGV[at + 2]) then
    redis.call("SET", KEYS[i], ARGV[at + 2], "PX", ARGV[at + 3])
  end
  redis.call("INCRBY", KEYS[i], ARGV[3])
end
return answer("ok", 0)
`,
);

/**
 * Replaces what was held for a request by what it used.
 *
 * KEYS: counts, open requests, then the budgets that hold for it, then those that its cost is added to (the same ones,
 * but where a day or month has ended meanwhile).
 * ARGV: request id, tokens used less tokens held, nano-dollars held, nano-dollars used, number of budgets, tokens held where
 * nobody knows whether `ADMIT` held them, as its answer came too late (else empty); then per budget that the cost is added
 * to: what to begin with, ms until it may be forgotten.
 */
export const SETTLE = redisScript(
  "limits_settle",
  `
local budgets = tonumber(ARGV[5])
local held = redis.call("ZREM", KEYS[2], ARGV[1]) == 1 or ARGV[6] == ""
local delta = tonumber(ARGV[2])
if not held then delta = delta + tonumber(ARGV[6]) end
if delta ~= 0 and redis.call("EXISTS", KEYS[1]) == 1 then
  local time = redis.call("TIME")
  local now = time[1] * 1000 + math.floor(time[2] / 1000)
  for i, window in ipairs({ 60000, 3600000, 86400000 }) do
    local stored = redis.call("HMGET", KEYS[1], "s" .. i, "tc" .. i)
    -- Of a window that has ended nothing is given back: its share in the next one shrinks by itself.
    if tonumber(stored[1]) == math.floor(now / window) then
      redis.call("HSET", KEYS[1], "tc" .. i, string.format("%.0f", math.max(0, tonumber(stored[2]) + delta)))
    end
  end
end
for i = 3, 2 + budgets do
  if held and redis.call("EXISTS", KEYS[i]) == 1 then redis.call("DECRBY", KEYS[i], ARGV[3]) end
end
for i = 1, budgets do
  local key = KEYS[2 + budgets + i]
  redis.call("SET", key, ARGV[5 + 2 * i], "NX", "PX", ARGV[6 + 2 * i])
  redis.call("INCRBY", key, ARGV[4])
end
return 1
`,
);

/**
 * Counts a request of an address, as `IpLimits` does. KEYS: the address's counts. ARGV: requests per minute.
 * Returns 0, or the ms to wait.
 */
export const TAKE_ADDRESS = redisScript(
  "limits_address",
  `
local time = redis.call("TIME")
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local minute = math.floor(now / 60000)
local h = redis.call("HMGET", KEYS[1], "m", "c", "p")
local current, before = 0, 0
if tonumber(h[1]) == minute then
  current, before = tonumber(h[2]), tonumber(h[3])
elseif tonumber(h[1]) == minute - 1 then
  before = tonumber(h[2])
end
local wait = 60000 - now % 60000
if current + before * wait / 60000 + 1 > tonumber(ARGV[1]) then return wait end
redis.call("HSET", KEYS[1], "m", minute, "c", current + 1, "p", before)
redis.call("PEXPIRE", KEYS[1], 120000)
return 0
`,
);
