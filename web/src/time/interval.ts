import { formatDuration, type TimeRange } from "./range.ts";

/** Steps a chart may have, in ms: round numbers that people read easily. */
const ROUND_STEPS_MS = [
  1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 15_000, 20_000, 30_000, 60_000, 120_000, 300_000,
  600_000, 900_000, 1_200_000, 1_800_000, 3_600_000, 7_200_000, 10_800_000, 21_600_000, 43_200_000, 86_400_000,
  604_800_000, 2_592_000_000, 31_536_000_000,
];

/** Most points per series that Prometheus answers. */
const POINTS_MAX = 11_000;

/** Interval values of one query, as text for interpolation and in ms for the request. */
export interface QueryInterval {
  intervalMs: number;
  interval: string;
  rateInterval: string;
}

/** The largest round step not above the range divided by the points wanted. */
export function roundStepMs(stepMs: number): number {
  let best = ROUND_STEPS_MS[0]!;
  for (const candidate of ROUND_STEPS_MS) {
    // Grafana rounds at the middle between two steps.
    if (candidate > stepMs * 1.34) break;
    best = candidate;
  }
  return best;
}

/**
 * `$__interval` and `$__rate_interval` of a query.
 * @param pointsMax      Points the panel can show: its width in pixels, or the dashboard's own number.
 * @param minIntervalMs  Smallest step: the query's, the panel's, or the data source's scrape interval.
 * @param scrapeMs       The data source's scrape interval; four of them make a safe rate window.
 */
export function queryInterval(
  range: TimeRange,
  pointsMax: number,
  minIntervalMs: number,
  scrapeMs: number,
): QueryInterval {
  const spanMs = range.toMs - range.fromMs;
  const wantedMs = roundStepMs(spanMs / Math.max(1, pointsMax));
  const safeMs = Math.ceil(spanMs / POINTS_MAX / 1_000) * 1_000;
  const intervalMs = Math.max(wantedMs, minIntervalMs, spanMs / POINTS_MAX > wantedMs ? safeMs : 0);
  const rateMs = Math.max(intervalMs + scrapeMs, 4 * scrapeMs);
  return { intervalMs, interval: formatDuration(intervalMs), rateInterval: formatDuration(rateMs) };
}

/** Moves a range outwards onto the step grid, so that a refresh asks for the same points again. */
export function alignRange(range: TimeRange, stepMs: number): { startMs: number; endMs: number } {
  return { startMs: Math.floor(range.fromMs / stepMs) * stepMs, endMs: Math.floor(range.toMs / stepMs) * stepMs };
}
