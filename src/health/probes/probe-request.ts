import type { Target } from "../check.ts";
import { TIERS, type Tier } from "./tiers.ts";

/** Names the request as a probe, so that it is not counted as a customer's. */
export const PROBE_HEADER = "x-gatewayz-probe";
const ANTHROPIC_VERSION = "2023-06-01";

export interface ProbeRequest {
  readonly path: "/v1/chat/completions" | "/v1/messages";
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Readonly<Record<string, unknown>>;
}

/**
 * The one short question of a probe (contract section 3a), for the gateway to send to just this provider: a user message
 * "test", no temperature, and as few tokens as the tier allows. OpenAI's newer models know only
 * `max_completion_tokens`; Anthropic is asked in its own format.
 * @param key The gateway's admin key.
 */
export function probeRequest(target: Target, tier: Tier, key: string): ProbeRequest {
  const { provider } = target;
  const tokensMax = TIERS[tier].probeTokensMax;
  const body = { model: bareModel(target), provider, messages: [{ role: "user", content: "test" }] };
  const headers = { "content-type": "application/json", [PROBE_HEADER]: "1" };
  if (provider === "anthropic") {
    return {
      path: "/v1/messages",
      headers: { ...headers, "x-api-key": key, "anthropic-version": ANTHROPIC_VERSION },
      body: { ...body, max_tokens: tokensMax },
    };
  }
  const limit = provider === "openai" ? "max_completion_tokens" : "max_tokens";
  return {
    path: "/v1/chat/completions",
    headers: { ...headers, authorization: `Bearer ${key}` },
    body: { ...body, [limit]: tokensMax },
  };
}

/** The id without the gateway's name in front. Ids that are nothing without it, such as `openrouter/auto`, stay whole. */
function bareModel({ model, gateway }: Target): string {
  if (!model.startsWith(`${gateway}/`)) return model;
  const bare = model.slice(gateway.length + 1);
  return gateway === "openrouter" && !bare.includes("/") ? model : bare;
}
