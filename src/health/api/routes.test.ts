import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import type { Role } from "../../runtime/role.ts";
import { TEST_ADMIN_KEY, type TestContext, testContext } from "../../runtime/testing.ts";
import { start } from "../index.ts";
import { FixtureGateway } from "../testing/fixture-gateway.ts";

type Json = Record<string, unknown>;

/** A service that has checked four models, of which one at `shaky` fails; the tests read, in the order of the file. */
let gateway: FixtureGateway;
let context: TestContext;
let role: Role;
const SECRET_WORDS = "secret words of the provider";

beforeAll(async () => {
  gateway = await FixtureGateway.start([
    { id: "gpt-4o", providers: ["openai", "shaky"] },
    { id: "meta/llama-3", providers: ["shaky"] },
    { id: "claude-haiku", providers: ["anthropic"] },
    { id: "vectors", providers: ["embedder"], kind: "embedding" },
  ]);
  gateway.answer = ({ body }) =>
    body["provider"] === "shaky" && body["model"] === "meta/llama-3"
      ? { status: 502, code: "PROVIDER_ERROR", message: SECRET_WORDS }
      : undefined;
  context = await testContext("health", {
    peers: { gateway: gateway.url },
    gateway: { providers: { groq: { baseUrl: "https://api.groq.com/openai/v1", apiKey: "gsk_0123456789" } } },
  });
  role = await start(context);
  // Roll-ups are a second old at most.
  const checked = async () => {
    const { summary, providers } = (await get("/health/dashboard")).body as { summary: Json; providers: Json[] };
    expect(summary["total_providers"]).toBe(3);
    expect(providers.reduce((sum, provider) => sum + Number(provider["requests_last_hour"]), 0)).toBe(4);
  };
  await vi.waitFor(checked, { timeout: 10_000, interval: 50 });
});
afterAll(async () => {
  await role.close();
  await context.dispose();
  await gateway.close();
});

async function ask(method: string, path: string, body?: unknown, headers: Record<string, string> = {}) {
  const reply = await fetch(`${role.urls["main"]}${path}`, {
    method,
    headers: { "content-type": "application/json", ...headers },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  return { status: reply.status, headers: reply.headers, body: (await reply.json()) as Json };
}
const get = (path: string) => ask("GET", path);
const post = (path: string, body: unknown = {}) => ask("POST", path, body);
const rows = (body: Json, name: string): Json[] => body[name] as Json[];

describe("health", () => {
  test("/health names the version and the database", async () => {
    expect((await get("/health")).body).toMatchObject({
      status: "healthy",
      service: "health-monitor",
      database: "connected",
      version: expect.any(String),
      timestamp: expect.stringMatching(/Z$/),
    });
    expect((await get("/health/quick")).body).toEqual({ status: "healthy", timestamp: expect.any(String) });
    expect(await get("/health/database")).toMatchObject({ status: 200, body: { status: "connected", kind: "sqlite" } });
  });

  test("the system object has exactly the contract's keys", async () => {
    const { body } = await get("/health/system");
    expect(Object.keys(body).sort()).toEqual(
      [
        "overall_status",
        ...["total", "healthy", "degraded", "unhealthy"].flatMap((word) => [`${word}_providers`, `${word}_models`]),
        "total_gateways",
        "healthy_gateways",
        "tracked_models",
        "tracked_providers",
        "system_uptime",
        "last_updated",
      ].sort(),
    );
    expect(body).toMatchObject({ overall_status: "degraded", total_models: 4, healthy_models: 3, unhealthy_models: 1 });
    expect((await get("/health/status")).body).toMatchObject({ status: "degraded", monitoring_active: true });
  });

  test("providers, models and gateways, with filters", async () => {
    const providers = rows((await get("/health/providers")).body, "providers");
    expect(providers.map(({ provider, status }) => [provider, status])).toEqual(
      expect.arrayContaining([
        ["openai", "online"],
        ["shaky", "degraded"],
        ["anthropic", "online"],
      ]),
    );
    const failing = (await get("/health/models?status=unhealthy")).body;
    expect(rows(failing, "data")).toMatchObject([{ model: "meta/llama-3", last_status: "error", tier: "on_demand" }]);
    expect(rows((await get("/health/models?provider=openai&limit=1&tier=on_demand")).body, "data")).toHaveLength(1);
    expect((await get("/health/models?tier=golden")).status).toBe(400);
    expect((await get("/health/models?limit=-1")).status).toBe(400);
    const { body } = await get("/health/gateways");
    const status = Object.fromEntries(rows(body, "gateways").map((entry) => [entry["gateway"], entry["status"]]));
    expect(status).toMatchObject({
      openai: "healthy",
      shaky: "unhealthy",
      embedder: "healthy",
      groq: "pending",
      xai: "unconfigured",
    });
    expect((await get("/health/groq")).body).toMatchObject({ gateway: "groq", status: "pending", models: [] });
    expect((await get("/health/nowhere")).status).toBe(404);
  });

  test("one model, with slashes in its name, and one provider", async () => {
    for (const path of ["/health/model/meta/llama-3", "/health/model/meta%2Fllama-3?provider=shaky"]) {
      const { body } = await get(path);
      expect(body).toMatchObject({
        model_id: "meta/llama-3",
        status: "unhealthy",
        last_error: `502: ${SECRET_WORDS}`,
        recent_checks: [{ kind: "probe", status: "error" }],
        aggregates: [{ period: "hour", total_checks: 1, uptime_percentage: 0 }],
        incidents: [{ incident_type: "outage", status: "active" }],
      });
    }
    expect((await get("/health/model/gpt-4o")).body["providers"]).toHaveLength(2);
    expect(await get("/health/model/nothing")).toMatchObject({ status: 404, body: { status: "error" } });
    expect((await get("/health/provider/shaky")).body).toMatchObject({
      status: "degraded",
      requests_last_hour: 2,
      errors_last_hour: 1,
      active_incidents: [{ model: "meta/llama-3" }],
    });
  });

  test("the dashboard has the contract's keys and scores", async () => {
    const { body } = await get("/health/dashboard");
    const shaky = rows(body, "providers").find(({ name }) => name === "shaky")!;
    expect(shaky).toEqual({
      name: "shaky",
      status: "degraded",
      availability: 0.5,
      error_rate: 0.5,
      avg_response_time_ms: expect.any(Number),
      health_score: 0.65, // 0.4 · 0.5 + 0.3 · 0.5 + 0.3
      requests_last_hour: 2,
      errors_last_hour: 1,
      circuit_breaker_state: "closed",
    });
    expect(body["summary"]).toEqual({
      total_providers: 3,
      healthy: 2,
      degraded: 1,
      down: 0,
      overall_health_score: expect.closeTo(0.8833, 4),
    });
  });

  test("uptime, summary, insights and everything at once", async () => {
    const uptime = (await get("/health/uptime?period=hour&provider=shaky")).body;
    expect(uptime).toMatchObject({ uptime_24h: expect.any(Number), period: "hour" });
    expect(rows(uptime, "aggregates")).toHaveLength(2);
    expect((await get("/health/summary")).body).toMatchObject({
      active_incidents: 1,
      monitoring_active: true,
      status_distribution: { success: 3, error: 1 },
    });
    expect((await get("/health/all")).body).toMatchObject({ system: {}, dashboard: {}, gateways: expect.any(Array) });
    expect((await get("/health/insights")).body).toMatchObject({ insights: expect.any(Array) });
  });
});

describe("model-health", () => {
  test("lists, sums and one model", async () => {
    expect((await get("/v1/model-health?provider=openai")).body).toMatchObject({ total: 1 });
    expect(rows((await get("/v1/model-health/unhealthy?error_threshold=0.5&min_calls=1")).body, "models")).toHaveLength(
      1,
    );
    expect((await get("/model-health/stats")).body).toMatchObject({
      checked_models: 4,
      unhealthy_models: 1,
      total_calls: 4,
      success_rate: 75,
      tiers: { on_demand: 4 },
    });
    expect(rows((await get("/v1/model-health/providers")).body, "providers")).toHaveLength(3);
    expect((await get("/v1/model-health/provider/shaky/summary")).body).toMatchObject({ total_errors: 1 });
    expect((await get("/v1/model-health/shaky/meta%2Fllama-3")).body).toMatchObject({ model_id: "meta/llama-3" });
    expect((await get("/v1/model-health/shaky/none")).status).toBe(404);
  });
});

describe("availability", () => {
  test("models, one of them, and what else could be asked", async () => {
    const models = rows((await get("/availability/models?provider=shaky")).body, "models");
    expect(models.map(({ model, status }) => [model, status])).toEqual([
      ["gpt-4o", "available"],
      ["meta/llama-3", "degraded"],
    ]);
    expect((await get("/availability/model/gpt-4o")).body).toMatchObject({ status: "available", providers: [{}, {}] });
    expect((await get("/availability/check/gpt-4o?provider=openai")).body).toMatchObject({ available: true });
    expect((await get("/availability/check/unheard-of")).body).toMatchObject({ available: true, status: "unknown" });
    expect((await get("/availability/fallback/gpt-4o?provider=openai")).body).toMatchObject({
      primary_model: "gpt-4o",
      fallback_models: [{ provider: "shaky", status: "available" }],
    });
    expect((await get("/availability/best/meta/llama-3")).body).toMatchObject({
      best_available: null,
      availability: "degraded",
    });
    expect((await get("/availability/summary")).body).toMatchObject({ available: 3, degraded: 1, unavailable: 0 });
  });

  test("a maintenance window stops probes of what it names, and ends", async () => {
    expect((await post("/availability/maintenance", {})).status).toBe(400);
    expect((await post("/availability/maintenance", { provider: "shaky", duration_minutes: 1e9 })).status).toBe(400);
    const made = await post("/availability/maintenance", { provider: "shaky", duration_minutes: 30, reason: "move" });
    expect(made).toMatchObject({ status: 201, body: { provider: "shaky", active: true, reason: "move" } });
    expect(rows((await get("/availability/models?status=maintenance")).body, "models")).toHaveLength(2);
    expect((await get("/availability/check/meta/llama-3")).body).toMatchObject({ available: false });
    const routing = rows((await get("/internal/routing")).body, "models");
    expect(routing.filter(({ avoid }) => avoid).map(({ reason }) => reason)).toEqual(["maintenance", "maintenance"]);
    expect(rows((await get("/availability/maintenance")).body, "windows")).toHaveLength(1);
    const path = `/availability/maintenance/${made.body["id"]}`;
    expect((await ask("DELETE", path)).status).toBe(200);
    expect((await ask("DELETE", path)).status).toBe(404);
    expect(rows((await get("/availability/models?status=maintenance")).body, "models")).toHaveLength(0);
  });

  test("routing gets every checked model and what to avoid", async () => {
    const models = rows((await get("/internal/routing")).body, "models");
    expect(models).toHaveLength(4);
    expect(models.filter(({ avoid }) => avoid)).toMatchObject([
      { provider: "shaky", model: "meta/llama-3", hidden: false, reason: "last check: error" },
    ]);
  });
});

describe("public status", () => {
  test("has the contract's keys; a quarter offline is an outage", async () => {
    for (const path of ["/v1/status", "/status-page.json"]) {
      expect((await get(path)).body).toEqual({
        status: "major_outage",
        status_message: expect.any(String),
        uptime_percentage: expect.any(Number),
        total_models: 4,
        healthy_models: 3,
        offline_models: 1,
        total_providers: 3,
        total_gateways: 3,
        healthy_gateways: 2,
        gateway_health_percentage: expect.closeTo(66.67, 1),
        active_incidents: 1,
        last_updated: expect.any(String),
      });
    }
  });

  test("nothing public repeats what a provider said", async () => {
    const paths = ["", "/providers", "/models", "/incidents", "/uptime", "/stats", "/search?q=llama"];
    for (const path of paths) {
      const { status, body } = await get(`/v1/status${path}`);
      expect(status).toBe(200);
      expect(JSON.stringify(body)).not.toContain(SECRET_WORDS);
    }
    const page = await (await fetch(`${role.urls["main"]}/status-page`)).text();
    expect(page).toContain("meta/llama-3");
    expect(page).not.toContain(SECRET_WORDS);
  });

  test("one model and its uptime, a search, and filters of incidents", async () => {
    expect((await get("/v1/status/models/shaky/meta%2Fllama-3")).body).toMatchObject({ status: "degraded" });
    for (const period of ["24h", "7d", "30d"]) {
      const { body } = await get(`/v1/status/uptime/shaky/meta%2Fllama-3?period=${period}`);
      expect(body).toMatchObject({ period, uptime_24h: expect.any(Number), points: expect.any(Array) });
    }
    expect((await get("/v1/status/uptime/shaky/meta%2Fllama-3?period=1y")).status).toBe(400);
    expect((await get("/v1/status/search?q=LLAMA")).body).toMatchObject({ total: 1, models: [{ provider: "shaky" }] });
    expect((await get("/v1/status/incidents?status=active&severity=low")).body).toMatchObject({ total: 1 });
    expect((await get("/v1/status/incidents?severity=high")).body).toMatchObject({ total: 0 });
  });

  test("the page is whole without scripts, and forbids them", async () => {
    const reply = await fetch(`${role.urls["main"]}/status-page`);
    expect(reply.headers.get("content-type")).toBe("text/html; charset=utf-8");
    expect(reply.headers.get("content-security-policy")).toMatch(/^default-src 'none'; style-src 'sha256-/);
    const page = await reply.text();
    expect(page).not.toMatch(/<script|onclick|https?:\/\//);
    expect(page).toContain('<html lang="en">');
    expect(page.match(/<h1/g)).toHaveLength(1);
  });
});

describe("incidents", () => {
  test("are acknowledged, noted and resolved by a person", async () => {
    const [incident] = rows((await get("/incidents?status=active")).body, "incidents");
    const path = `/incidents/${incident!["id"]}`;
    expect((await get(path)).body).toMatchObject({
      provider: "shaky",
      incident_type: "outage",
      severity: "low",
      resolved_at: null,
      error_count: 1,
      affected_requests: 0,
      metadata: { statuses: { error: 1 } },
    });
    expect((await post(`${path}/acknowledge`, { by: "ada" })).body).toMatchObject({
      status: "acknowledged",
      metadata: { acknowledged_by: "ada" },
    });
    expect((await get("/metrics")).body["active_incidents"]).toBe(0);
    expect((await post(`${path}/notes`, { notes: "their disks" })).body).toMatchObject({
      resolution_notes: "their disks",
    });
    expect((await post(`${path}/notes`, {})).status).toBe(400);
    expect((await post(`${path}/resolve`, { by: "ada", notes: "replaced" })).body).toMatchObject({
      status: "resolved",
      resolution_notes: "replaced",
      duration_seconds: expect.any(Number),
    });
    expect((await post(`${path}/resolve`)).status).toBe(409);
    expect((await post("/incidents/none/resolve")).status).toBe(404);
    expect((await get("/incidents/none")).status).toBe(404);
    expect((await get("/incidents?status=bad")).status).toBe(400);
    expect((await post(`${path}/notes`, [])).status).toBe(400);
  });
});

describe("monitoring", () => {
  test("stops and starts, and checks by hand", async () => {
    await post("/availability/monitoring/stop");
    expect((await get("/status")).body).toMatchObject({ health_monitoring_active: false });
    expect((await get("/health/monitoring/status")).body).toMatchObject({ paused: true, status: "inactive" });
    expect((await post("/check/trigger")).body).toMatchObject({ message: "Checked 0 due models" });
    await post("/health/monitoring/start");
    const before = gateway.probes.length;
    expect((await post("/health/check/now", { provider: "anthropic" })).body).toMatchObject({ checked: 1 });
    expect(gateway.probes.length).toBe(before + 1);
    expect((await post("/health/check/now", { model: "none" })).status).toBe(404);
    expect((await post("/health/check")).body).toMatchObject({ checked: 0 });
  });

  test("pages of another origin change nothing", async () => {
    const paths = ["/health/monitoring/stop", "/health/check/now", "/availability/maintenance", "/incidents/x/resolve"];
    for (const path of paths) {
      expect((await ask("POST", path, {}, { origin: "https://evil.example" })).status).toBe(403);
    }
  });
});

test("beyond loopback only what is public opens without the key", async () => {
  const remote = await testContext("health", { host: "0.0.0.0", peers: { gateway: gateway.url } });
  const other = await start(remote);
  try {
    const status = async (path: string, key?: string, method = "GET"): Promise<number> => {
      const headers: Record<string, string> = key === undefined ? {} : { authorization: `Bearer ${key}` };
      return (await fetch(`${other.urls["main"]}${path}`, { headers, method })).status;
    };
    const open = ["/", "/health", "/ready", "/status", "/metrics", "/cache/stats", "/v1/status", "/v1/status/models"];
    for (const path of [...open, "/status-page", "/prometheus/metrics", "/internal/routing"]) {
      expect(await status(path), path).toBe(200);
    }
    for (const path of ["/incidents", "/alerts", "/models", "/health/models", "/v1/statuses", "/health/system"]) {
      expect(await status(path), path).toBe(401);
      expect(await status(path, "wrong"), path).toBe(401);
    }
    expect(await status("/health/models", TEST_ADMIN_KEY)).toBe(200);
    expect(await status("/check/trigger", undefined, "POST")).toBe(401);
    expect(await status("/health/monitoring/stop", undefined, "POST")).toBe(401);
    expect(await status("/check/trigger", TEST_ADMIN_KEY, "POST")).toBe(200);
  } finally {
    await other.close();
    await remote.dispose();
  }
});
