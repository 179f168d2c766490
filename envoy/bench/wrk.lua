-- Sends one request, or one for each line of $WRK_TOKENS in turn, and prints the
-- result as JSON.
local tokens = {}
for line in io.lines(os.getenv("WRK_TOKENS")) do tokens[#tokens + 1] = line end

wrk.method = os.getenv("WRK_METHOD")
wrk.headers["user-agent"] = "bench"
wrk.headers["accept"] = "*/*"
if os.getenv("WRK_BODY") ~= "" then
  wrk.body = os.getenv("WRK_BODY")
  wrk.headers["content-type"] = "application/json"
end
if tokens[1] then wrk.headers["authorization"] = "Bearer " .. tokens[1] end

-- Without a function request, wrk sends the same bytes again and calls no Lua.
if #tokens > 1 then
  local requests, i = {}, 0
  function init()
    for n, token in ipairs(tokens) do
      wrk.headers["authorization"] = "Bearer " .. token
      requests[n] = wrk.format()
    end
  end
  function request()
    i = i % #requests + 1
    return requests[i]
  end
end

function done(summary, latency)
  local e = summary.errors
  io.write(string.format('result: {"requests":%d,"refused":%d,"seconds":%.6f,"p50":%d,"p99":%d}',
    summary.requests, e.connect + e.read + e.write + e.status + e.timeout, summary.duration / 1e6,
    latency:percentile(50), latency:percentile(99)))
end
