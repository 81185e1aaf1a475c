import type { WalPosition } from "../../storage/sync-wal.ts";
import type { PeriodName } from "../access/budgets.ts";
import type { Periods } from "../access/periods.ts";
import type { SettlementEntry } from "./entries.ts";
import { PENDING_ROWS_MAX } from "./limits.ts";

const HOUR_MS = 3_600_000;
/** Stands for the end users, tags and models that were too many. */
const OTHER = "(other)";

/** What is summed up of the requests of one row. */
export interface UsageSums {
  requests: number;
  errors: number;
  interrupted: number;
  input_tokens: number;
  output_tokens: number;
  cached_tokens: number;
  cache_write_tokens: number;
  reasoning_tokens: number;
  cost_nano_usd: number;
}

/** Hours are Unix hours, UTC. */
export type HourRow = UsageSums & { hour: number; key_id: string; team: string; provider: string; model: string };
export type EndUserRow = UsageSums & { hour: number; key_id: string; end_user: string; model: string };
export type TagRow = UsageSums & { hour: number; key_id: string; tag: string; model: string };
export interface BudgetRow {
  scope: string;
  period: PeriodName;
  start_ms: number;
  nano_usd: number;
}

/** Sums of the requests that have been settled since the last roll-up: what one roll-up adds to the database. */
export class UsageBatch {
  readonly hours = new Map<string, HourRow>();
  readonly endUsers = new Map<string, EndUserRow>();
  readonly tags = new Map<string, TagRow>();
  /** By scope: the rows of the day and the month that its last request lay in. */
  readonly #currentBudgets = new Map<string, { readonly day: BudgetRow; readonly month: BudgetRow }>();
  readonly budgets = new Map<string, BudgetRow>();
  /** Key id → Unix ms of its last request. */
  readonly lastUse = new Map<string, number>();
  requests = 0;
  /** Everything up to here in the log is in the sums. */
  through: WalPosition | undefined;

  /** @param periods Days and months of budgets; an hour of the clock may lie in two days of a zone. */
  add(entry: SettlementEntry, periods: Periods): void {
    const { subject, atMs } = entry;
    const { keyId, team, provider, model, endUser } = subject;
    const hour = Math.floor(atMs / HOUR_MS);
    this.requests++;
    if (this.hours.size < PENDING_ROWS_MAX) this.#addHour(hour, provider, model, entry);
    else this.#addHour(hour, OTHER, OTHER, entry);
    if (endUser !== "") this.#addEndUser(hour, endUser, entry);
    for (const tag of subject.tags) this.#addTag(hour, tag, entry);
    this.lastUse.set(keyId, atMs);
    if (!subject.budgeted) return;
    this.#addBudget(`key:${keyId}`, entry, periods);
    if (team !== "") this.#addBudget(`team:${team}`, entry, periods);
  }

  /** Adds what another batch has summed up. */
  merge(other: UsageBatch): void {
    this.requests += other.requests;
    mergeRows(this.hours, other.hours);
    mergeRows(this.endUsers, other.endUsers);
    mergeRows(this.tags, other.tags);
    for (const [key, row] of other.budgets) {
      const known = this.budgets.get(key);
      if (known === undefined) this.budgets.set(key, row);
      else known.nano_usd += row.nano_usd;
    }
    for (const [keyId, atMs] of other.lastUse) {
      this.lastUse.set(keyId, Math.max(atMs, this.lastUse.get(keyId) ?? 0));
    }
  }

  #addHour(hour: number, provider: string, model: string, entry: SettlementEntry): void {
    const { keyId, team } = entry.subject;
    const key = `${hour}\n${keyId}\n${team}\n${provider}\n${model}`;
    let row = this.hours.get(key);
    if (row === undefined) {
      row = { hour, key_id: keyId, team, provider, model, ...noUsage() };
      this.hours.set(key, row);
    }
    addTo(row, entry);
  }

  #addEndUser(hour: number, endUser: string, entry: SettlementEntry): void {
    const { keyId, model } = entry.subject;
    const named = this.endUsers.size < PENDING_ROWS_MAX ? endUser : OTHER;
    const key = `${hour}\n${keyId}\n${named}\n${model}`;
    let row = this.endUsers.get(key);
    if (row === undefined) {
      row = { hour, key_id: keyId, end_user: named, model, ...noUsage() };
      this.endUsers.set(key, row);
    }
    addTo(row, entry);
  }

  #addTag(hour: number, tag: string, entry: SettlementEntry): void {
    const { keyId, model } = entry.subject;
    const named = this.tags.size < PENDING_ROWS_MAX ? tag : OTHER;
    const key = `${hour}\n${keyId}\n${named}\n${model}`;
    let row = this.tags.get(key);
    if (row === undefined) {
      row = { hour, key_id: keyId, tag: named, model, ...noUsage() };
      this.tags.set(key, row);
    }
    addTo(row, entry);
  }

  #addBudget(scope: string, { atMs, nanoUsd }: SettlementEntry, periods: Periods): void {
    const day = periods.day(atMs).startMs;
    const month = periods.month(atMs).startMs;
    let current = this.#currentBudgets.get(scope);
    if (current?.day.start_ms !== day || current.month.start_ms !== month) {
      current = { day: this.#budgetRow(scope, "day", day), month: this.#budgetRow(scope, "month", month) };
      this.#currentBudgets.set(scope, current);
    }
    current.day.nano_usd += nanoUsd;
    current.month.nano_usd += nanoUsd;
  }

  /** The row of a period that has just begun, or that the clock or a log went back to. */
  #budgetRow(scope: string, period: PeriodName, startMs: number): BudgetRow {
    const key = `${scope}\n${period}\n${startMs}`;
    let row = this.budgets.get(key);
    if (row === undefined) {
      row = { scope, period, start_ms: startMs, nano_usd: 0 };
      this.budgets.set(key, row);
    }
    return row;
  }
}

function mergeRows<Row extends UsageSums>(rows: Map<string, Row>, others: ReadonlyMap<string, Row>): void {
  for (const [key, other] of others) {
    const row = rows.get(key);
    if (row === undefined) {
      rows.set(key, other);
      continue;
    }
    row.requests += other.requests;
    row.errors += other.errors;
    row.interrupted += other.interrupted;
    row.input_tokens += other.input_tokens;
    row.output_tokens += other.output_tokens;
    row.cached_tokens += other.cached_tokens;
    row.cache_write_tokens += other.cache_write_tokens;
    row.reasoning_tokens += other.reasoning_tokens;
    row.cost_nano_usd += other.cost_nano_usd;
  }
}

function noUsage(): UsageSums {
  return {
    requests: 0,
    errors: 0,
    interrupted: 0,
    input_tokens: 0,
    output_tokens: 0,
    cached_tokens: 0,
    cache_write_tokens: 0,
    reasoning_tokens: 0,
    cost_nano_usd: 0,
  };
}

function addTo(row: UsageSums, { tokens, nanoUsd, result }: SettlementEntry): void {
  row.requests++;
  if (result === "error") row.errors++;
  else if (result === "interrupted") row.interrupted++;
  row.input_tokens += tokens.input;
  row.output_tokens += tokens.output;
  row.cached_tokens += tokens.cachedInput;
  row.cache_write_tokens += tokens.cacheWriteInput;
  row.reasoning_tokens += tokens.reasoning;
  row.cost_nano_usd += nanoUsd;
}
