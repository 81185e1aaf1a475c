import { type JsonObject, numberAt, objectAt } from "../json.ts";

/** Token counts as a provider reports them, in OpenAI's sense: `inputTokens` includes what was read from a cache. */
export interface RawUsage {
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly cacheReadTokens: number;
  readonly cacheWriteTokens: number;
  readonly reasoningTokens: number;
  /** Parts of `inputTokens` and `outputTokens` that were audio; absent where a provider tells none. */
  readonly audioInputTokens?: number;
  /** Part of `inputTokens` that was pictures, where a provider charges and tells it apart. */
  readonly imageInputTokens?: number;
  readonly audioOutputTokens?: number;
  /** Part of `cacheWriteTokens` that is kept an hour in place of five minutes, which costs more (Anthropic). */
  readonly cacheWrite1hTokens?: number;
  /** Searches that the provider made for the answer, which it charges by the piece (Anthropic). */
  readonly webSearches?: number;
}

/** Reads OpenAI's `usage` object (chat completions). Undefined when it has no counts. */
export function readOpenAiUsage(usage: JsonObject): RawUsage | undefined {
  const inputTokens = numberAt(usage, "prompt_tokens");
  const outputTokens = numberAt(usage, "completion_tokens");
  if (inputTokens === undefined && outputTokens === undefined) return undefined;
  const promptDetails = objectAt(usage, "prompt_tokens_details");
  const completionDetails = objectAt(usage, "completion_tokens_details");
  return {
    inputTokens: inputTokens ?? 0,
    outputTokens: outputTokens ?? 0,
    // DeepSeek and Moonshot report hits beside the details object.
    cacheReadTokens:
      numberAt(promptDetails, "cached_tokens") ??
      numberAt(usage, "prompt_cache_hit_tokens") ??
      numberAt(usage, "cached_tokens") ??
      0,
    cacheWriteTokens: numberAt(promptDetails, "cache_write_tokens") ?? 0,
    reasoningTokens: numberAt(completionDetails, "reasoning_tokens") ?? 0,
    ...audioTokens(numberAt(promptDetails, "audio_tokens"), numberAt(completionDetails, "audio_tokens")),
    ...charged(numberAt(promptDetails, "cache_write_1h_tokens"), numberAt(usage, "web_search_requests")),
  };
}

function audioTokens(input: number | undefined, output: number | undefined): Partial<RawUsage> {
  return { ...(input ? { audioInputTokens: input } : {}), ...(output ? { audioOutputTokens: output } : {}) };
}

function charged(cacheWrite1h: number | undefined, webSearches: number | undefined): Partial<RawUsage> {
  return { ...(cacheWrite1h ? { cacheWrite1hTokens: cacheWrite1h } : {}), ...(webSearches ? { webSearches } : {}) };
}

/** Reads the `usage` object of OpenAI's Responses. Undefined when it has no counts. */
export function readResponseUsage(usage: JsonObject): RawUsage | undefined {
  const inputTokens = numberAt(usage, "input_tokens");
  const outputTokens = numberAt(usage, "output_tokens");
  if (inputTokens === undefined && outputTokens === undefined) return undefined;
  const inputDetails = objectAt(usage, "input_tokens_details");
  const outputDetails = objectAt(usage, "output_tokens_details");
  return {
    inputTokens: inputTokens ?? 0,
    outputTokens: outputTokens ?? 0,
    cacheReadTokens: numberAt(inputDetails, "cached_tokens") ?? 0,
    cacheWriteTokens: numberAt(inputDetails, "cache_write_tokens") ?? 0,
    reasoningTokens: numberAt(outputDetails, "reasoning_tokens") ?? 0,
    ...audioTokens(numberAt(inputDetails, "audio_tokens"), numberAt(outputDetails, "audio_tokens")),
  };
}

/**
 * Reads Anthropic's `usage` object. Its `input_tokens` leave cached tokens out, so they are added.
 * @param before What `message_start` said; `message_delta` repeats only some counts, cumulatively.
 */
export function readAnthropicUsage(usage: JsonObject, before?: RawUsage): RawUsage | undefined {
  const input = numberAt(usage, "input_tokens");
  const outputTokens = numberAt(usage, "output_tokens");
  if (input === undefined && outputTokens === undefined) return before;
  const cacheReadTokens = numberAt(usage, "cache_read_input_tokens") ?? before?.cacheReadTokens ?? 0;
  const cacheWriteTokens = numberAt(usage, "cache_creation_input_tokens") ?? before?.cacheWriteTokens ?? 0;
  const freshBefore = before === undefined ? 0 : before.inputTokens - before.cacheReadTokens - before.cacheWriteTokens;
  return {
    // A message_delta with `input_tokens: 0` beside a filled message_start (some proxies) must not erase the count.
    inputTokens: (input || freshBefore) + cacheReadTokens + cacheWriteTokens,
    outputTokens: outputTokens ?? before?.outputTokens ?? 0,
    cacheReadTokens,
    cacheWriteTokens,
    reasoningTokens:
      numberAt(objectAt(usage, "output_tokens_details"), "thinking_tokens") ?? before?.reasoningTokens ?? 0,
    ...charged(
      numberAt(objectAt(usage, "cache_creation"), "ephemeral_1h_input_tokens") ?? before?.cacheWrite1hTokens,
      numberAt(objectAt(usage, "server_tool_use"), "web_search_requests") ?? before?.webSearches,
    ),
  };
}

/** OpenAI's `usage` object for these counts. Cache writes are OpenRouter's and OpenAI's `cache_write_tokens`. */
export function writeOpenAiUsage(usage: RawUsage): JsonObject {
  return {
    prompt_tokens: usage.inputTokens,
    completion_tokens: usage.outputTokens,
    total_tokens: usage.inputTokens + usage.outputTokens,
    prompt_tokens_details: {
      cached_tokens: usage.cacheReadTokens,
      ...(usage.cacheWriteTokens > 0 ? { cache_write_tokens: usage.cacheWriteTokens } : {}),
      ...(usage.audioInputTokens === undefined ? {} : { audio_tokens: usage.audioInputTokens }),
      ...(usage.cacheWrite1hTokens === undefined ? {} : { cache_write_1h_tokens: usage.cacheWrite1hTokens }),
    },
    completion_tokens_details: {
      reasoning_tokens: usage.reasoningTokens,
      ...(usage.audioOutputTokens === undefined ? {} : { audio_tokens: usage.audioOutputTokens }),
    },
    ...(usage.webSearches === undefined ? {} : { web_search_requests: usage.webSearches }),
  };
}

/** The `usage` object of OpenAI's Responses for these counts. */
export function writeResponseUsage(usage: RawUsage): JsonObject {
  return {
    input_tokens: usage.inputTokens,
    input_tokens_details: {
      cached_tokens: usage.cacheReadTokens,
      ...(usage.cacheWriteTokens > 0 ? { cache_write_tokens: usage.cacheWriteTokens } : {}),
    },
    output_tokens: usage.outputTokens,
    output_tokens_details: { reasoning_tokens: usage.reasoningTokens },
    total_tokens: usage.inputTokens + usage.outputTokens,
  };
}

/** Anthropic's `usage` object for these counts. Audio has no place there; it is in the totals. */
export function writeAnthropicUsage(usage: RawUsage): JsonObject {
  return {
    input_tokens: Math.max(0, usage.inputTokens - usage.cacheReadTokens - usage.cacheWriteTokens),
    cache_creation_input_tokens: usage.cacheWriteTokens,
    cache_read_input_tokens: usage.cacheReadTokens,
    output_tokens: usage.outputTokens,
    ...(usage.reasoningTokens > 0 ? { output_tokens_details: { thinking_tokens: usage.reasoningTokens } } : {}),
  };
}
