import type { IncomingHttpHeaders } from "node:http";

/** Provider headers that clients read; `x-request-id` and `request-id` are the gateway's own. */
const PASSED = /^(openai-processing-ms|anthropic-ratelimit-[a-z-]{1,40})$/;
/** Anything else, a provider could use to break the reply's framing or the client's log. */
const PLAIN_VALUE = /^[\x20-\x7e]{1,200}$/;

/** The provider's headers that go on to the client; its own request id as `x-upstream-request-id`. */
export function passedHeaders(headers: IncomingHttpHeaders): Record<string, string> {
  const passed: Record<string, string> = {};
  const upstreamId = headers["x-request-id"] ?? headers["request-id"];
  if (typeof upstreamId === "string" && PLAIN_VALUE.test(upstreamId)) passed["x-upstream-request-id"] = upstreamId;
  for (const [name, value] of Object.entries(headers)) {
    if (PASSED.test(name) && typeof value === "string" && PLAIN_VALUE.test(value)) passed[name] = value;
  }
  return passed;
}
