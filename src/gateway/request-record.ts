import type { Budget, KeyLimits } from "../config/access.ts";
import type { BreakerState, GatewayEvents, GatewayFacts } from "./gateway-events.ts";
import type { RawUsage } from "./usage/raw-usage.ts";

export type { BreakerState, GatewayEvents, GatewayFacts, PoolFact } from "./gateway-events.ts";

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
  /** Filled by routing where it had a choice; absent for a plain list of providers in their order. */
  routing?: RoutingDecision;
  /** Who the client says it acts for (`user`, `metadata.user_id`); for usage and history, never a label. */
  endUser?: string;
  outcome: RequestOutcome | undefined;
  /** Filled by usage. */
  usage: TokenUsage | undefined;
  /** What we would have counted ourselves, where it was worked out anyway. */
  estimate?: TokenEstimate;
  cost: RequestCost | undefined;
  /** What the response cache did; undefined where it was not asked (off for this key, or another endpoint). */
  cache?: CacheUse;
  /** Labels that before-hooks put on the request; at most 16, short. */
  tags?: Readonly<Record<string, string>>;
  /** Redacted texts, filled only where content capture and its span attributes are switched on. */
  captured?: CapturedContent;
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
  /** Stable id of the key: `key_…` of the database, `config:name` of the file; `keyName` where absent. */
  readonly keyId?: string;
  readonly owner?: string;
  readonly team?: string;
  /** Globs; absent where the key may use all. */
  readonly allowedModels?: readonly string[];
  readonly allowedProviders?: readonly string[];
  /** Limits of this key's own; absent ones are the configured defaults. */
  readonly limits?: KeyLimits;
  /** Of the key alone; its team has one of its own. */
  readonly budget?: Budget;
  /** Alias whose list is tried after the asked model. */
  readonly fallback?: string;
  /** Answers may come from the response cache. */
  readonly cache?: boolean;
  /** What usage is also counted by. */
  readonly tags?: readonly string[];
  /** Asked without a key: models that cost nothing, few of them. */
  readonly anonymous?: boolean;
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
  /** The following are absent where the client did not send them. */
  readonly topK?: number;
  readonly seed?: number;
  /** `n` of chat completions. */
  readonly choiceCount?: number;
  readonly stopSequences?: readonly string[];
  /** `text`, `json`, `image` or `speech`: what was asked for. */
  readonly outputType?: string;
  readonly conversationId?: string;
  readonly reasoningEffort?: string;
}

/** How routing chose, for the span `route_model`, the log line and `GET /v1/requests/{id}`. */
export interface RoutingDecision {
  /** `priority_failover`, `alias`, `balanced`, `smart`, … */
  readonly strategy: string;
  /** Of the smart router: cost, latency, quality or balanced. */
  readonly policy?: string;
  /** Of an alias: the name that the client used. */
  readonly alias?: string;
  /** `provider/model` in the order in which they would be tried; at most 10. */
  readonly candidates: readonly string[];
  /** Providers and models that were not to be tried, or moved to the end, and why; at most 20. */
  readonly passedOver?: readonly PassedOver[];
  /** Why the first is the first, in a few words. */
  readonly reason?: string;
  readonly confidence?: number;
  /** Time of the decision. */
  readonly durationMs?: number;
}

export interface PassedOver {
  readonly provider: string;
  readonly model: string;
  /** `breaker_open`, `margin_floor`, `not_allowed`, `unhealthy`, `not_served`. */
  readonly reason: string;
}

/** Tokens as estimated before the provider counted; absent parts were not estimated. */
export interface TokenEstimate {
  readonly inputTokens?: number;
  readonly outputTokens?: number;
  readonly method: "tiktoken" | "word_heuristic";
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
  breakerState: BreakerState;
  /** Why this call was made; `first` where absent. */
  kind?: "first" | "retry" | "key_rotation" | "fallback" | "hedge";
  /** Which of the provider's keys was used, by its configured name or position; never the key. */
  keyLabel?: string;
  /** How long was waited before it, such as for back-off. */
  waitedMs?: number;
  /** The provider's own request id (`x-request-id`, `request-id`). */
  providerRequestId?: string;
  /** Unix ms of the provider's status line. */
  headAtMs?: number;
  /** Unix ms at which the whole reply, or a stream's first content, was there. */
  answeredAtMs?: number;
  /** Unix ms at which a connection was had, of calls that failed or were given up. */
  connectedAtMs?: number;
  /** Tokens of a call whose answer nobody got (a hedge that lost, a client that left): they cost all the same. */
  spent?: RawUsage & { readonly estimated?: boolean };
}

/** Milliseconds by contract stage; absent stages were not reached. */
interface StageTimes {
  request_parsing?: number;
  auth_validation?: number;
  request_preparation?: number;
  backend_fetch?: number;
  stream_processing?: number;
}

export interface CacheUse {
  readonly result: "hit" | "miss" | "bypass";
  /** First 16 hex digits of the entry's key; absent for a bypass. */
  readonly key?: string;
  /** What the answer cost when a provider made it; hits only. */
  readonly savedUsd?: number;
}

/** Prompt and answer as JSON texts of the client's own format, redacted and cut to the capture limit. */
export interface CapturedContent {
  readonly input: string;
  readonly output: string;
}

export interface RequestOutcome {
  readonly statusCode: number;
  /** The provider and model that answered; undefined when none did. */
  readonly provider: string | undefined;
  readonly model: string | undefined;
  readonly responseId: string | undefined;
  /** The model's own name in the provider's answer, where it differs from the asked one. */
  readonly responseModel?: string;
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

/** The doors of telemetry: two for requests, two for everything else. None of them throws or waits. */
export interface Telemetry {
  requestStarted(record: RequestRecord): void;
  requestFinished(record: RequestRecord): void;
  event<Name extends keyof GatewayEvents>(name: Name, detail: GatewayEvents[Name]): void;
  /** Registers a reader that is asked before each exposition; several may be registered under one name. */
  observe<Name extends keyof GatewayFacts>(name: Name, read: () => GatewayFacts[Name]): void;
}
