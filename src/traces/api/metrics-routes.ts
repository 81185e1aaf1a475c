import type { FastifyInstance, FastifyRequest } from "fastify";
import { HttpError } from "../../runtime/http-error.ts";
import { evaluateMetrics, type MetricsResult, type MetricsSeries, type StepGrid } from "../query/metrics-query.ts";
import { Parameters } from "./parameters.ts";
import { abortSignal, parseQuery } from "./search-routes.ts";
import type { ApiContext } from "./server.ts";

/** Most points of one series, as Prometheus' limit. */
const POINTS_MAX = 11_000;
const RANGE_DEFAULT_MS = 60 * 60 * 1000;
/** Points that a step is chosen for where none is given. */
const POINTS_DEFAULT = 120;

/** TraceQL metrics: `/api/metrics/query_range` and `/api/metrics/query`. */
export function addMetricsRoutes(app: FastifyInstance, api: ApiContext): void {
  app.get("/api/metrics/query_range", async (request) => {
    const parameters = new Parameters(request.query);
    const [startMs, endMs] = metricsRange(parameters);
    const grid = stepGrid(startMs, endMs, parameters.durationNs("step"));
    const result = await evaluate(api, request, parameters, grid, "metrics_query_range");
    return {
      series: result.series.map((series) => ({ ...labelsJson(series), samples: samplesJson(series, grid) })),
      metrics: metricsJson(result),
    };
  });
  app.get("/api/metrics/query", async (request) => {
    const parameters = new Parameters(request.query);
    const [startMs, endMs] = metricsRange(parameters);
    const grid = { startMs, stepMs: endMs - startMs, steps: 1 };
    const result = await evaluate(api, request, parameters, grid, "metrics_query");
    return {
      series: result.series
        .filter(({ values }) => !Number.isNaN(values[0]!))
        .map((series) => ({ ...labelsJson(series), value: series.values[0] })),
      metrics: metricsJson(result),
    };
  });
}

async function evaluate(
  api: ApiContext,
  request: FastifyRequest,
  parameters: Parameters,
  grid: StepGrid,
  op: string,
): Promise<MetricsResult> {
  const text = parameters.text("q") ?? parameters.text("query");
  if (text === undefined) throw new HttpError(400, "invalid TraceQL query: empty query");
  const query = parseQuery(text);
  const { metrics } = query;
  if (metrics === undefined) throw new HttpError(400, "invalid TraceQL query: not a metrics query");
  const end = api.metrics.querySeconds.startTimer({ op });
  const result = await evaluateMetrics(api.store, { query, metrics, grid, signal: abortSignal(request) });
  end();
  api.metrics.inspectedSpans.inc(result.inspectedSpans);
  return result;
}

/** From `start` and `end`, or the time `since` before now; an hour by default. @throws HttpError 400 */
function metricsRange(parameters: Parameters): [number, number] {
  const endMs = parameters.timeMs("end") ?? Date.now();
  const sinceNs = parameters.durationNs("since");
  const startMs = parameters.timeMs("start") ?? endMs - (sinceNs === undefined ? RANGE_DEFAULT_MS : sinceNs / 1e6);
  if (endMs <= startMs) {
    throw new HttpError(
      400,
      `http parameter start must be before end. received start=${startMs / 1e3} end=${endMs / 1e3}`,
    );
  }
  return [startMs, endMs];
}

/** Steps that cover the range, begun at a multiple of the step so that a refresh shows the same points. @throws HttpError 400 */
function stepGrid(startMs: number, endMs: number, stepNs: number | undefined): StepGrid {
  const stepMs = stepNs === undefined ? defaultStepMs(endMs - startMs) : stepNs / 1e6;
  if (!(stepMs > 0)) throw new HttpError(400, "invalid step: must be positive");
  const first = Math.floor(startMs / stepMs) * stepMs;
  const steps = Math.ceil((endMs - first) / stepMs);
  if (steps > POINTS_MAX) {
    throw new HttpError(
      400,
      `exceeded maximum resolution of ${POINTS_MAX} points per timeseries. Try increasing the value of the step parameter`,
    );
  }
  return { startMs: first, stepMs, steps };
}

function defaultStepMs(rangeMs: number): number {
  return Math.max(1, Math.ceil(rangeMs / POINTS_DEFAULT / 1_000)) * 1_000;
}

function labelsJson({ labels }: MetricsSeries): { labels: MetricsSeries["labels"]; promLabels: string } {
  const pairs = labels.map(({ key, value }) => {
    const text = String(Object.values(value)[0]);
    return `${/^[a-zA-Z_][a-zA-Z0-9_]*$/.test(key) ? key : JSON.stringify(key)}=${JSON.stringify(text)}`;
  });
  return { labels, promLabels: `{${pairs.join(", ")}}` };
}

function samplesJson({ values }: MetricsSeries, grid: StepGrid): object[] {
  const samples: object[] = [];
  for (let step = 0; step < values.length; step++) {
    const value = values[step]!;
    if (!Number.isNaN(value)) samples.push({ timestampMs: String(grid.startMs + step * grid.stepMs), value });
  }
  return samples;
}

function metricsJson({ inspectedSpans, inspectedBlocks }: MetricsResult): object {
  return {
    inspectedSpans: String(inspectedSpans),
    completedJobs: inspectedBlocks,
    totalJobs: inspectedBlocks,
    totalBlocks: inspectedBlocks,
  };
}
