import { describe, expect, test } from "vitest";
import { Labels } from "../../series/labels.ts";
import type { Queryable, SeriesColumns } from "../../series/queryable.ts";
import { PromqlEngine } from "./engine.ts";
import { PromqlError } from "./error.ts";
import { Fixture } from "./promqltest/fixture.ts";
import { parseScript } from "./promqltest/parse-script.ts";

function load(script: string): Fixture {
  const fixture = new Fixture();
  for (const command of parseScript(script)) if (command.kind === "load") fixture.load(command);
  return fixture;
}

const counters = load(`load 15s
  http_requests_total{job="a",code="200"} 0+10x100
  http_requests_total{job="a",code="500"} 0+1x100
  http_requests_total{job="b",code="200"} 0+5x100`);

describe("results", () => {
  test("an instant query gives a vector with labels, time and values, and counts samples", async () => {
    const { value, statistics } = await new PromqlEngine().instant(
      counters,
      "sum by (job) (rate(http_requests_total[5m]))",
      900_000,
    );
    expect(value).toEqual({
      type: "vector",
      samples: [
        { labels: Labels.fromRecord({ job: "a" }), timeMs: 900_000, value: expect.closeTo(11 / 15) },
        { labels: Labels.fromRecord({ job: "b" }), timeMs: 900_000, value: expect.closeTo(5 / 15) },
      ],
    });
    expect(statistics.totalQueryableSamples).toBe(60);
  });

  test("a range query gives a matrix ordered by labels, scalars as one series", async () => {
    const engine = new PromqlEngine();
    const { value } = await engine.range(counters, "http_requests_total", 0, 30_000, 15_000);
    expect(value.type === "matrix" && value.series.map(({ labels }) => String(labels))).toEqual([
      'http_requests_total{code="200", job="a"}',
      'http_requests_total{code="200", job="b"}',
      'http_requests_total{code="500", job="a"}',
    ]);
    const scalar = await engine.range(counters, "time()", 0, 30_000, 15_000);
    expect(scalar.value.type === "matrix" && [...scalar.value.series[0]!.values]).toEqual([0, 15, 30]);
  });

  test("scalars, strings and ranges of an instant query keep their type", async () => {
    const engine = new PromqlEngine();
    expect((await engine.instant(counters, "1 + 1", 5_000)).value).toEqual({ type: "scalar", timeMs: 5_000, value: 2 });
    expect((await engine.instant(counters, '"a"', 5_000)).value).toEqual({ type: "string", timeMs: 5_000, value: "a" });
    const { value } = await engine.instant(counters, 'http_requests_total{code="500"}[30s]', 60_000);
    expect(value.type === "matrix" && [...value.series[0]!.timestamps]).toEqual([45_000, 60_000]);
  });

  test("a limit cuts series and says so", async () => {
    const { value, warnings } = await new PromqlEngine().instant(counters, "http_requests_total", 60_000, { limit: 2 });
    expect(value.type === "vector" && value.samples).toHaveLength(2);
    expect(warnings).toEqual(["results truncated due to limit"]);
  });

  test("annotations name their place", async () => {
    const gauges = load("load 15s\n  temperature 1+1x50");
    const { infos } = await new PromqlEngine().instant(gauges, "sum(rate(temperature[5m]))", 600_000);
    expect(infos).toEqual([
      'PromQL info: metric might not be a counter, name does not end in _total/_sum/_count/_bucket: "temperature" (1:10)',
    ]);
  });
});

describe("limits", () => {
  const fails = async (query: Promise<unknown>) => {
    const error: unknown = await query.catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(PromqlError);
    return error as PromqlError;
  };

  test("too many samples", async () => {
    const error = await fails(
      new PromqlEngine({ maxSamples: 100 }).range(counters, "http_requests_total", 0, 1_500_000, 15_000),
    );
    expect(error.type).toBe("execution");
    expect(error.message).toBe("query processing would load too many samples into memory in query execution");
  });

  test("a subquery with absurdly many steps is refused before anything is allocated", async () => {
    const error = await fails(new PromqlEngine().instant(counters, "sum_over_time(vector(1)[10y:1ms])", 0));
    expect(error.message).toMatch(/too many samples/);
  });

  test("an aborted query is canceled, a slow one times out, and the event loop lives on meanwhile", async () => {
    const many = manySeries(4_000, 400);
    const controller = new AbortController();
    setTimeout(() => controller.abort(), 5);
    const engine = new PromqlEngine();
    const query = "sum(rate(x_total[5m]))";
    const canceled = await fails(engine.range(many, query, 0, 6_000_000, 15_000, { signal: controller.signal }));
    expect([canceled.type, canceled.message]).toEqual(["canceled", "query was canceled in expression evaluation"]);
    const late = await fails(engine.range(many, query, 0, 6_000_000, 15_000, { timeoutMs: 5 }));
    expect([late.type, late.message]).toEqual(["timeout", "query timed out in expression evaluation"]);
  });

  test("a range vector is no range query", async () => {
    const error = await fails(new PromqlEngine().range(counters, "x[5m]", 0, 1, 1));
    expect(error.message).toBe(
      'invalid expression type "range vector" for range query, must be Scalar or instant Vector',
    );
  });
});

function manySeries(count: number, samples: number): Queryable {
  const timestamps = Float64Array.from({ length: samples }, (_, index) => index * 15_000);
  const values = Float64Array.from({ length: samples }, (_, index) => index);
  const series = Array.from({ length: count }, (_, index): SeriesColumns => {
    return { labels: Labels.fromRecord({ __name__: "x_total", pod: String(index) }), timestamps, values };
  });
  return { select: () => series, labelNames: () => [], labelValues: () => [] };
}
