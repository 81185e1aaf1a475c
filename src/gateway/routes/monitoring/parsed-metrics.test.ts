import fc from "fast-check";
import { expect, test } from "vitest";
import { parseExposition } from "./parsed-metrics.ts";

test("families carry type, help and their samples; a histogram's series stand together", () => {
  const text = `# HELP http_requests_total Requests.
# TYPE http_requests_total counter
http_requests_total{method="GET",status="2xx"} 3
http_requests_total{method="POST",status="5xx"} 1e3 1700000000000
# HELP latency_seconds Time.
# TYPE latency_seconds histogram
latency_seconds_bucket{le="+Inf"} 2
latency_seconds_sum 0.5
latency_seconds_count 2
# TYPE odd gauge
odd NaN
`;
  expect(parseExposition(text)).toEqual({
    http_requests_total: {
      type: "counter",
      help: "Requests.",
      samples: {
        http_requests_total: [
          { labels: { method: "GET", status: "2xx" }, value: 3 },
          { labels: { method: "POST", status: "5xx" }, value: 1_000 },
        ],
      },
    },
    latency_seconds: {
      type: "histogram",
      help: "Time.",
      samples: {
        latency_seconds_bucket: [{ labels: { le: "+Inf" }, value: 2 }],
        latency_seconds_sum: [{ labels: {}, value: 0.5 }],
        latency_seconds_count: [{ labels: {}, value: 2 }],
      },
    },
    odd: { type: "gauge", help: "", samples: {} },
  });
});

test("any label value comes back as it went in", () => {
  const escaped = (text: string): string =>
    text.replaceAll("\\", "\\\\").replaceAll("\n", "\\n").replaceAll('"', '\\"');
  fc.assert(
    fc.property(fc.string(), fc.string(), (a, b) => {
      const line = `m{a="${escaped(a)}",b="${escaped(b)}"} 1\n`;
      // A carriage return ends no line here, but a lone one inside a value is a byte like any other.
      expect(parseExposition(line)["m"]?.samples["m"]).toEqual([{ labels: { a, b }, value: 1 }]);
    }),
  );
});
