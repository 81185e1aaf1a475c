import fc from "fast-check";
import { Counter, Histogram, Registry } from "prom-client";
import { expect, test } from "vitest";
import { renderMetrics, wantsOpenMetrics } from "./exposition.ts";
import { MetricSet } from "./metric-set.ts";
import { formatBound } from "./text-format.ts";

const SAMPLE =
  /^([a-zA-Z_:][\w:]*)(?:\{((?:[a-zA-Z_]\w*="(?:[^"\\\n]|\\[\\"n])*",?)*)\})? (\S+)(?: # \{trace_id="[0-9a-f]{32}"\} \S+ \d+\.\d{3})?$/;

/** Undoes the escapes of the n-th label value. */
function labelValue(line: string, name: string): string {
  const raw = new RegExp(`${name}="((?:[^"\\\\]|\\\\.)*)"`).exec(line)![1]!;
  return raw.replace(/\\(.)/g, (_, character: string) => (character === "n" ? "\n" : character));
}

test("any label value survives, in both formats, and every line is well formed", async () => {
  const text = fc.oneof(fc.string({ unit: "binary" }), fc.constantFrom("__proto__", 'a"b', "back\\slash", "\n", ""));
  await fc.assert(
    fc.asyncProperty(
      text,
      fc.double({ noNaN: true, min: 0, max: 1e6 }),
      fc.boolean(),
      async (model, value, openMetrics) => {
        const set = new MetricSet();
        const exemplar = { traceId: "a".repeat(32), value, timestampMs: 1_700_000_000_123, rank: 0 };
        set.counter("model_inference_requests_total").child("p", model, "success").inc(1, exemplar);
        set.histogram("model_inference_duration_seconds").child("p", model).observe(value, exemplar);
        const lines = (await renderMetrics(set, new Registry(), openMetrics)).trimEnd().split("\n");
        const samples = lines.filter((line) => !line.startsWith("#"));
        for (const line of samples) expect(line).toMatch(SAMPLE);
        const counter = samples.find((line) => line.startsWith("model_inference_requests_total{"))!;
        expect(labelValue(counter, "model")).toBe(model);
        const infinity = samples.find(
          (line) => line.includes('le="+Inf"') && line.startsWith("model_inference_duration"),
        )!;
        expect(SAMPLE.exec(infinity)![3]).toBe("1");
      },
    ),
    { numRuns: 60 },
  );
});

test("buckets are cumulative and end with the count", async () => {
  const set = new MetricSet();
  const child = set.histogram("frontend_processing_seconds").child("/x");
  for (const value of [0.0005, 0.001, 0.02, 3]) child.observe(value);
  const page = await renderMetrics(set, new Registry(), false);
  const bucket = (le: string): string => `frontend_processing_seconds_bucket{endpoint="/x",le="${le}"}`;
  for (const line of [`${bucket("0.001")} 2`, `${bucket("0.025")} 3`, `${bucket("0.5")} 3`, `${bucket("+Inf")} 4`]) {
    expect(page.split("\n")).toContain(line);
  }
  expect(page).toContain('frontend_processing_seconds_count{endpoint="/x"} 4');
});

test("what others keep in prom-client is on the same page, in both formats", async () => {
  const registry = new Registry();
  new Counter({ name: "other_total", help: 'Say "hi".', labelNames: ["a"], registers: [registry] }).inc(
    { a: 'x"y' },
    2,
  );
  new Histogram({ name: "other_seconds", help: "h", buckets: [1, 2.5], registers: [registry] }).observe(2);
  const [plain, open] = await Promise.all(
    [false, true].map((format) => renderMetrics(new MetricSet(), registry, format)),
  );
  expect(plain).toContain('# TYPE other_total counter\nother_total{a="x\\"y"} 2');
  expect(open).toContain('# HELP other Say \\"hi\\".\n# TYPE other counter\nother_total{a="x\\"y"} 2');
  expect(open).toContain('other_seconds_bucket{le="1.0"} 0\nother_seconds_bucket{le="2.5"} 1');
});

test.each([
  [undefined, false],
  ["*/*", false],
  ["text/plain;version=0.0.4", false],
  ["application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.3,*/*;q=0.2", true],
  ["application/openmetrics-text; q=0", false],
])("Accept %s: OpenMetrics %s", (accept, expected) => {
  expect(wantsOpenMetrics(accept)).toBe(expected);
});

test.each([
  [1, "1.0"],
  [0.25, "0.25"],
  [0.0001, "0.0001"],
  [0.00001, "1e-05"],
  [-1000, "-1000.0"],
  [0, "0.0"],
])("bound %d is written %s", (bound, text) => {
  expect(formatBound(bound)).toBe(text);
});
