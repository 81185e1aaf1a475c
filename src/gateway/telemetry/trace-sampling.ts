import type { RequestRecord } from "../request-record.ts";

/** 2^56: the random part of a trace id that OpenTelemetry's ratio sampling looks at. */
const RANDOM_VALUES = 2 ** 56;

/** True where this trace is among the share `ratio` that is exported; the same for every service that asks. */
export function isSampled(traceId: string, ratio: number): boolean {
  if (ratio >= 1) return true;
  return Number.parseInt(traceId.slice(-14), 16) >= RANDOM_VALUES * (1 - ratio) && ratio > 0;
}

export interface Sampling {
  /** Decided at the start of a request, and what the sampled flag says to the providers. */
  readonly headRatio: number;
  readonly tail: { readonly enabled: boolean; readonly ratio: number; readonly slow: number };
}

export type SamplingDecision = "kept_error" | "kept_slow" | "kept_fallback" | "kept" | "dropped";

/**
 * What becomes of a finished request's trace. The head ratio decides alone while tail sampling is off; with it, a trace
 * that the head let through is kept when it failed, was slow or fell back to another provider, else by the tail's ratio
 * of those (both look at the same bits of the id, so a kept trace is kept by every service that knows the ratios).
 */
export function sampleTrace(record: RequestRecord, { headRatio, tail }: Sampling): SamplingDecision {
  if (!isSampled(record.traceId, headRatio)) return "dropped";
  if (!tail.enabled) return "kept";
  const { outcome, attempts } = record;
  if (outcome === undefined || outcome.statusCode >= 500 || outcome.statusCode === 429) return "kept_error";
  if (outcome.error !== undefined && outcome.statusCode < 400) return "kept_error";
  if (attempts.some(({ result }) => result === "error")) {
    return outcome.statusCode < 400 ? "kept_fallback" : "kept_error";
  }
  if (record.inference !== undefined && outcome.statusCode >= 400 && !outcome.clientAborted) return "kept_error";
  if (attempts.length > 1) return "kept_fallback";
  if (outcome.finishedAtMs - record.startedAtMs >= tail.slow) return "kept_slow";
  return isSampled(record.traceId, headRatio * tail.ratio) ? "kept" : "dropped";
}
