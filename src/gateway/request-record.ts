/**
 * One request's story. It is made when the request arrives, travels through routes → access → routing → providers →
 * stream → usage, where each station fills its own fields and reads only earlier ones, and ends in telemetry, the only
 * place that knows metrics, logs and spans. Times named `…AtMs` are Unix ms with fractions; `…Ms` are durations.
 */
export interface RequestRecord {
  readonly requestId: string;
  /** 32 lower-case hex digits; taken from a valid incoming `traceparent`, else made. */
  readonly traceId: string;
  /** 16 hex digits: the HTTP server span. */
  readonly spanId: string;
  /** The caller's span, when it sent `traceparent`. */
  readonly parentSpanId: string | undefined;
  readonly startedAtMs: number;
  readonly method: string;
  /** Route template, such as `/v1/chat/completions`; never the raw URL. */
  readonly route: string;
  /** Whose error and stream shapes the client expects. */
  readonly dialect: "openai" | "anthropic";
  readonly userAgent: string;
  requestBodyBytes: number;

  /** Filled by access. */
  client: ClientIdentity | undefined;
  /** Filled by the route after decoding; undefined for requests that ask no model (such as `GET /v1/models`). */
  inference: InferenceRequest | undefined;
  /** Filled by routing, one entry per provider tried or skipped, in order. */
  readonly attempts: AttemptRecord[];
  /** Filled by providers and stream. */
  readonly stages: StageTimes;
  outcome: RequestOutcome | undefined;
  /** Filled by usage. */
  usage: TokenUsage | undefined;
  cost: RequestCost | undefined;
  /** True where the answer came from the built-in simulator. */
  simulated: boolean;
  /** True for the health service's own probes, which are no customer traffic. */
  probe: boolean;
}

export interface ClientIdentity {
  /** `admin`, `demo` or the configured name of the key. */
  readonly keyName: string;
  /** First 16 hex digits of the key's SHA-256; never the key. */
  readonly keyHash: string;
  readonly tier: string;
  readonly unlimited: boolean;
}

export interface InferenceRequest {
  /** Contract section 8: `chat_completion`, `text_completion`, … */
  readonly requestType: string;
  /** The model as the client wrote it. */
  readonly requestedModel: string;
  readonly stream: boolean;
  readonly temperature: number | undefined;
  readonly maxTokens: number | undefined;
  readonly topP: number | undefined;
  readonly frequencyPenalty: number | undefined;
  readonly presencePenalty: number | undefined;
  readonly toolCount: number;
}

export interface AttemptRecord {
  readonly provider: string;
  readonly model: string;
  /** Upstream URL without query and credentials. */
  readonly url: string;
  /** 16 hex digits: span of this provider call, sent upstream in `traceparent`. */
  readonly spanId: string;
  readonly startedAtMs: number;
  /** To the end of the answer, body included; 0 when skipped. */
  durationMs: number;
  statusCode: number | undefined;
  /** `skipped` never sent anything (breaker open, no key, no such model). */
  result: "pending" | "success" | "error" | "skipped" | "cancelled";
  errorType: string | undefined;
  /** At most 500 characters, without secrets. */
  errorMessage: string | undefined;
  breakerState: "closed" | "open" | "half_open";
}

/** Milliseconds by contract stage; absent stages were not reached. */
interface StageTimes {
  request_parsing?: number;
  auth_validation?: number;
  request_preparation?: number;
  backend_fetch?: number;
  stream_processing?: number;
}

export interface RequestOutcome {
  readonly statusCode: number;
  /** The provider and model that answered; undefined when none did. */
  readonly provider: string | undefined;
  readonly model: string | undefined;
  readonly responseId: string | undefined;
  readonly finishReason: string | undefined;
  readonly responseBodyBytes: number;
  readonly finishedAtMs: number;
  /** From the start to the provider's response headers; undefined when none came. */
  readonly timeToFirstByteMs: number | undefined;
  /** From the start to the first content chunk sent to the client (streams only). */
  readonly timeToFirstChunkMs: number | undefined;
  readonly chunks: number;
  readonly chunksDropped: number;
  /** True when the client went away before the end. */
  readonly clientAborted: boolean;
  /** Breaks after the headers were sent count here too, although the status stays 200. */
  readonly error: { readonly code: string; readonly type: string; readonly message: string } | undefined;
}

export interface TokenUsage {
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly cachedInputTokens: number;
  /** Input tokens written to the provider's prompt cache (Anthropic); part of `inputTokens`. */
  readonly cacheWriteInputTokens?: number;
  readonly reasoningTokens: number;
  readonly source: "provider" | "provider_partial" | "tiktoken" | "word_heuristic";
}

export interface RequestCost {
  readonly inputUsd: number;
  readonly outputUsd: number;
  readonly totalUsd: number;
  /** True when the model has no known price and the default price was used. */
  readonly defaultPricing: boolean;
}

/** What happens in the gateway beside requests; the catalogue that telemetry turns into metrics and log lines. */
export interface GatewayEvents {
  breakerMoved: { provider: string; from: BreakerState; to: BreakerState };
  breakerResult: { provider: string; state: BreakerState; success: boolean };
  breakerRejected: { provider: string };
  concurrencyChanged: { active: number; queued: number };
  concurrencyRejected: { reason: "queue_full" | "queue_timeout" };
  rateLimited: { limitType: string };
  /** A key has used this share of what it may cost today. */
  spendWarning: { keyName: string; percent: number; spentUsd: number; capUsd: number };
  keyLookup: { status: "found" | "missing" | "invalid" };
  fallbackActivated: { primary: string; fallback: string };
  catalogLoaded: { gateway: string; models: number; hit: boolean };
  priceLookup: { model: string; known: boolean; cacheHit: boolean };
  chunksDropped: { provider: string; model: string; count: number };
  /** Errors in the last minute made all limits shrink (`active`), or they are back after `lastedMs`. */
  velocityModeChanged: { active: boolean; errorRate: number; requests: number; errors: number; lastedMs: number };
  uncaughtError: { type: string };
}
export type BreakerState = "closed" | "open" | "half_open";

/** The two doors of telemetry, and one for everything that is no request. None of them throws or waits. */
export interface Telemetry {
  requestStarted(record: RequestRecord): void;
  requestFinished(record: RequestRecord): void;
  event<Name extends keyof GatewayEvents>(name: Name, detail: GatewayEvents[Name]): void;
}
