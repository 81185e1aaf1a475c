import { randomHex } from "../record.ts";
import type { AttemptRecord, RequestRecord } from "../request-record.ts";
import { attemptEvents } from "./attempt-events.ts";
import { type GenAiSpanOptions, genAiSpan } from "./gen-ai-span.ts";
import { pathLabel } from "./labels.ts";
import { type Attributes, SPAN_KIND, type Span, type SpanEvent } from "./otlp-spans.ts";
import type { Redact } from "./redact.ts";

/** Longest error text of an attribute (contract section 8). */
const ERROR_CHARS_MAX = 500;
const MODEL_CHARS_MAX = 200;
/** Upstream URLs whose host is remembered. */
const HOSTS_MAX = 500;

/** Which GenAI conventions the span of an inference follows; none leaves it out. */
export interface SpanGenerations {
  readonly any: boolean;
  readonly system: boolean;
}

/** Turns a finished request into its spans (contract sections 8 and 8a): server, routing, the inference, and two
 * per call that was made. */
export class RequestSpans {
  readonly #redact: Redact;
  readonly #generations: SpanGenerations;
  readonly #hosts = new Map<string, { address: string; port: number | undefined }>();

  constructor(redact: Redact, generations: SpanGenerations) {
    this.#redact = redact;
    this.#generations = generations;
  }

  spansOf(record: RequestRecord): Span[] {
    if (record.outcome === undefined) return [];
    const server = this.#serverSpan(record);
    const spans = [server];
    if (record.inference === undefined) return spans;
    spans.push(this.#routeSpan(record));
    const events = attemptEvents(record, this.#redact);
    const inference = this.#generations.any ? genAiSpan(record, this.#genAiOptions(record, server, events)) : undefined;
    if (inference !== undefined) spans.push(inference);
    else if (events.length > 0) spans[0] = { ...server, events: [...server.events, ...events] };
    const parentSpanId = inference?.spanId ?? record.spanId;
    for (const attempt of record.attempts) {
      if (attempt.result === "skipped") continue;
      const modelSpan = this.#modelSpan(record, attempt, parentSpanId);
      spans.push(modelSpan, this.#callSpan(record, attempt, modelSpan));
    }
    return spans;
  }

  #genAiOptions(record: RequestRecord, { failure }: Span, events: readonly SpanEvent[]): GenAiSpanOptions {
    const last = record.attempts.findLast(({ result }) => result !== "skipped");
    const server = this.#hostOf(last?.url ?? "");
    return { system: this.#generations.system, redact: this.#redact, server, failure, events };
  }

  #serverSpan(record: RequestRecord): Span {
    const outcome = record.outcome!;
    const { error, statusCode } = outcome;
    const route = pathLabel(record.route);
    // A client's mistake is no failure of the server; a break after the headers is, although the status stays 200.
    const failed = statusCode >= 500 || (error !== undefined && statusCode < 400);
    return {
      traceId: record.traceId,
      spanId: record.spanId,
      parentSpanId: record.parentSpanId,
      name: `${record.method} ${route}`,
      kind: SPAN_KIND.server,
      startMs: record.startedAtMs,
      endMs: outcome.finishedAtMs,
      attributes: {
        "http.method": record.method,
        "http.request.method": record.method,
        "http.route": route,
        "url.path": route,
        "http.status_code": statusCode,
        "http.response.status_code": statusCode,
        "http.request.body.size": record.requestBodyBytes,
        "http.response.body.size": outcome.responseBodyBytes,
        "user_agent.original": this.#redact(record.userAgent) || undefined,
        "gatewayz.request_id": record.requestId,
        "gatewayz.simulated": record.simulated || undefined,
        "gatewayz.probe": record.probe || undefined,
        "gatewayz.client_aborted": outcome.clientAborted || undefined,
        ...cacheAttributes(record),
        ...clientAttributes(record),
        ...this.#errorAttributes(error?.type, error?.message),
      },
      events: failed ? this.#exception(error?.type, error?.message, outcome.finishedAtMs) : [],
      failure: failed ? this.#errorText(error?.message ?? `status ${statusCode}`) : undefined,
    };
  }

  #routeSpan(record: RequestRecord): Span {
    const { stages, startedAtMs, attempts, routing } = record;
    const first = attempts[0];
    const startMs = startedAtMs + (stages.request_parsing ?? 0) + (stages.auth_validation ?? 0);
    const endMs = Math.max(startMs, first?.startedAtMs ?? startMs + (stages.request_preparation ?? 0));
    const answered = record.outcome!.provider;
    return {
      traceId: record.traceId,
      spanId: randomHex(8),
      parentSpanId: record.spanId,
      name: "route_model",
      kind: SPAN_KIND.internal,
      startMs: Math.min(startMs, endMs),
      endMs,
      attributes: {
        "ai.routing.strategy": routing?.strategy ?? "priority_failover",
        "ai.routing.policy": routing?.policy,
        "ai.routing.alias": routing?.alias === undefined ? undefined : this.#redact(routing.alias),
        "ai.routing.candidates": routing?.candidates,
        "ai.routing.reason": routing?.reason,
        "ai.routing.confidence": routing?.confidence,
        "ai.routing.duration_ms": routing?.durationMs,
        "ai.routing.original_model": this.#model(record),
        "ai.routing.selected": answered === undefined ? undefined : `${answered}/${record.outcome!.model}`,
        "ai.routing.fallback_used": answered !== undefined && first !== undefined && answered !== first.provider,
        "ai.routing.attempts": attempts.length,
        "service.operation": "route_selection",
      },
      events: this.#passedOver(record, endMs),
      failure: undefined,
    };
  }

  /** Who was not to be tried, or not yet, and why. */
  #passedOver({ attempts, routing }: RequestRecord, atMs: number): SpanEvent[] {
    const skipped = attempts.filter(({ result }) => result === "skipped");
    const passedOver = routing?.passedOver ?? [];
    return [
      ...passedOver.map(({ provider, model, reason }) => ({
        name: "provider_passed_over",
        atMs,
        attributes: { "ai.provider": provider, "ai.model": model, "ai.routing.reason": reason },
      })),
      ...skipped.map(({ provider, model, errorType, breakerState, startedAtMs }) => ({
        name: "provider_skipped",
        atMs: startedAtMs,
        attributes: {
          "ai.provider": provider,
          "ai.model": model,
          "ai.routing.reason": errorType?.toLowerCase(),
          "ai.circuit.state": breakerState,
        },
      })),
    ];
  }

  #model(record: RequestRecord): string {
    return this.#redact(record.inference!.requestedModel).slice(0, MODEL_CHARS_MAX);
  }

  #modelSpan(record: RequestRecord, attempt: AttemptRecord, parentSpanId: string): Span {
    const { provider, model } = attempt;
    const inference = record.inference!;
    const answered = attempt === record.attempts.at(-1);
    return {
      traceId: record.traceId,
      spanId: randomHex(8),
      parentSpanId,
      name: `${provider}/${model}`,
      kind: SPAN_KIND.client,
      startMs: attempt.startedAtMs,
      endMs: attempt.startedAtMs + attempt.durationMs,
      attributes: {
        "ai.provider": provider,
        "ai.model": model,
        "ai.model_id": model,
        "ai.request_type": inference.requestType,
        "ai.duration_ms": attempt.durationMs,
        "ai.latency.inference_ms": attempt.durationMs,
        "ai.latency.queue_ms": Math.max(0, attempt.startedAtMs - record.startedAtMs),
        // Only where it is known apart from the rest: calls that failed or were given up.
        "ai.latency.network_ms":
          attempt.connectedAtMs === undefined ? undefined : Math.max(0, attempt.connectedAtMs - attempt.startedAtMs),
        "ai.circuit.state": attempt.breakerState,
        "ai.routing.original_model": this.#model(record),
        "service.operation": "model_inference",
        "gen_ai.system": provider,
        "gen_ai.provider.name": provider,
        "gen_ai.operation.name": inference.requestType,
        "gen_ai.request.model": model,
        "gen_ai.request.stream": inference.stream,
        ...requestParameters(record),
        ...clientAttributes(record),
        ...(answered ? answerAttributes(record) : {}),
        ...this.#attemptError(attempt),
      },
      events: this.#attemptEvents(attempt),
      failure: this.#attemptFailure(attempt),
    };
  }

  #callSpan(record: RequestRecord, attempt: AttemptRecord, parent: Span): Span {
    const host = this.#hostOf(attempt.url);
    return {
      traceId: record.traceId,
      spanId: attempt.spanId,
      parentSpanId: parent.spanId,
      name: `provider_call/${attempt.provider}`,
      kind: SPAN_KIND.client,
      startMs: attempt.startedAtMs,
      endMs: attempt.startedAtMs + attempt.durationMs,
      attributes: {
        "ai.provider": attempt.provider,
        "service.operation": "provider_api_call",
        "http.url": attempt.url,
        "url.full": attempt.url,
        "http.method": "POST",
        "http.request.method": "POST",
        "http.status_code": attempt.statusCode,
        "http.response.status_code": attempt.statusCode,
        "peer.service": attempt.provider,
        "gatewayz.attempt.kind": attempt.kind,
        "gatewayz.provider.key": attempt.keyLabel,
        "gatewayz.provider.request_id": attempt.providerRequestId,
        "server.address": host.address,
        "server.port": host.port,
        ...this.#attemptError(attempt),
      },
      events: this.#attemptEvents(attempt),
      failure: this.#attemptFailure(attempt),
    };
  }

  #hostOf(url: string): { address: string; port: number | undefined } {
    const known = this.#hosts.get(url);
    if (known !== undefined) return known;
    const parsed = URL.canParse(url) ? new URL(url) : undefined;
    const host = {
      address: parsed?.hostname ?? "unknown",
      port: parsed === undefined || parsed.port === "" ? undefined : Number(parsed.port),
    };
    if (this.#hosts.size < HOSTS_MAX) this.#hosts.set(url, host);
    return host;
  }

  #attemptError(attempt: AttemptRecord): Attributes {
    return attempt.result === "error" ? this.#errorAttributes(attempt.errorType ?? "error", attempt.errorMessage) : {};
  }

  #attemptEvents(attempt: AttemptRecord): SpanEvent[] {
    const endMs = attempt.startedAtMs + attempt.durationMs;
    return attempt.result === "error" ? this.#exception(attempt.errorType, attempt.errorMessage, endMs) : [];
  }

  #attemptFailure(attempt: AttemptRecord): string | undefined {
    return attempt.result === "error" ? this.#errorText(attempt.errorMessage ?? "provider call failed") : undefined;
  }

  #errorAttributes(type: string | undefined, message: string | undefined): Attributes {
    if (type === undefined) return {};
    const text = message === undefined ? undefined : this.#errorText(message);
    return { "error.type": type, "ai.error.type": type, "ai.error.message": text };
  }

  #exception(type: string | undefined, message: string | undefined, atMs: number): SpanEvent[] {
    const attributes = {
      "exception.type": type ?? "error",
      "exception.message": message === undefined ? undefined : this.#errorText(message),
    };
    return [{ name: "exception", atMs, attributes }];
  }

  #errorText(message: string): string {
    return this.#redact(message).slice(0, ERROR_CHARS_MAX);
  }
}

/** Contract section 8: `ai.cache.hit` and `ai.cache.key`. */
function cacheAttributes({ cache }: RequestRecord): Attributes | undefined {
  if (cache === undefined) return undefined;
  return { "ai.cache.hit": cache.result === "hit", "ai.cache.result": cache.result, "ai.cache.key": cache.key };
}

function clientAttributes({ client }: RequestRecord): Attributes {
  if (client === undefined) return {};
  return {
    "user.id": client.keyName,
    "customer.id": client.keyName,
    "user.api_key_hash": client.keyHash,
    "user.tier": client.tier,
  };
}

function requestParameters({ inference }: RequestRecord): Attributes {
  const { temperature, maxTokens, topP, frequencyPenalty, presencePenalty, toolCount } = inference!;
  return {
    "ai.params.temperature": temperature,
    "ai.params.max_tokens": maxTokens,
    "ai.params.top_p": topP,
    "ai.params.frequency_penalty": frequencyPenalty,
    "ai.params.presence_penalty": presencePenalty,
    "ai.params.tools": toolCount > 0 ? toolCount : undefined,
    "gen_ai.request.temperature": temperature,
    "gen_ai.request.max_tokens": maxTokens,
    "gen_ai.request.top_p": topP,
    "gen_ai.request.frequency_penalty": frequencyPenalty,
    "gen_ai.request.presence_penalty": presencePenalty,
  };
}

/** Usage under both generations of names, cost, and what the answer said about itself. */
function answerAttributes({ usage, cost, outcome }: RequestRecord): Attributes {
  const total = usage === undefined ? undefined : usage.inputTokens + usage.outputTokens;
  const firstChunkMs = outcome!.timeToFirstChunkMs;
  return {
    "ai.tokens.input": usage?.inputTokens,
    "ai.tokens.output": usage?.outputTokens,
    "ai.tokens.total": total,
    "gen_ai.usage.input_tokens": usage?.inputTokens,
    "gen_ai.usage.output_tokens": usage?.outputTokens,
    "gen_ai.usage.prompt_tokens": usage?.inputTokens,
    "gen_ai.usage.completion_tokens": usage?.outputTokens,
    "gen_ai.usage.total_tokens": total,
    "gen_ai.usage.cache_read.input_tokens": usage?.cachedInputTokens || undefined,
    "gen_ai.usage.cache_creation.input_tokens": usage?.cacheWriteInputTokens || undefined,
    "gen_ai.usage.reasoning.output_tokens": usage?.reasoningTokens || undefined,
    "gen_ai.usage.cost": cost?.totalUsd,
    "ai.cost.usd": cost?.totalUsd,
    "gen_ai.response.model": outcome!.model,
    "ai.response.model": outcome!.model,
    "gen_ai.response.id": outcome!.responseId,
    "gen_ai.response.finish_reason": outcome!.finishReason,
    "gen_ai.response.finish_reasons": outcome!.finishReason === undefined ? undefined : [outcome!.finishReason],
    "gen_ai.response.time_to_first_chunk": firstChunkMs === undefined ? undefined : firstChunkMs / 1_000,
  };
}
