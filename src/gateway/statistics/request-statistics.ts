import type { RequestRecord } from "../request-record.ts";
import { TimeRing } from "./time-ring.ts";
import { Calls, Totals } from "./totals.ts";

const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;
/** What is kept minute by minute, and hour by hour. */
const MINUTES = 61;
const HOURS = 169;
/** Pairs of provider and model that one slot tells apart; what comes after counts as `other`. About 1 KB each. */
const PAIRS_PER_SLOT_MAX = 200;
const OTHER = "other";
/** Stands for the provider and model of a request that none answered. */
const NOBODY = "none";
/** Newest failures that are kept with their details. */
const FAILURES_MAX = 500;

/** One (provider, model) of a stretch of time. */
export interface Row {
  readonly provider: string;
  readonly model: string;
  readonly totals: Totals;
}

/** A stretch of time, whole. */
export interface Period {
  readonly startMs: number;
  readonly rows: readonly Row[];
}

/** A request that failed, as `GET /api/monitoring/errors` tells it. */
export interface FailedRequest {
  readonly atMs: number;
  readonly requestId: string;
  readonly traceId: string;
  /** Whose request it was; undefined before a key was known. */
  readonly keyId: string | undefined;
  readonly provider: string;
  readonly model: string;
  readonly route: string;
  readonly statusCode: number;
  readonly code: string;
  readonly type: string;
  readonly message: string;
  readonly attempts: number;
}

interface SlotCounts {
  readonly rows: Map<string, Row>;
  readonly calls: Map<string, Calls>;
}

const emptySlot = (): SlotCounts => ({ rows: new Map(), calls: new Map() });

/**
 * The gateway's own traffic of the last hour by minute and of the last week by hour, per provider and model, in bounded
 * memory: what the monitoring routes answer from without asking anybody. Probes are no traffic; their calls count among
 * a provider's calls all the same.
 */
export class RequestStatistics {
  readonly #now: () => number;
  readonly startedAtMs: number;
  readonly #minutes = new TimeRing<SlotCounts>(MINUTES, MINUTE_MS, emptySlot);
  readonly #hours = new TimeRing<SlotCounts>(HOURS, HOUR_MS, emptySlot);
  readonly #failures: FailedRequest[] = [];
  #failuresSeen = 0;

  constructor(now: () => number = Date.now) {
    this.#now = now;
    this.startedAtMs = now();
  }

  /** Counts a finished request; those that ask no model count nothing. */
  add(record: RequestRecord): void {
    if (record.inference === undefined || record.outcome === undefined) return;
    const nowMs = this.#now();
    const slots = [this.#minutes.at(nowMs), this.#hours.at(nowMs)];
    for (const { provider, result, durationMs } of record.attempts) {
      // A skipped call was never made, a cancelled one says nothing about the provider.
      if (result !== "success" && result !== "error") continue;
      for (const { calls } of slots) {
        const counted = entryOf(calls, provider, PAIRS_PER_SLOT_MAX, () => new Calls());
        counted.calls++;
        if (result === "error") counted.failures++;
        counted.latency.add(durationMs);
      }
    }
    if (record.probe) return;
    for (const { rows } of slots) addTo(rowOf(rows, record).totals, record);
    this.#keepFailure(record, nowMs);
  }

  /** Per (provider, model) over the last `minutes` (at most 60), this minute included. */
  recent(minutes: number): Row[] {
    return mergeRows(this.#minutes.since(this.#now() - minutes * MINUTE_MS).map(({ value }) => value));
  }

  /** Per (provider, model) over the last `hours` (at most 168), this hour included. */
  past(hours: number): Row[] {
    return mergeRows(this.#hours.since(this.#now() - hours * HOUR_MS).map(({ value }) => value));
  }

  /** Minute by minute, oldest first; minutes without traffic are left out. */
  byMinute(minutes: number): Period[] {
    return periods(this.#minutes, this.#now() - minutes * MINUTE_MS);
  }

  /** Hour by hour, oldest first; hours without traffic are left out. */
  byHour(hours: number): Period[] {
    return periods(this.#hours, this.#now() - hours * HOUR_MS);
  }

  /** Calls per provider over the last `minutes` (at most 60). */
  calls(minutes: number): Map<string, Calls> {
    const merged = new Map<string, Calls>();
    for (const { value } of this.#minutes.since(this.#now() - minutes * MINUTE_MS)) {
      for (const [provider, calls] of value.calls) {
        entryOf(merged, provider, Number.POSITIVE_INFINITY, () => new Calls()).merge(calls);
      }
    }
    return merged;
  }

  /** The newest failures first. */
  failures(): FailedRequest[] {
    return [...this.#failures].sort((a, b) => b.atMs - a.atMs);
  }

  #keepFailure(record: RequestRecord, nowMs: number): void {
    const { outcome } = record;
    const error = outcome?.error;
    if (outcome === undefined || error === undefined || outcome.clientAborted) return;
    const lastTried = record.attempts.findLast(({ result }) => result !== "skipped");
    const { requestId, traceId, route } = record;
    this.#failures[this.#failuresSeen++ % FAILURES_MAX] = {
      atMs: nowMs,
      requestId,
      traceId,
      keyId: record.client?.keyId ?? record.client?.keyName,
      route,
      provider: outcome.provider ?? lastTried?.provider ?? NOBODY,
      model: outcome.model ?? lastTried?.model ?? NOBODY,
      statusCode: outcome.statusCode,
      ...error,
      attempts: record.attempts.length,
    };
  }
}

function addTo(totals: Totals, record: RequestRecord): void {
  const { outcome, usage, cost, inference } = record;
  totals.requests++;
  if (outcome!.clientAborted) totals.aborted++;
  else if (outcome!.error !== undefined) totals.errors++;
  if (inference!.stream) totals.streams++;
  // A cached answer costs nothing, and its time is not the provider's.
  if (outcome!.error === undefined && record.cache?.result !== "hit") {
    totals.latency.add(outcome!.finishedAtMs - record.startedAtMs);
    if (outcome!.timeToFirstChunkMs !== undefined) totals.firstChunk.add(outcome!.timeToFirstChunkMs);
  }
  if (usage !== undefined) {
    totals.inputTokens += usage.inputTokens;
    totals.outputTokens += usage.outputTokens;
    totals.cachedTokens += usage.cachedInputTokens;
    totals.reasoningTokens += usage.reasoningTokens;
  }
  if (cost !== undefined) {
    totals.costUsd += cost.totalUsd;
    if (cost.defaultPricing) totals.defaultPriced++;
  }
}

function rowOf(rows: Map<string, Row>, { outcome }: RequestRecord): Row {
  let [provider, model] = [outcome!.provider ?? NOBODY, outcome!.model ?? NOBODY];
  let key = `${provider}\n${model}`;
  let row = rows.get(key);
  if (row === undefined && rows.size >= PAIRS_PER_SLOT_MAX) {
    [provider, model] = [OTHER, OTHER];
    key = OTHER;
    row = rows.get(key);
  }
  if (row === undefined) {
    row = { provider, model, totals: new Totals() };
    rows.set(key, row);
  }
  return row;
}

function entryOf<T>(map: Map<string, T>, name: string, sizeMax: number, make: () => T): T {
  const key = map.has(name) || map.size < sizeMax ? name : OTHER;
  let entry = map.get(key);
  if (entry === undefined) {
    entry = make();
    map.set(key, entry);
  }
  return entry;
}

function mergeRows(slots: readonly SlotCounts[]): Row[] {
  const merged = new Map<string, Row>();
  for (const { rows } of slots) {
    for (const [key, { provider, model, totals }] of rows) {
      let row = merged.get(key);
      if (row === undefined) {
        row = { provider, model, totals: new Totals() };
        merged.set(key, row);
      }
      row.totals.merge(totals);
    }
  }
  return [...merged.values()];
}

function periods(ring: TimeRing<SlotCounts>, fromMs: number): Period[] {
  return ring
    .since(fromMs)
    .filter(({ value }) => value.rows.size > 0)
    .map(({ startMs, value }) => ({ startMs, rows: [...value.rows.values()] }));
}
