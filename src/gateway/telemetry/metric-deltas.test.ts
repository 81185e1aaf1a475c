import fc from "fast-check";
import { Registry } from "prom-client";
import { expect, test } from "vitest";
import { renderMetrics } from "./exposition.ts";
import { applyDeltas, drainDeltas, forgetProcess } from "./metric-deltas.ts";
import { MetricSet } from "./metric-set.ts";

/** As between processes: plain JSON. */
const sent = (set: MetricSet) => JSON.parse(JSON.stringify(drainDeltas(set))) as ReturnType<typeof drainDeltas>;
const page = (set: MetricSet, openMetrics = false) => renderMetrics(set, new Registry(), openMetrics);

function act(set: MetricSet, [kind, label, value]: readonly [number, string, number]): void {
  const exemplar = { traceId: "b".repeat(32), value, timestampMs: value, rank: 0 };
  if (kind === 0) set.counter("tokens_used_total").child("p", label, "input").inc(value, exemplar);
  if (kind === 1) set.histogram("model_inference_duration_seconds").child("p", label).observe(value, exemplar);
  if (kind === 2) set.summary("database_query_duration_seconds").child(label).observe(value);
  if (kind === 3) set.gauge("queue_size").child(label).add(value);
  if (kind === 4) set.counter("rate_limited_requests_total").child(label).inc(0);
}

test("several processes drained at any time show what one process would have shown", async () => {
  const step = fc.tuple(
    fc.nat({ max: 2 }),
    fc.tuple(fc.nat({ max: 4 }), fc.constantFrom("a", "b", "__proto__", 'q"\\\n'), fc.nat({ max: 100 })),
    fc.boolean(),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
      const whole = new MetricSet();
      const primary = new MetricSet();
      const workers = [new MetricSet(), new MetricSet(), new MetricSet()];
      for (const [index, action, drains] of steps) {
        act(whole, action);
        act(workers[index]!, action);
        if (drains) applyDeltas(primary, `worker-${index}`, sent(workers[index]!));
      }
      workers.forEach((worker, index) => {
        applyDeltas(primary, `worker-${index}`, sent(worker));
      });
      const sorted = async (set: MetricSet) => (await page(set)).split("\n").sort();
      expect(await sorted(primary)).toEqual(await sorted(whole));
    }),
    { numRuns: 40 },
  );
});

test("nothing is sent twice, and an empty drain is empty", () => {
  const worker = new MetricSet();
  drainDeltas(worker);
  worker.counter("tokens_used_total").child("p", "m", "input").inc(5);
  expect(sent(worker)).toEqual([["tokens_used_total", [["p\u0000m\u0000input", 5]]]]);
  expect(sent(worker)).toEqual([]);
});

test("gauges: processes add up, the highest counts, or the newest; those of a dead process are forgotten", async () => {
  const primary = new MetricSet();
  const report = (name: string, fill: (set: MetricSet) => void): void => {
    const worker = new MetricSet();
    fill(worker);
    applyDeltas(primary, name, sent(worker));
  };
  report("w1", (set) => {
    set.gauge("concurrency_active_requests").child().set(3);
    set.gauge("gatewayz_event_loop_lag_seconds").child().set(0.5);
    set.gauge("stage_percentage").child("backend_response", "/x").set(10);
  });
  report("w2", (set) => {
    set.gauge("concurrency_active_requests").child().set(4);
    set.gauge("gatewayz_event_loop_lag_seconds").child().set(0.1);
    set.gauge("stage_percentage").child("backend_response", "/x").set(20);
  });
  const lines = async () => (await page(primary)).split("\n");
  expect(await lines()).toEqual(
    expect.arrayContaining([
      "concurrency_active_requests 7",
      "gatewayz_event_loop_lag_seconds 0.5",
      'stage_percentage{stage="backend_response",endpoint="/x"} 20',
    ]),
  );
  forgetProcess(primary, "w1");
  expect(await lines()).toEqual(
    expect.arrayContaining(["concurrency_active_requests 4", "gatewayz_event_loop_lag_seconds 0.1"]),
  );
});

test("exemplars travel, and a metric of another version is left out", async () => {
  const worker = new MetricSet();
  act(worker, [1, "m", 2]);
  const primary = new MetricSet();
  applyDeltas(primary, "w", [["of_the_future", [["x", 1]]], ...sent(worker)]);
  expect(await page(primary, true)).toContain(`{trace_id="${"b".repeat(32)}"}`);
  expect(await page(primary)).not.toContain("of_the_future");
});
