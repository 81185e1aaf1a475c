import { numberAt } from "../../json.ts";
import type { Wire } from "../wire.ts";
import { readModelIds, readProblem } from "./problem.ts";

const ANTHROPIC_VERSION = "2023-06-01";

/** Anthropic's messages. */
export const anthropicWire: Wire = {
  native: "anthropic",
  streamType: "text/event-stream",
  chatPath: (provider) => `${provider.basePath}/v1/messages`,
  finishChat: () => [],
  plain: () => undefined,
  countTokens: {
    path: (provider) => `${provider.basePath}/v1/messages/count_tokens`,
    encode: (body) => body,
    decode: (reply) => numberAt(reply, "input_tokens"),
  },
  modelsPath: (provider) => `${provider.basePath}/v1/models?limit=1000`,
  readModelIds,
  authorize(_provider, { secret }) {
    const headers: Record<string, string> = { "anthropic-version": ANTHROPIC_VERSION };
    if (secret !== undefined) headers["x-api-key"] = secret;
    return headers;
  },
  readProblem,
};
