import type { IncomingHttpHeaders } from "node:http";
import { GatewayError } from "../errors.ts";
import { RETRY_AFTER_SECONDS_DEFAULT } from "../limits.ts";
import { type Provider, safeText } from "../providers/provider.ts";
import type { UpstreamError } from "../providers/upstream-error.ts";
import { EVENT_TOO_LONG, type StreamedProviderError } from "../stream/converter.ts";

/** Contract section 5; 529 is how Anthropic says 503. A 429 and a 500 do not fail over. */
const FAILOVER_STATUSES: ReadonlySet<number> = new Set([401, 402, 403, 404, 502, 503, 504, 529]);
/** What is often over a moment later. */
const RETRY_STATUSES: ReadonlySet<number> = new Set([502, 503, 504, 529]);
const RETRY_AFTER_SECONDS_MAX = 3_600;
/** A provider's `error.code` that is passed on: one word, so that nothing else can be smuggled in. */
const CODE_WORD = /^[a-z][a-z0-9_]{1,63}$/;

/** Why one attempt failed, and what follows from it. */
export class AttemptFailure extends Error {
  override readonly name = "AttemptFailure";
  readonly error: GatewayError;
  /** Whether the next provider is tried. */
  readonly failover: boolean;
  /** Whether the provider's breaker counts it. A request that is itself at fault says nothing about the provider. */
  readonly countsAsFailure: boolean;
  /** The provider's status, or that of an error inside its answer; undefined where there was none. */
  readonly status: number | undefined;
  /** Whether the same provider may be asked again: nothing says that it would fail again. */
  readonly retryable: boolean;

  constructor(error: GatewayError, failover: boolean, countsAsFailure: boolean, traits: FailureTraits = {}) {
    super(error.message);
    this.error = error;
    this.failover = failover;
    this.countsAsFailure = countsAsFailure;
    this.status = traits.status;
    this.retryable = traits.retryable === true;
  }

  /** The key was limited (`429`) or not accepted: another key of the same provider may do better. */
  get keyFault(): "limited" | "refused" | undefined {
    if (this.status === 429) return "limited";
    return this.status === 401 || this.status === 402 || this.status === 403 ? "refused" : undefined;
  }
}

interface FailureTraits {
  readonly status?: number;
  readonly retryable?: boolean;
}

/** The failure behind a status that is not 2xx. */
export function failureOfStatus(
  provider: Provider,
  model: string,
  status: number,
  headers: IncomingHttpHeaders,
  bodyText: string,
): AttemptFailure {
  const problem = provider.wire(model).readProblem(status, headers, bodyText);
  const reason = safeText(provider, problem.message ?? `status ${status}`);
  const retryAfter = retryAfterSeconds(headers["retry-after"]) ?? problem.retryAfterSeconds;
  return failureOf(provider, model, problem.status, reason, retryAfter, problem);
}

/** The failure behind an error object inside a 200: a stream's error event, or an error where an answer should be. */
export function failureOfStreamedError(
  provider: Provider,
  model: string,
  error: StreamedProviderError,
): AttemptFailure {
  if (error === EVENT_TOO_LONG) return invalidResponse(provider, error.message);
  const blamed = { param: undefined, code: error.code };
  return failureOf(provider, model, statusOfStreamedError(error), safeText(provider, error.message), undefined, blamed);
}

function statusOfStreamedError({ type, code }: StreamedProviderError): number {
  const number = Number(code);
  if (Number.isInteger(number) && number >= 400 && number <= 599) return number;
  const words = `${type ?? ""} ${code ?? ""}`;
  if (/rate_limit|insufficient_quota/.test(words)) return 429;
  if (/overloaded|capacity|unavailable/.test(words)) return 503;
  if (/authentication|permission|invalid_api_key/.test(words)) return 401;
  if (/not_found/.test(words)) return 404;
  if (/timeout/.test(words)) return 504;
  if (/invalid_request|context_length/.test(words)) return 400;
  return 502;
}

function failureOf(
  provider: Provider,
  model: string,
  status: number,
  reason: string,
  retryAfter: number | undefined,
  blamed: { readonly param: string | undefined; readonly code: string | undefined },
): AttemptFailure {
  if (status < 400) {
    return invalidResponse(
      provider,
      status >= 300 ? `a redirect (${status}), which is not followed` : `status ${status}`,
    );
  }
  const error = errorOfStatus(provider, model, status, sentence(reason), retryAfter, blamed);
  // A request that is itself at fault, a model that is not there, and a busy key say nothing about the provider.
  const counts = status >= 500 || status === 401 || status === 402 || status === 403;
  const retryable = RETRY_STATUSES.has(status);
  return new AttemptFailure(error, FAILOVER_STATUSES.has(status), counts, { status, retryable });
}

function errorOfStatus(
  provider: Provider,
  model: string,
  status: number,
  reason: string,
  retryAfter: number | undefined,
  { param, code }: { readonly param: string | undefined; readonly code: string | undefined },
): GatewayError {
  const detail = { provider: provider.name, reason };
  switch (status) {
    case 401:
    case 403:
      return new GatewayError("PROVIDER_AUTHENTICATION_ERROR", detail);
    case 404:
      return new GatewayError("MODEL_NOT_FOUND", { ...detail, model }, { param: "model" });
    case 413:
      return new GatewayError("PROVIDER_REQUEST_TOO_LARGE", detail);
    case 429: {
      const retryAfterSeconds = retryAfter ?? RETRY_AFTER_SECONDS_DEFAULT;
      const extra = { retryAfterSeconds, headers: { "x-ratelimit-scope": "upstream" } };
      return new GatewayError("PROVIDER_RATE_LIMITED", { ...detail, retryAfterSeconds }, extra);
    }
    case 503:
    case 529: {
      const extra = retryAfter === undefined ? {} : { retryAfterSeconds: retryAfter };
      return new GatewayError("PROVIDER_UNAVAILABLE", detail, extra);
    }
    case 504:
      return new GatewayError("PROVIDER_TIMEOUT", detail);
  }
  if (status >= 500 || status === 402) return new GatewayError("PROVIDER_ERROR", detail);
  const openAiCode = code !== undefined && CODE_WORD.test(code) ? code : undefined;
  return new GatewayError("PROVIDER_REJECTED_REQUEST", detail, { param, openAiCode });
}

/** An answer that arrived but cannot be one. */
export function invalidResponse(provider: Provider, reason: string): AttemptFailure {
  return new AttemptFailure(
    new GatewayError("PROVIDER_INVALID_RESPONSE", { provider: provider.name, reason }),
    true,
    true,
  );
}

/** The failure behind a connection that did not hold. */
export function failureOfUpstream(provider: Provider, error: UpstreamError): AttemptFailure {
  const detail = { provider: provider.name, reason: sentence(error.message) };
  switch (error.failure) {
    case "connect":
      return new AttemptFailure(new GatewayError("PROVIDER_UNAVAILABLE", detail), true, true, { retryable: true });
    case "connect_timeout":
      return new AttemptFailure(new GatewayError("PROVIDER_TIMEOUT", detail), true, true, { retryable: true });
    case "reset":
      return new AttemptFailure(new GatewayError("PROVIDER_ERROR", detail), true, true, { retryable: true });
    case "refused":
      return new AttemptFailure(new GatewayError("PROVIDER_UNAVAILABLE", detail), true, true);
    case "credentials":
      return new AttemptFailure(new GatewayError("PROVIDER_AUTHENTICATION_ERROR", detail), true, true);
    case "protocol":
    case "cancelled":
      return invalidResponse(provider, error.message);
  }
}

/** Seconds of a `Retry-After` header in either form (RFC 9110, section 10.2.3), at most an hour. */
export function retryAfterSeconds(header: string | string[] | undefined, nowMs = Date.now()): number | undefined {
  if (typeof header !== "string") return undefined;
  const seconds = /^\d+(\.\d+)?$/.test(header.trim()) ? Number(header) : (Date.parse(header) - nowMs) / 1_000;
  if (!Number.isFinite(seconds)) return undefined;
  return Math.min(RETRY_AFTER_SECONDS_MAX, Math.max(1, Math.ceil(seconds)));
}

function sentence(text: string): string {
  // Escaped: one letter beyond Latin-1 in a regular expression doubles the bundle's whole chunk in memory.
  return /[.!?\u2026]$/.test(text) ? text : `${text}.`;
}
