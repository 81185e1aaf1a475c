import type { Quirks } from "../quirks.ts";

/** OpenRouter ("Quickstart"): ids are `maker/model`, `X-Title` names the app in its rankings. */
export const openrouter: Quirks = { vendorPrefixedIds: true, headers: { "x-title": "GatewayZ" } };
