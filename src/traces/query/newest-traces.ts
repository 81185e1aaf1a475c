import type { TraceSummary } from "./trace-summary.ts";

/** Collects results and knows from when on a further one would be too old to be shown. */
export class NewestTraces {
  readonly #limit: number;
  #found = new Map<string, TraceSummary>();
  /** Unix ms; traces that start before cannot be among the newest. */
  cutoffMs = Number.NEGATIVE_INFINITY;

  constructor(limit: number) {
    this.#limit = limit;
  }

  has(traceId: string): boolean {
    return this.#found.has(traceId);
  }

  add(summary: TraceSummary): void {
    const known = this.#found.get(summary.traceId);
    if (known === undefined) this.#found.set(summary.traceId, summary);
    else known.merge(summary);
    // Twice the limit are kept before the older half goes, so that sorting is rare.
    const isFull = this.#found.size === this.#limit && this.cutoffMs === Number.NEGATIVE_INFINITY;
    if (isFull || this.#found.size >= this.#limit * 2) this.#dropOldest();
  }

  /** The newest traces, newest first. */
  take(): TraceSummary[] {
    return this.#sorted().slice(0, this.#limit);
  }

  #dropOldest(): void {
    const newest = this.take();
    this.#found = new Map(newest.map((summary) => [summary.traceId, summary]));
    this.cutoffMs = Number(newest.at(-1)!.startNs / 1_000_000n);
  }

  #sorted(): TraceSummary[] {
    return [...this.#found.values()].sort((left, right) =>
      right.startNs > left.startNs ? 1 : right.startNs < left.startNs ? -1 : 0,
    );
  }
}
