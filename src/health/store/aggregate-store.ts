import { setImmediate as breathe } from "node:timers/promises";
import type { Kysely } from "kysely";
import type { Tables } from "../../database/database.ts";
import { type Check, keyOf, type Target } from "../check.ts";
import { DAYS_RETENTION_MS, RETENTION_MS, WEEKS_RETENTION_MS } from "../limits.ts";
import { percentile } from "../probes/tiers.ts";
import { DAY_MS, HOUR_MS, PERIODS, type Period, periodEnd, periodStart } from "./periods.ts";
import type { AggregateRow, HealthTables } from "./tables.ts";

export interface Uptimes {
  readonly uptime24h: number;
  readonly uptime7d: number;
  readonly uptime30d: number;
}

/** What the last hour of one provider looked like. */
export interface ProviderHour {
  readonly requests: number;
  readonly errors: number;
  /** Of successful calls; undefined without any. */
  readonly averageMs: number | undefined;
  readonly p95Ms: number | undefined;
}

/** The longest uptime that is told. */
const UPTIME_DAYS = 30;
/** Updates after which others have their turn. */
const UPDATES_PER_BREATH = 100;

/** Checks, and those that succeeded. */
type Counts = [checks: number, successes: number];
interface UptimeSums {
  readonly day: Counts;
  readonly week: Counts;
  readonly month: Counts;
}

const RETENTION: Readonly<Record<Period, number>> = {
  hour: RETENTION_MS,
  day: DAYS_RETENTION_MS,
  week: WEEKS_RETENTION_MS,
  month: WEEKS_RETENTION_MS,
};

/** Sums and percentiles of calls per target over hours, days, weeks and months. */
export class AggregateStore {
  readonly #tables: Tables<HealthTables>;

  constructor(tables: Tables<HealthTables>) {
    this.#tables = tables;
  }

  /** Customers' calls by target since `sinceMs`, in whole hours. */
  async callsSince(sinceMs: number): Promise<Map<string, number>> {
    const rows = await this.#tables.run((db) =>
      db
        .selectFrom("health_aggregates")
        .select((eb) => ["provider", "model", "gateway", eb.fn.sum<number>("passive_calls").as("calls")])
        .where("period", "=", "hour")
        .where("period_start", ">=", periodStart("hour", sinceMs))
        .groupBy(["provider", "model", "gateway"])
        .execute(),
    );
    return new Map(rows.map((row) => [keyOf(row), Number(row.calls)]));
  }

  /**
   * Uptimes by target, in percent of checks; a target without checks is absent. Read day by day, so that nothing else
   * waits for long where the database works on this thread.
   */
  async uptimes(nowMs: number): Promise<Map<string, Uptimes>> {
    const sums = new Map<string, UptimeSums>();
    for (let day = 0; day < UPTIME_DAYS; day++) {
      const untilMs = day === 0 ? Number.MAX_SAFE_INTEGER : periodStart("hour", nowMs - day * DAY_MS);
      for (const row of await this.#checksBetween(periodStart("hour", nowMs - (day + 1) * DAY_MS), untilMs)) {
        let sum = sums.get(keyOf(row));
        if (sum === undefined) sums.set(keyOf(row), (sum = { day: [0, 0], week: [0, 0], month: [0, 0] }));
        const into = day < 1 ? [sum.day, sum.week, sum.month] : day < 7 ? [sum.week, sum.month] : [sum.month];
        for (const counts of into) {
          counts[0] += Number(row.checks);
          counts[1] += Number(row.successes);
        }
      }
      await breathe();
    }
    const percent = ([checks, successes]: Counts): number => (checks === 0 ? 100 : (100 * successes) / checks);
    return new Map(
      [...sums].map(([key, { day, week, month }]) => [
        key,
        { uptime24h: percent(day), uptime7d: percent(week), uptime30d: percent(month) },
      ]),
    );
  }

  async #checksBetween(fromMs: number, untilMs: number): Promise<(Target & { checks: number; successes: number })[]> {
    return this.#tables.run((db) =>
      db
        .selectFrom("health_aggregates")
        .select((eb) => [
          "provider",
          "model",
          "gateway",
          eb.fn.sum<number>("checks").as("checks"),
          eb.fn.sum<number>("successes").as("successes"),
        ])
        .where("period", "=", "hour")
        .where("period_start", ">=", fromMs)
        .where("period_start", "<", untilMs)
        .groupBy(["provider", "model", "gateway"])
        .execute(),
    );
  }

  /** All targets' sums of one period, oldest first; one target's, or everybody's. */
  async list(
    period: Period,
    sinceMs: number,
    target: Partial<Pick<Target, "provider" | "model">>,
    limit: number,
  ): Promise<AggregateRow[]> {
    return this.#tables.run((db) => {
      let query = db
        .selectFrom("health_aggregates")
        .selectAll()
        .where("period", "=", period)
        .where("period_start", ">=", periodStart(period, sinceMs));
      if (target.provider !== undefined) query = query.where("provider", "=", target.provider);
      if (target.model !== undefined) query = query.where("model", "=", target.model);
      return query.orderBy("period_start").limit(limit).execute();
    });
  }

  /** Checks and successes of all targets together by day, oldest first; today from its hours, which are newer. */
  async days(sinceMs: number, nowMs: number): Promise<{ startMs: number; checks: number; successes: number }[]> {
    const today = periodStart("day", nowMs);
    const sums = (period: Period, fromMs: number) =>
      this.#tables.run((db) =>
        db
          .selectFrom("health_aggregates")
          .select((eb) => [
            "period_start",
            eb.fn.sum<number>("checks").as("checks"),
            eb.fn.sum<number>("successes").as("successes"),
          ])
          .where("period", "=", period)
          .where("period_start", ">=", fromMs)
          .groupBy("period_start")
          .orderBy("period_start")
          .execute(),
      );
    const before = (await sums("day", periodStart("day", sinceMs))).filter((row) => row.period_start < today);
    const hours = await sums("hour", today);
    const total = (name: "checks" | "successes"): number => hours.reduce((sum, row) => sum + Number(row[name]), 0);
    return [
      ...before.map((row) => ({
        startMs: row.period_start,
        checks: Number(row.checks),
        successes: Number(row.successes),
      })),
      ...(hours.length === 0 ? [] : [{ startMs: today, checks: total("checks"), successes: total("successes") }]),
    ];
  }

  /** Calls and checks per provider since `sinceMs`, from the history. */
  async providersSince(sinceMs: number): Promise<Map<string, ProviderHour>> {
    const rows = await this.#tables.run((db) =>
      db
        .selectFrom("health_history")
        .select(["provider", "status", "response_time_ms"])
        .where("checked_at", ">=", sinceMs)
        .orderBy("response_time_ms")
        .execute(),
    );
    const timesMs = new Map<string, number[]>();
    const requests = new Map<string, number>();
    for (const row of rows) {
      requests.set(row.provider, (requests.get(row.provider) ?? 0) + 1);
      if (row.status !== "success") continue;
      const known = timesMs.get(row.provider);
      if (known === undefined) timesMs.set(row.provider, [row.response_time_ms]);
      else known.push(row.response_time_ms);
    }
    return new Map(
      [...requests].map(([provider, count]) => {
        const ascending = timesMs.get(provider) ?? [];
        const sumMs = ascending.reduce((sum, ms) => sum + ms, 0);
        return [
          provider,
          {
            requests: count,
            errors: count - ascending.length,
            averageMs: ascending.length === 0 ? undefined : sumMs / ascending.length,
            p95Ms: ascending.length === 0 ? undefined : percentile(ascending, 0.95),
          },
        ];
      }),
    );
  }

  /**
   * Fills the hour that contains `atMs` with its percentiles.
   * They are of the successful calls that the history still holds, which is bounded in number.
   */
  async finishHour(atMs: number): Promise<void> {
    await this.#fillPercentiles("hour", periodStart("hour", atMs));
  }

  /**
   * Adds up the hours of the days from `sinceMs` to `nowMs`, and those days' weeks and months; fills the percentiles of
   * the periods of now, an hour ago and a day ago: where a period has ended meanwhile, it gets its final numbers.
   */
  async finishLonger(nowMs: number, sinceMs: number = nowMs - DAY_MS): Promise<void> {
    for (const period of PERIODS) {
      if (period === "hour") continue;
      for (let startMs = periodStart(period, sinceMs); startMs <= nowMs; startMs = periodEnd(period, startMs)) {
        await this.#sumHours(period, startMs);
        await breathe();
      }
      const moments = [nowMs - DAY_MS, nowMs - HOUR_MS, nowMs].map((atMs) => periodStart(period, atMs));
      for (const startMs of new Set(moments)) await this.#fillPercentiles(period, startMs);
    }
  }

  /** A month is longer than the hours are kept on its last day: its sum grows by days instead. */
  async #sumHours(period: Period, startMs: number): Promise<void> {
    const from: Period = period === "day" ? "hour" : "day";
    await this.#tables.run((db) =>
      db
        .insertInto("health_aggregates")
        .columns([
          "provider",
          "model",
          "gateway",
          "period",
          "period_start",
          "checks",
          "successes",
          "passive_calls",
          "tokens",
          "response_time_sum_ms",
        ])
        .expression((eb) =>
          eb
            .selectFrom("health_aggregates as part")
            .select((part) => [
              "part.provider",
              "part.model",
              "part.gateway",
              part.val(period).as("period"),
              part.lit(startMs).as("period_start"),
              part.fn.sum<number>("part.checks").as("checks"),
              part.fn.sum<number>("part.successes").as("successes"),
              part.fn.sum<number>("part.passive_calls").as("passive_calls"),
              part.fn.sum<number>("part.tokens").as("tokens"),
              part.fn.sum<number>("part.response_time_sum_ms").as("response_time_sum_ms"),
            ])
            .where("part.period", "=", from)
            .where("part.period_start", ">=", startMs)
            .where("part.period_start", "<", periodEnd(period, startMs))
            .groupBy(["part.provider", "part.model", "part.gateway"]),
        )
        .onConflict((conflict) =>
          conflict.columns(["period", "period_start", "provider", "model", "gateway"]).doUpdateSet((eb) => ({
            checks: eb.ref("excluded.checks"),
            successes: eb.ref("excluded.successes"),
            passive_calls: eb.ref("excluded.passive_calls"),
            tokens: eb.ref("excluded.tokens"),
            response_time_sum_ms: eb.ref("excluded.response_time_sum_ms"),
          })),
        )
        .execute(),
    );
  }

  async #fillPercentiles(period: Period, startMs: number): Promise<void> {
    const rows = await this.#tables.run((db) =>
      db
        .selectFrom("health_history")
        .select(["provider", "model", "gateway", "response_time_ms"])
        .where("checked_at", ">=", startMs)
        .where("checked_at", "<", periodEnd(period, startMs))
        .where("status", "=", "success")
        .orderBy("response_time_ms")
        .execute(),
    );
    const times = new Map<string, { target: Target; valuesMs: number[] }>();
    for (const row of rows) {
      const entry = times.get(keyOf(row)) ?? { target: row, valuesMs: [] };
      entry.valuesMs.push(row.response_time_ms);
      times.set(keyOf(row), entry);
    }
    if (times.size === 0) return;
    await this.#tables.transaction(async (db) => {
      let updated = 0;
      for (const { target, valuesMs } of times.values()) {
        if (++updated % UPDATES_PER_BREATH === 0) await breathe();
        await db
          .updateTable("health_aggregates")
          .set({
            p50_ms: percentile(valuesMs, 0.5),
            p95_ms: percentile(valuesMs, 0.95),
            p99_ms: percentile(valuesMs, 0.99),
          })
          .where("period", "=", period)
          .where("period_start", "=", startMs)
          .where("provider", "=", target.provider)
          .where("model", "=", target.model)
          .where("gateway", "=", target.gateway)
          .execute();
      }
    });
  }

  /** Removes the periods that are past their time. */
  async prune(nowMs: number): Promise<void> {
    for (const period of PERIODS) {
      await this.#tables.run((db) =>
        db
          .deleteFrom("health_aggregates")
          .where("period", "=", period)
          .where("period_start", "<", periodStart(period, nowMs - RETENTION[period]))
          .execute(),
      );
    }
  }
}

/** Adds checks to the hours in which they were made; part of the transaction that writes them. */
export async function addToHours(db: Kysely<HealthTables>, checks: readonly Check[]): Promise<void> {
  const sums = new Map<string, AggregateRow>();
  for (const check of checks) {
    const startMs = periodStart("hour", check.atMs);
    const key = `${startMs} ${keyOf(check)}`;
    let sum = sums.get(key);
    if (sum === undefined) sums.set(key, (sum = emptyHour(check, startMs)));
    sum.checks++;
    if (check.status === "success") sum.successes++;
    if (check.kind === "passive") sum.passive_calls++;
    sum.tokens += check.tokens;
    sum.response_time_sum_ms += check.responseTimeMs;
  }
  // In one order, so that two services never wait for each other.
  for (const [, row] of [...sums].sort(([a], [b]) => (a < b ? -1 : 1))) {
    await db
      .insertInto("health_aggregates")
      .values(row)
      .onConflict((conflict) =>
        conflict.columns(["period", "period_start", "provider", "model", "gateway"]).doUpdateSet((eb) => ({
          checks: eb("health_aggregates.checks", "+", row.checks),
          successes: eb("health_aggregates.successes", "+", row.successes),
          passive_calls: eb("health_aggregates.passive_calls", "+", row.passive_calls),
          tokens: eb("health_aggregates.tokens", "+", row.tokens),
          response_time_sum_ms: eb("health_aggregates.response_time_sum_ms", "+", row.response_time_sum_ms),
        })),
      )
      .execute();
  }
}

function emptyHour({ provider, model, gateway }: Target, startMs: number): AggregateRow {
  return {
    provider,
    model,
    gateway,
    period: "hour",
    period_start: startMs,
    checks: 0,
    successes: 0,
    passive_calls: 0,
    tokens: 0,
    response_time_sum_ms: 0,
    p50_ms: null,
    p95_ms: null,
    p99_ms: null,
  };
}
