import type { JsonObject } from "../json.ts";
import { alibaba } from "./quirks/alibaba.ts";
import { deepinfra } from "./quirks/deepinfra.ts";
import { deepseek } from "./quirks/deepseek.ts";
import { minimax } from "./quirks/minimax.ts";
import { mistral } from "./quirks/mistral.ts";
import { moonshot } from "./quirks/moonshot.ts";
import { ollama } from "./quirks/ollama.ts";
import { openai } from "./quirks/openai.ts";
import { openrouter } from "./quirks/openrouter.ts";
import { perplexity } from "./quirks/perplexity.ts";
import { xai } from "./quirks/xai.ts";

/** How a provider differs from the plain format. Addresses live in the configuration, differences in `quirks/`. */
export interface Quirks {
  /** Prefix that the provider's own ids do not have, though clients write it. */
  readonly stripPrefix?: string;
  /** Path of the model list where it is not `/models` under the base URL; with `origin:` in front, below the origin. */
  readonly modelsPath?: string;
  /** Path of a base URL that people give without one. */
  readonly basePath?: string;
  /** Models of a provider that has no list to ask. */
  readonly models?: readonly string[];
  /** Path of chat completions where it is not `/chat/completions` under the base URL. */
  readonly chatPath?: string;
  /** Other endpoints whose path differs from OpenAI's: OpenAI's path → the provider's. */
  readonly plainPaths?: Readonly<Record<string, string>>;
  /** `always`: streams carry usage unasked, and the provider does not know `stream_options`. */
  readonly streamUsage?: "always";
  /** OpenAI's reasoning models take only `max_completion_tokens`. */
  readonly maxCompletionTokensFor?: RegExp;
  /** It has OpenAI's `/responses` too: requests to ours pass as they are, and models that have nothing else are reached. */
  readonly responses?: boolean;
  readonly extensions?: ChatExtensions;
  /** Chat models have no text completions there: a prompt becomes a chat's message. */
  readonly chatOnly?: boolean;
  /** Models that think long before the first byte: their attempt limit. */
  readonly slowModels?: { readonly pattern: RegExp; readonly attemptMs: number };
  /** Provider id in the price list where it is not our name. */
  readonly pricedAs?: string;
  /** Ids carry their maker, such as `anthropic/claude-sonnet-4-5`. */
  readonly vendorPrefixedIds?: boolean;
  readonly headers?: Readonly<Record<string, string>>;
  /**
   * Last changes to a chat body, in place. @returns names of members that were left out.
   * @throws GatewayError NOT_TRANSLATABLE for what would silently be ignored.
   */
  readonly adjustChat?: (body: JsonObject, model: string) => readonly string[] | undefined;
  /** Brings a reply into OpenAI's form, in place; sets `error` where a 200 hides one. @returns whether it changed it. */
  readonly adjustReply?: (reply: JsonObject) => boolean;
  /** The same for the chunks of a stream that have `mark` in them; all others pass as bytes. */
  readonly adjustChunk?: { readonly mark: string; readonly adjust: (chunk: JsonObject) => void };
}

/** What a provider's chat completions know beyond OpenAI's; the rest of other clients' requests goes (docs/translation.md). */
export interface ChatExtensions {
  /** Anthropic's `cache_control` on content parts and tools. */
  readonly cacheControl?: boolean;
  /** File parts whose `file_data` is an address. */
  readonly fileUrls?: boolean;
  readonly topK?: boolean;
  /** The member of earlier answers in which it wants its own reasoning back. */
  readonly historyReasoning?: "reasoning_details" | "reasoning_content";
  /** OpenRouter's `reasoning` object in place of `reasoning_effort`. */
  readonly reasoningObject?: boolean;
}

/**
 * Contract section 6d, and those beyond it. A provider that is not listed has no quirks: groq, fireworks, featherless,
 * cerebras, novita, vllm and any compatible server.
 */
const QUIRKS: Readonly<Record<string, Quirks>> = {
  openai,
  openrouter,
  xai,
  moonshot,
  alibaba,
  deepinfra,
  deepseek,
  minimax,
  mistral,
  ollama,
  perplexity,
  vllm: { basePath: "/v1" },
  meta: { stripPrefix: "meta/" },
  together: { pricedAs: "together" },
  google: { pricedAs: "google" },
  gemini: { pricedAs: "google" },
  "google-vertex": { pricedAs: "google" },
  bedrock: { pricedAs: "aws" },
  azure: { pricedAs: "azure", maxCompletionTokensFor: /^(o\d|gpt-5)/ },
};

export function quirksOf(provider: string): Quirks {
  return QUIRKS[provider] ?? {};
}
