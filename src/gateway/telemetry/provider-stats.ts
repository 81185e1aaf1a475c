/** Minutes that the rolling window covers. */
const WINDOW_MINUTES = 60;
const MINUTE_MS = 60_000;
/** Response times kept per minute for the p95; more are represented by a random subset. */
const LATENCIES_PER_MINUTE_MAX = 64;
/** An estimate from less than this would extrapolate a single request. */
const ESTIMATE_WINDOW_MIN_MS = 5 * MINUTE_MS;

interface MinuteSlot {
  minute: number;
  requests: number;
  errors: number;
  latencySumMs: number;
  costUsd: number;
  readonly latenciesMs: number[];
  latenciesSeen: number;
}

/** What the last hour of one provider looked like. */
export interface HourSummary {
  readonly requests: number;
  readonly errors: number;
  /** 0 to 1; 0 without requests. */
  readonly errorRate: number;
  readonly latencyMeanMs: number;
  readonly latencyP95Ms: number;
  readonly costUsd: number;
}

/** Results of one provider's calls: the last hour in one-minute slots, and the health score of the whole life. */
export class ProviderStats {
  readonly #slots: (MinuteSlot | undefined)[] = new Array(WINDOW_MINUTES);
  readonly #startedAtMs: number;
  /** Contract section 1: starts at 100, +2 per success, -5 per failure, within 0 to 100. */
  healthScore = 100;

  constructor(nowMs: number) {
    this.#startedAtMs = nowMs;
  }

  recordCall(nowMs: number, success: boolean, durationMs: number): void {
    const slot = this.#slotAt(nowMs);
    slot.requests++;
    if (!success) slot.errors++;
    slot.latencySumMs += durationMs;
    slot.latenciesSeen++;
    if (slot.latenciesMs.length < LATENCIES_PER_MINUTE_MAX) slot.latenciesMs.push(durationMs);
    else {
      const index = Math.floor(Math.random() * slot.latenciesSeen);
      if (index < LATENCIES_PER_MINUTE_MAX) slot.latenciesMs[index] = durationMs;
    }
    this.healthScore = Math.min(100, Math.max(0, this.healthScore + (success ? 2 : -5)));
  }

  recordCost(nowMs: number, usd: number): void {
    this.#slotAt(nowMs).costUsd += usd;
  }

  #slotAt(nowMs: number): MinuteSlot {
    const minute = Math.floor(nowMs / MINUTE_MS);
    const index = minute % WINDOW_MINUTES;
    const slot = this.#slots[index];
    if (slot !== undefined && slot.minute === minute) return slot;
    const fresh = { minute, requests: 0, errors: 0, latencySumMs: 0, costUsd: 0, latenciesMs: [], latenciesSeen: 0 };
    this.#slots[index] = fresh;
    return fresh;
  }

  lastHour(nowMs: number): HourSummary {
    const oldest = Math.floor(nowMs / MINUTE_MS) - WINDOW_MINUTES + 1;
    let [requests, errors, latencySumMs, costUsd] = [0, 0, 0, 0];
    const latencies: number[] = [];
    for (const slot of this.#slots) {
      if (slot === undefined || slot.minute < oldest) continue;
      requests += slot.requests;
      errors += slot.errors;
      latencySumMs += slot.latencySumMs;
      costUsd += slot.costUsd;
      latencies.push(...slot.latenciesMs);
    }
    latencies.sort((a, b) => a - b);
    return {
      requests,
      errors,
      errorRate: requests === 0 ? 0 : errors / requests,
      latencyMeanMs: requests === 0 ? 0 : latencySumMs / requests,
      latencyP95Ms: latencies[Math.ceil(latencies.length * 0.95) - 1] ?? 0,
      costUsd,
    };
  }

  /** Cost of the last hour (or of the time since the first call, at least five minutes) extrapolated to a day. */
  dailyCostEstimateUsd(nowMs: number): number {
    const elapsedMs = Math.max(ESTIMATE_WINDOW_MIN_MS, Math.min(WINDOW_MINUTES * MINUTE_MS, nowMs - this.#startedAtMs));
    return (this.lastHour(nowMs).costUsd * 86_400_000) / elapsedMs;
  }
}

/**
 * Health score that the dashboards' documents ask for: 0.4 availability + 0.3 (1 - error rate) + 0.3 latency score,
 * 0 to 1; the latency score is 1 up to a p95 of 2 s and falls linearly to 0 at 10 s.
 */
export function weightedHealthScore(available: boolean, hour: HourSummary): number {
  const latencyScore = Math.min(1, Math.max(0, (10_000 - hour.latencyP95Ms) / 8_000));
  return 0.4 * (available ? 1 : 0) + 0.3 * (1 - hour.errorRate) + 0.3 * latencyScore;
}
