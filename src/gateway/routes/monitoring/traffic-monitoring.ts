import * as z from "zod";
import { integer, moment, name } from "../../openapi/fields.ts";
import { rounded, usd } from "../../openapi/numbers.ts";
import { defineRoute, type Route } from "../../openapi/route.ts";
import { detectAnomalies } from "../../statistics/anomalies.ts";
import { groupRows, sumOf } from "../../statistics/fold.ts";
import { providerHealth } from "../../statistics/provider-health.ts";
import type { Period } from "../../statistics/request-statistics.ts";
import { Totals } from "../../statistics/totals.ts";
import { requireProvider } from "./provider-monitoring.ts";

const HOURS_MAX = 168;
const hoursBack = (fallback: number, max = HOURS_MAX) => integer(1, max, fallback, "Hours to look back");

const hourEntry = () =>
  z.object({
    hour: moment(),
    total_requests: z.number(),
    successful_requests: z.number(),
    failed_requests: z.number(),
    error_rate: z.number().describe("0 to 1"),
    avg_latency_ms: z.number(),
    p95_latency_ms: z.number(),
    total_tokens: z.number(),
    total_cost: z.number().describe("US dollars"),
  });

/** `/api/monitoring/*` about the gateway's traffic: rates, latency, cost, tokens, anomalies. */
export const trafficMonitoringRoutes: readonly Route[] = [
  defineRoute({
    method: "GET",
    path: "/api/monitoring/stats/realtime",
    auth: "client",
    tag: "Monitoring",
    summary: "Requests, cost and health of the last hours, per provider",
    schemas: () => ({
      query: z.object({ hours: hoursBack(1, 24) }),
      reply: z.object({
        timestamp: moment(),
        total_requests: z.number(),
        total_cost: z.number().describe("US dollars"),
        avg_health_score: z.number().describe("0 to 100, over the configured providers"),
        requests_per_minute: z.number().describe("Mean of the last five minutes"),
        active_requests: z.number(),
        providers: z.record(
          z.string(),
          z.object({
            total_requests: z.number(),
            total_cost: z.number(),
            error_rate: z.number(),
            avg_latency_ms: z.number(),
            health_score: z.number().nullable().describe("Null for a provider that is no longer configured"),
            hourly_breakdown: z.array(hourEntry()),
          }),
        ),
      }),
    }),
  }).handle(({ gateway, query: { hours } }) => {
    const { statistics } = gateway;
    const periods = statistics.byHour(hours);
    const rows = statistics.past(hours);
    const sum = sumOf(rows);
    const health = new Map(providerHealth(gateway).map((entry) => [entry.name, rounded(entry.healthScore * 100, 1)]));
    const scores = [...health.values()];
    return {
      timestamp: new Date().toISOString(),
      total_requests: sum.requests,
      total_cost: usd(sum.costUsd),
      avg_health_score: scores.length === 0 ? 0 : rounded(scores.reduce((a, b) => a + b, 0) / scores.length, 1),
      requests_per_minute: rounded(sumOf(statistics.recent(5)).requests / 5),
      active_requests: gateway.inFlight.size,
      providers: Object.fromEntries(
        groupRows(rows, "provider").map(({ name: provider, totals }) => [
          provider,
          {
            total_requests: totals.requests,
            total_cost: usd(totals.costUsd),
            error_rate: rounded(totals.errorRate, 4),
            avg_latency_ms: rounded(totals.latency.meanMs),
            health_score: health.get(provider) ?? null,
            hourly_breakdown: hourly(periods, (row) => row === provider),
          },
        ]),
      ),
    };
  }),
  defineRoute({
    method: "GET",
    path: "/api/monitoring/stats/hourly",
    auth: "client",
    tag: "Monitoring",
    summary: "All traffic, hour by hour",
    schemas: () => ({
      query: z.object({ hours: hoursBack(24) }),
      reply: z.object({ hours: z.number(), data: z.array(hourEntry()) }),
    }),
  }).handle(({ gateway, query: { hours } }) => ({ hours, data: hourly(gateway.statistics.byHour(hours), () => true) })),
  defineRoute({
    method: "GET",
    path: "/api/monitoring/stats/hourly/{provider}",
    auth: "client",
    tag: "Monitoring",
    summary: "One provider's traffic, hour by hour",
    schemas: () => ({
      params: z.object({ provider: name("Name of a configured provider") }),
      query: z.object({ hours: hoursBack(24) }),
      reply: z.object({ provider: z.string(), hours: z.number(), data: z.array(hourEntry()) }),
    }),
  }).handle(({ gateway, params: { provider }, query: { hours } }) => {
    requireProvider(gateway, provider);
    return { provider, hours, data: hourly(gateway.statistics.byHour(hours), (row) => row === provider) };
  }),
  defineRoute({
    method: "GET",
    path: "/api/monitoring/latency/{provider}/{model*}",
    auth: "client",
    tag: "Monitoring",
    summary: "Latency percentiles of one model at one provider, of whole requests that succeeded",
    schemas: () => ({
      params: z.object({ provider: name("Name of a provider"), model: name("Id of a model; may hold slashes") }),
      query: z.object({ hours: hoursBack(24) }),
      reply: z.object({
        provider: z.string(),
        model: z.string(),
        count: z.number(),
        avg: z.number().describe("ms"),
        p50: z.number(),
        p95: z.number(),
        p99: z.number(),
        max: z.number(),
        first_chunk_p50: z.number().describe("ms to a stream's first content; 0 without streams"),
        first_chunk_p95: z.number(),
      }),
    }),
  }).handle(({ gateway, params: { provider, model }, query: { hours } }) => {
    const rows = gateway.statistics.past(hours).filter((row) => row.provider === provider && row.model === model);
    const { latency, firstChunk } = sumOf(rows);
    return {
      provider,
      model,
      count: latency.count,
      avg: rounded(latency.meanMs),
      p50: rounded(latency.quantileMs(0.5)),
      p95: rounded(latency.quantileMs(0.95)),
      p99: rounded(latency.quantileMs(0.99)),
      max: rounded(latency.maxMs),
      first_chunk_p50: rounded(firstChunk.quantileMs(0.5)),
      first_chunk_p95: rounded(firstChunk.quantileMs(0.95)),
    };
  }),
  defineRoute({
    method: "GET",
    path: "/api/monitoring/latency-trends/{provider}",
    auth: "client",
    tag: "Monitoring",
    summary: "One provider's latency, hour by hour",
    schemas: () => ({
      params: z.object({ provider: name("Name of a configured provider") }),
      query: z.object({ hours: hoursBack(24) }),
      reply: z.object({
        timestamp: moment(),
        provider: z.string(),
        hours: z.number(),
        overall_avg_latency_ms: z.number(),
        overall_p95_latency_ms: z.number(),
        hourly_data: z.array(hourEntry()),
      }),
    }),
  }).handle(({ gateway, params: { provider }, query: { hours } }) => {
    requireProvider(gateway, provider);
    const { latency } = sumOf(gateway.statistics.past(hours).filter((row) => row.provider === provider));
    return {
      timestamp: new Date().toISOString(),
      provider,
      hours,
      overall_avg_latency_ms: rounded(latency.meanMs),
      overall_p95_latency_ms: rounded(latency.quantileMs(0.95)),
      hourly_data: hourly(gateway.statistics.byHour(hours), (row) => row === provider),
    };
  }),
  defineRoute({
    method: "GET",
    path: "/api/monitoring/anomalies",
    auth: "client",
    tag: "Monitoring",
    summary: "Spikes of cost and latency and high error rates of the running hour",
    description:
      "Against the 24 hours before it: twice the mean cost or latency is a spike (from three hours of history on); more than 10 % errors are a warning, more than 25 % critical. Hours with fewer than ten requests are not judged.",
    schemas: () => ({
      reply: z.object({
        timestamp: moment(),
        anomalies: z.array(
          z.object({
            type: z.enum(["cost_spike", "latency_spike", "high_error_rate"]),
            provider: z.string(),
            hour: moment(),
            value: z.number().describe("US dollars, ms, or a share of 0 to 1"),
            expected: z.number(),
            severity: z.enum(["warning", "critical"]),
          }),
        ),
        total_count: z.number(),
        critical_count: z.number(),
        warning_count: z.number(),
      }),
    }),
  }).handle(({ gateway }) => {
    const anomalies = detectAnomalies(gateway.statistics, Date.now());
    const count = (severity: string): number => anomalies.filter((anomaly) => anomaly.severity === severity).length;
    return {
      timestamp: new Date().toISOString(),
      anomalies,
      total_count: anomalies.length,
      critical_count: count("critical"),
      warning_count: count("warning"),
    };
  }),
  defineRoute({
    method: "GET",
    path: "/api/monitoring/cost-analysis",
    auth: "client",
    tag: "Monitoring",
    summary: "Cost by provider over the last days",
    schemas: () => ({
      query: z.object({ days: integer(1, 7, 7, "Days to look back; `GET /admin/usage` looks further") }),
      reply: z.object({
        timestamp: moment(),
        period_days: z.number(),
        start_date: moment(),
        end_date: moment(),
        total_cost: z.number().describe("US dollars"),
        total_requests: z.number(),
        providers: z.record(
          z.string(),
          z.object({
            total_cost: z.number(),
            total_requests: z.number(),
            total_tokens: z.number(),
            cost_per_request: z.number(),
            default_priced_requests: z.number().describe("Requests whose model has no known price"),
          }),
        ),
      }),
    }),
  }).handle(({ gateway, query: { days } }) => {
    const rows = gateway.statistics.past(days * 24);
    const sum = sumOf(rows);
    const nowMs = Date.now();
    return {
      timestamp: new Date(nowMs).toISOString(),
      period_days: days,
      start_date: new Date(Math.max(gateway.statistics.startedAtMs, nowMs - days * 86_400_000)).toISOString(),
      end_date: new Date(nowMs).toISOString(),
      total_cost: usd(sum.costUsd),
      total_requests: sum.requests,
      providers: Object.fromEntries(
        groupRows(rows, "provider")
          .sort((a, b) => b.totals.costUsd - a.totals.costUsd)
          .map(({ name: provider, totals }) => [
            provider,
            {
              total_cost: usd(totals.costUsd),
              total_requests: totals.requests,
              total_tokens: totals.tokens,
              cost_per_request: usd(perRequest(totals.costUsd, totals)),
              default_priced_requests: totals.defaultPriced,
            },
          ]),
      ),
    };
  }),
  defineRoute({
    method: "GET",
    path: "/api/monitoring/error-rates",
    auth: "client",
    tag: "Monitoring",
    summary: "Error rates by model",
    schemas: () => ({
      query: z.object({ hours: hoursBack(24) }),
      reply: z.object({
        timestamp: moment(),
        hours: z.number(),
        models: z.record(
          z.string(),
          z.object({
            total_requests: z.number(),
            failed_requests: z.number(),
            error_rate: z.number().describe("0 to 1"),
            providers: z.array(z.string()),
          }),
        ),
      }),
    }),
  }).handle(({ gateway, query: { hours } }) => {
    const rows = gateway.statistics.past(hours);
    const models = groupRows(rows, "model").sort((a, b) => b.totals.errorRate - a.totals.errorRate);
    return {
      timestamp: new Date().toISOString(),
      hours,
      models: Object.fromEntries(
        models.map(({ name: model, totals }) => [
          model,
          {
            total_requests: totals.requests,
            failed_requests: totals.errors,
            error_rate: rounded(totals.errorRate, 4),
            providers: [...new Set(rows.filter((row) => row.model === model).map(({ provider }) => provider))],
          },
        ]),
      ),
    };
  }),
  defineRoute({
    method: "GET",
    path: "/api/monitoring/token-efficiency/{provider}/{model*}",
    auth: "client",
    tag: "Monitoring",
    summary: "Cost per token and tokens per request of one model at one provider",
    schemas: () => ({
      params: z.object({ provider: name("Name of a provider"), model: name("Id of a model; may hold slashes") }),
      query: z.object({ hours: hoursBack(HOURS_MAX) }),
      reply: z.object({
        timestamp: moment(),
        provider: z.string(),
        model: z.string(),
        total_requests: z.number(),
        total_tokens: z.number(),
        total_cost: z.number().describe("US dollars"),
        cost_per_token: z.number(),
        cost_per_request: z.number(),
        tokens_per_request: z.number(),
        avg_input_tokens: z.number(),
        avg_output_tokens: z.number(),
        cached_share: z.number().describe("Share of the input tokens that came from the provider's prompt cache"),
      }),
    }),
  }).handle(({ gateway, params: { provider, model }, query: { hours } }) => {
    const totals = sumOf(
      gateway.statistics.past(hours).filter((row) => row.provider === provider && row.model === model),
    );
    return {
      timestamp: new Date().toISOString(),
      provider,
      model,
      total_requests: totals.requests,
      total_tokens: totals.tokens,
      total_cost: usd(totals.costUsd),
      cost_per_token: totals.tokens === 0 ? 0 : rounded(totals.costUsd / totals.tokens, 12),
      cost_per_request: usd(perRequest(totals.costUsd, totals)),
      tokens_per_request: rounded(perRequest(totals.tokens, totals)),
      avg_input_tokens: rounded(perRequest(totals.inputTokens, totals)),
      avg_output_tokens: rounded(perRequest(totals.outputTokens, totals)),
      cached_share: totals.inputTokens === 0 ? 0 : rounded(totals.cachedTokens / totals.inputTokens, 4),
    };
  }),
];

function perRequest(amount: number, { requests }: Totals): number {
  return requests === 0 ? 0 : amount / requests;
}

function hourly(periods: readonly Period[], wanted: (provider: string) => boolean) {
  return periods.flatMap(({ startMs, rows }) => {
    const totals = new Totals();
    for (const row of rows) if (wanted(row.provider)) totals.merge(row.totals);
    if (totals.requests === 0) return [];
    return [
      {
        hour: new Date(startMs).toISOString(),
        total_requests: totals.requests,
        successful_requests: totals.requests - totals.errors,
        failed_requests: totals.errors,
        error_rate: rounded(totals.errorRate, 4),
        avg_latency_ms: rounded(totals.latency.meanMs),
        p95_latency_ms: rounded(totals.latency.quantileMs(0.95)),
        total_tokens: totals.tokens,
        total_cost: usd(totals.costUsd),
      },
    ];
  });
}
