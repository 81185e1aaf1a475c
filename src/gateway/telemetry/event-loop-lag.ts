import type { MetricSet } from "./metric-set.ts";

const INTERVAL_MS = 500;

/** Exports how late a timer fires; returns how to stop. */
export function measureEventLoopLag(set: MetricSet): () => void {
  const gauge = set.gauge("gatewayz_event_loop_lag_seconds").child();
  let expectedMs = performance.now() + INTERVAL_MS;
  const timer = setInterval(() => {
    const nowMs = performance.now();
    gauge.set(Math.max(0, nowMs - expectedMs) / 1_000);
    expectedMs = nowMs + INTERVAL_MS;
  }, INTERVAL_MS);
  timer.unref();
  return () => clearInterval(timer);
}
