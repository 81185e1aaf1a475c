import { LIST_ROWS_MAX } from "../limits.ts";
import type { ModelState } from "../model-state.ts";
import { isoTime } from "../rollup/model-json.ts";
import { isChecked, mean } from "../rollup/rollup.ts";
import type { HealthService } from "../service.ts";
import { DAY_MS, PERIODS, type Period } from "../store/periods.ts";
import type { AggregateRow } from "../store/tables.ts";
import { now, textAt, wordAt } from "./request.ts";

/** How far back each period is shown, in days. */
const DAYS_SHOWN: Readonly<Record<Period, number>> = { hour: 2, day: 31, week: 90, month: 366 };

/** Means over the given models, and with `?period=` the sums of each hour, day, week or month. */
export async function uptimeJson(
  service: HealthService,
  states: readonly ModelState[],
  query: Readonly<Record<string, unknown>>,
): Promise<object> {
  const period = wordAt(query, "period", PERIODS);
  const checked = states.filter(isChecked);
  const average = (pick: (state: ModelState) => number): number => mean(checked.map(pick)) ?? 100;
  const day = average(({ uptime24h }) => uptime24h);
  const target = { provider: textAt(query, "provider"), model: textAt(query, "model") };
  const rows =
    period === undefined
      ? undefined
      : await service.stores().aggregates.list(period, Date.now() - DAYS_SHOWN[period] * DAY_MS, target, LIST_ROWS_MAX);
  return {
    status: service.caches.rollup().system.overall_status,
    uptime_percentage: day,
    uptime_24h: day,
    uptime_7d: average(({ uptime7d }) => uptime7d),
    uptime_30d: average(({ uptime30d }) => uptime30d),
    models: checked.slice(0, LIST_ROWS_MAX).map((state) => ({
      provider: state.provider,
      model: state.model,
      uptime_24h: state.uptime24h,
      uptime_7d: state.uptime7d,
      uptime_30d: state.uptime30d,
    })),
    ...(rows !== undefined && { period, aggregates: rows.map(aggregateJson) }),
    timestamp: now(),
  };
}

export function aggregateJson(row: AggregateRow): Record<string, unknown> {
  return {
    provider: row.provider,
    model: row.model,
    gateway: row.gateway,
    period: row.period,
    period_start: isoTime(row.period_start),
    total_checks: row.checks,
    successful_checks: row.successes,
    passive_calls: row.passive_calls,
    tokens: row.tokens,
    uptime_percentage: row.checks === 0 ? 100 : (100 * row.successes) / row.checks,
    avg_response_time_ms: row.checks === 0 ? null : row.response_time_sum_ms / row.checks,
    p50_response_time_ms: row.p50_ms,
    p95_response_time_ms: row.p95_ms,
    p99_response_time_ms: row.p99_ms,
  };
}
