import type { Config } from "../../config/schema.ts";
import type { Provider } from "../providers/provider.ts";

type Timeouts = Config["gateway"]["timeouts"];

/** Longest times of one call to a provider, ms. */
export interface AttemptLimits {
  /** Wait for a free connection and for it to be made. */
  readonly startMs: number;
  readonly writeMs: number;
  /** Longest silence of a provider that owes an answer. */
  readonly readMs: number;
  /** The whole answer, or the first content of a stream. */
  readonly attemptMs: number;
  /** A stream that brings less before its first content is given up; 0: never. */
  readonly bytesPerSecondMin: number;
}

/** Contract section 5: providers that load a model at the first call. */
const SLOW_PROVIDERS: Readonly<Record<string, number>> = { huggingface: 120_000 };

/**
 * The limits of a call: the provider's own settings, else what is known of the provider or the model, else the general
 * ones.
 * @param patienceMs What the endpoint itself needs at least: pictures take minutes, long sound takes its time to be sent.
 */
export function attemptLimits(
  timeouts: Timeouts,
  bytesPerSecondMin: number,
  provider: Provider,
  model: string,
  patienceMs = 0,
): AttemptLimits {
  const own = provider.timeouts;
  const slow = provider.quirks.slowModels;
  const slowMs = slow?.pattern.test(model) ? slow.attemptMs : SLOW_PROVIDERS[provider.name];
  const attemptMs = own?.attempt ?? Math.max(slowMs ?? timeouts.attempt, patienceMs);
  return {
    startMs: timeouts.pool + timeouts.connect,
    writeMs: own?.write ?? Math.max(timeouts.write, patienceMs),
    readMs: own?.read ?? Math.max(timeouts.read, slowMs ?? 0, patienceMs),
    attemptMs,
    bytesPerSecondMin,
  };
}

/**
 * Unix ms at which the request as a whole is given up. A provider that may take longer than a request usually may gets
 * its time.
 */
export function deadlineOf(timeouts: Timeouts, startedAtMs: number, stream: boolean, longestAttemptMs: number): number {
  const wholeMs = stream ? timeouts.stream : timeouts.request;
  return startedAtMs + Math.max(wholeMs, longestAttemptMs > timeouts.attempt ? longestAttemptMs : 0);
}

/** Limits of a stream that has begun, ms. */
export function streamLimits(timeouts: Timeouts, provider: Provider): { idleMs: number; wallMs: number } {
  return {
    idleMs: provider.timeouts?.streamIdle ?? timeouts.streamIdle,
    wallMs: provider.timeouts?.stream ?? timeouts.stream,
  };
}
