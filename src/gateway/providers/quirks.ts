/** How a provider differs from the plain format. Addresses live in the configuration, differences here. */
export interface Quirks {
  /** Prefix that the provider's own ids do not have, though clients write it. */
  readonly stripPrefix?: string;
  /** Path of the model list where it is not `/models` under the base URL. */
  readonly modelsPath?: string;
  /** OpenAI's reasoning models take only `max_completion_tokens`. */
  readonly maxCompletionTokensFor?: RegExp;
  /** Models that think long before the first byte: their attempt limit. */
  readonly slowModels?: { readonly pattern: RegExp; readonly attemptMs: number };
  /** Provider id in the price list where it is not our name. */
  readonly pricedAs?: string;
  /** Ids carry their maker, such as `anthropic/claude-sonnet-4-5`. */
  readonly vendorPrefixedIds?: boolean;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Contract section 6d. A provider that is not listed has no quirks. */
const QUIRKS: Readonly<Record<string, Quirks>> = {
  openai: { maxCompletionTokensFor: /^(o\d|gpt-5)/ },
  openrouter: { vendorPrefixedIds: true, headers: { "x-title": "GatewayZ" } },
  xai: { pricedAs: "x-ai", slowModels: { pattern: /^grok-(3-mini|4)/, attemptMs: 600_000 } },
  moonshot: { stripPrefix: "moonshot/", pricedAs: "moonshotai" },
  meta: { stripPrefix: "meta/" },
  "google-vertex": { pricedAs: "google" },
};

export function quirksOf(provider: string): Quirks {
  return QUIRKS[provider] ?? {};
}
