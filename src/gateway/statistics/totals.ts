import { LatencyHistogram } from "./latency-histogram.ts";

/** What requests of one (provider, model) added up to in some stretch of time. */
export class Totals {
  requests = 0;
  /** Answers with an error status, and streams that broke; departed clients are no errors. */
  errors = 0;
  aborted = 0;
  streams = 0;
  inputTokens = 0;
  outputTokens = 0;
  cachedTokens = 0;
  reasoningTokens = 0;
  costUsd = 0;
  /** Requests whose price was not known. */
  defaultPriced = 0;
  /** Whole requests. */
  readonly latency = new LatencyHistogram();
  /** To the first content chunk; streams only. */
  readonly firstChunk = new LatencyHistogram();

  merge(other: Totals): void {
    this.requests += other.requests;
    this.errors += other.errors;
    this.aborted += other.aborted;
    this.streams += other.streams;
    this.inputTokens += other.inputTokens;
    this.outputTokens += other.outputTokens;
    this.cachedTokens += other.cachedTokens;
    this.reasoningTokens += other.reasoningTokens;
    this.costUsd += other.costUsd;
    this.defaultPriced += other.defaultPriced;
    this.latency.merge(other.latency);
    this.firstChunk.merge(other.firstChunk);
  }

  get errorRate(): number {
    return this.requests === 0 ? 0 : this.errors / this.requests;
  }

  get tokens(): number {
    return this.inputTokens + this.outputTokens;
  }
}

/** Calls to one provider, failed-over ones included. */
export class Calls {
  calls = 0;
  failures = 0;
  readonly latency = new LatencyHistogram();

  merge(other: Calls): void {
    this.calls += other.calls;
    this.failures += other.failures;
    this.latency.merge(other.latency);
  }

  get errorRate(): number {
    return this.calls === 0 ? 0 : this.failures / this.calls;
  }
}
