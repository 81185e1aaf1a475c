import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type TestContext, testContext } from "../../runtime/testing.ts";
import { SERIES_PER_METRIC_MAX } from "./family.ts";
import { createTelemetry, type GatewayTelemetry } from "./index.ts";
import { finishedAttempt, finishedRecord } from "./testing.ts";

let context: TestContext;
let telemetry: GatewayTelemetry;
beforeEach(async () => {
  context = await testContext("gateway");
  telemetry = createTelemetry(context, { providers: ["simulator", "openai"] });
});
afterEach(async () => {
  await telemetry.close();
  await context.dispose();
});

const text = async (): Promise<string> => (await telemetry.metrics(undefined)).body;

describe("requests become metrics", () => {
  test("a streamed completion feeds http, inference, tokens, cost, latency and provider metrics", async () => {
    const record = finishedRecord();
    telemetry.requestStarted(record);
    telemetry.requestFinished(record);
    const body = await text();
    for (const line of [
      'fastapi_requests_total{app_name="gatewayz",method="POST",path="/v1/chat/completions",status_code="200",status_class="2xx"} 1',
      'http_requests_total{method="POST",endpoint="/v1/chat/completions",status_code="200",status_class="2xx"} 1',
      'fastapi_requests_in_progress{app_name="gatewayz",method="POST",path="/v1/chat/completions"} 0',
      'model_inference_requests_total{provider="simulator",model="gpt-4o-mini",status="success"} 1',
      'model_inference_duration_seconds_bucket{provider="simulator",model="gpt-4o-mini",le="1.0"} 1',
      'model_inference_requests_total{provider="simulator",model="gpt-4o-mini",status="error"} 0',
      'http_requests_total{method="POST",endpoint="/v1/chat/completions",status_code="500",status_class="5xx"} 0',
      'tokens_used_total{provider="simulator",model="gpt-4o-mini",token_type="input"} 20',
      'gatewayz_api_cost_usd_total{provider="simulator",model="gpt-4o-mini"} 0.000027',
      'gatewayz_api_cost_per_request_usd_bucket{provider="simulator",model="gpt-4o-mini",le="1e-05"} 0',
      'time_to_first_chunk_seconds_bucket{provider="simulator",model="gpt-4o-mini",le="0.25"} 1',
      'provider_health_score{provider="simulator"} 100',
      'circuit_breaker_current_state{provider="openai",state="closed"} 1',
      'circuit_breaker_current_state{provider="openai",state="open"} 0',
      'provider_availability{provider="openai"} 1',
      'fastapi_app_info_info{app_name="gatewayz"} 1',
    ]) {
      expect(body.split("\n")).toContain(line);
    }
  });

  test("a failed attempt lowers the score and counts for the provider that failed", async () => {
    const failed = finishedAttempt(undefined, {
      provider: "openai",
      result: "error",
      statusCode: 503,
      durationMs: 31_000,
    });
    telemetry.requestFinished(finishedRecord({ attempts: [failed, finishedAttempt()] }));
    const body = await text();
    expect(body).toContain('provider_health_score{provider="openai"} 95');
    expect(body).toContain('provider_error_rate{provider="openai"} 1');
    expect(body).toContain('provider_slow_requests_total{provider="openai",model="gpt-4o-mini",severity="slow"} 1');
  });

  test("probes are no customer traffic", async () => {
    telemetry.requestFinished(finishedRecord({ probe: true }));
    const body = await text();
    expect(body).not.toContain("model_inference_requests_total{");
    expect(body).toContain(
      'gatewayz_probe_requests_total{provider="simulator",model="gpt-4o-mini",status="success"} 1',
    );
  });

  test("the scrape is not counted", async () => {
    const record = finishedRecord({ route: "/metrics", inference: undefined });
    telemetry.requestStarted(record);
    telemetry.requestFinished(record);
    expect(await text()).not.toContain('path="/metrics"');
  });
});

describe("exposition", () => {
  test("OpenMetrics carries the trace id as exemplar, the text format does not", async () => {
    const record = finishedRecord();
    telemetry.requestFinished(record);
    const [open, plain] = await Promise.all([
      telemetry.metrics("application/openmetrics-text;version=1.0.0;q=0.5,text/plain;q=0.3"),
      telemetry.metrics("text/plain"),
    ]);
    expect(open.contentType).toContain("application/openmetrics-text");
    expect(open.body).toContain(`# {trace_id="${record.traceId}"}`);
    expect(open.body).toMatch(/model_inference_requests_total\{[^}]*\} 1 # \{trace_id=/);
    expect(open.body).toContain("# TYPE model_inference_requests counter");
    expect(open.body.endsWith("# EOF\n")).toBe(true);
    expect(plain.contentType).toContain("text/plain");
    expect(plain.body).not.toContain(record.traceId);
    expect(plain.body).toContain("# TYPE model_inference_requests_total counter");
  });

  test("names without a fact have no series", async () => {
    const body = await text();
    expect(body).toContain("# TYPE redis_up gauge");
    expect(body).not.toMatch(/^(redis_up|trial_active|subscription_count)[ {]/m);
  });

  test("hostile label values are escaped and cannot grow a metric past its limit, of which one line tells", async () => {
    for (const name of ["__proto__", "constructor", 'a"b\\c\nd']) {
      telemetry.requestFinished(
        finishedRecord({ attempts: [finishedAttempt(0, { model: name })], outcome: undefined }),
      );
      telemetry.event("fallbackActivated", { primary: "p", fallback: name });
    }
    for (let index = 0; index < SERIES_PER_METRIC_MAX + 10; index++) {
      telemetry.event("fallbackActivated", { primary: "p", fallback: `m${index}` });
    }
    const body = await text();
    expect(body).toContain('gatewayz_failovers_total{primary="p",fallback="__proto__"} 1');
    expect(body).toContain('gatewayz_failovers_total{primary="p",fallback="a\\"b\\\\c\\nd"} 1');
    expect(body).toContain('gatewayz_failovers_total{primary="other",fallback="other"} 13');
    expect(body).toContain('gatewayz_metric_series_limited_total{metric="gatewayz_failovers_total"} 13');
    expect(context.lines.filter(({ metric }) => metric === "gatewayz_failovers_total")).toHaveLength(1);
  });
});

describe("events become metrics", () => {
  test("a breaker that opens is one-hot, unavailable and counted", async () => {
    telemetry.event("breakerMoved", { provider: "openai", from: "closed", to: "open" });
    telemetry.event("breakerRejected", { provider: "openai" });
    const body = await text();
    expect(body).toContain('circuit_breaker_current_state{provider="openai",state="open"} 1');
    expect(body).toContain('circuit_breaker_current_state{provider="openai",state="closed"} 0');
    expect(body).toContain(
      'circuit_breaker_state_transitions_total{provider="openai",from_state="closed",to_state="open"} 1',
    );
    expect(body).toContain('provider_availability{provider="openai"} 0');
    expect(telemetry.dataMetrics().body).toContain('circuit_breaker_state{provider="openai",state="open"} 1');
  });
});
