import type { GatewayEvents } from "../request-record.ts";
import { type Level, type LogLine, lineLabels, NO_LABELS } from "./log-line.ts";

type Writers = {
  readonly [Name in keyof GatewayEvents]?: (
    detail: GatewayEvents[Name],
  ) => Omit<LogLine, "atMs" | "metadata"> | undefined;
};

/** Events that somebody who reads the log wants to see; the others are metrics only. */
const WRITERS: Writers = {
  breakerMoved({ provider, from, to }) {
    const level = to === "closed" ? "INFO" : "WARNING";
    const message = `Circuit breaker of provider ${provider} moved from ${from} to ${to}`;
    return { ...line(level, "gateway.breakers", message, { from_state: from, to_state: to }), labels: by(provider) };
  },
  availabilityMoved({ provider, model, from, to }) {
    const level = to === "closed" ? "INFO" : "WARNING";
    const message = `Availability breaker of ${provider}/${model} moved from ${from} to ${to}`;
    return {
      ...line(level, "gateway.breakers", message, { from_state: from, to_state: to }),
      labels: lineLabels({ provider, model }),
    };
  },
  keyCooledDown: ({ provider, seconds }) => ({
    ...line("WARNING", "gateway.routing", `A key of provider ${provider} rests for ${seconds} s`, { seconds }),
    labels: by(provider),
  }),
  creditMissed: ({ reason, amountUsd }) =>
    line("ERROR", "gateway.billing", `$${amountUsd} were used and cannot be settled: ${reason}`, {
      reason,
      amount_usd: amountUsd,
    }),
  usageInterrupted: ({ provider, amountUsd }) => ({
    ...line("WARNING", "gateway.billing", `A request that a crash interrupted was settled with $${amountUsd}`, {
      amount_usd: amountUsd,
    }),
    labels: by(provider),
  }),
  catalogFallback: ({ gateway, source }) => ({
    ...line("WARNING", "gateway.catalog", `Model list of ${gateway} comes from elsewhere: ${source}`, { source }),
    labels: by(gateway),
  }),
  concurrencyRejected: ({ reason }) =>
    line("WARNING", "gateway.limits", `Concurrency gate refused a request: ${reason}`, { reason }),
  rateLimited: ({ limitType }) =>
    line("WARNING", "gateway.limits", `Rate limit reached: ${limitType}`, { limit_type: limitType }),
  spendWarning: ({ keyName, percent, spentUsd, capUsd, period }) =>
    line(
      "WARNING",
      "gateway.limits",
      `Key ${keyName} has used ${percent} % of ${period === "month" ? "this month's" : "today's"} $${capUsd}`,
      {
        key_name: keyName,
        percent,
        spent_usd: spentUsd,
      },
    ),
  fallbackActivated: ({ primary, fallback }) => ({
    ...line("INFO", "gateway.routing", `Failover from provider ${primary} to ${fallback}`, { primary, fallback }),
    labels: by(fallback),
  }),
  catalogLoaded: ({ gateway, models, hit }) =>
    hit
      ? undefined
      : {
          ...line("INFO", "gateway.catalog", `Catalogue cache of ${gateway} loaded: ${models} models`, { models }),
          labels: by(gateway),
        },
  velocityModeChanged: ({ active, errorRate }) =>
    line("WARNING", "gateway.limits", `Velocity mode ${active ? "began" : "ended"}`, { error_rate: errorRate }),
  uncaughtError: ({ type }) => ({
    ...line("ERROR", "gateway.http", `Unexpected exception: ${type}`, { exception: type }),
    labels: lineLabels({ error_type: type }),
  }),
};

/** The line of an event, or undefined where it has none. */
export function eventLine<Name extends keyof GatewayEvents>(
  name: Name,
  detail: GatewayEvents[Name],
  nowMs: number,
): LogLine | undefined {
  const parts = WRITERS[name]?.(detail);
  return parts === undefined ? undefined : { ...parts, atMs: nowMs, metadata: {} };
}

function line(level: Level, logger: string, message: string, fields: LogLine["fields"]) {
  return { level, logger, message, fields, labels: NO_LABELS };
}

function by(provider: string): LogLine["labels"] {
  return lineLabels({ provider });
}
