import type { Quirks } from "../quirks.ts";

/**
 * OpenRouter ("Quickstart"): ids are `maker/model`, `X-Title` names the app in its rankings. It passes on what the
 * models' makers know beyond OpenAI's format ("Prompt caching", "Reasoning tokens", "PDF inputs").
 */
export const openrouter: Quirks = {
  vendorPrefixedIds: true,
  headers: { "x-title": "GatewayZ" },
  extensions: {
    cacheControl: true,
    fileUrls: true,
    topK: true,
    historyReasoning: "reasoning_details",
    reasoningObject: true,
  },
};
