import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { TEST_ADMIN_KEY } from "../../runtime/testing.ts";
import { startTestGateway, type TestGateway } from "../testing/test-gateway.ts";
import { HealthService } from "./health-service.ts";

/** A health service that answers as told and remembers what it was asked. */
interface Fixture {
  readonly url: string;
  readonly asked: {
    readonly method: string;
    readonly url: string;
    readonly key: string | undefined;
    readonly body: string;
  }[];
  answer: { status: number; body: string } | "hang";
  close(): void;
}

async function startFixture(): Promise<Fixture> {
  const asked: Fixture["asked"] = [];
  const server: Server = createServer(async (request, reply) => {
    let body = "";
    for await (const chunk of request) body += String(chunk);
    asked.push({ method: request.method!, url: request.url!, key: request.headers.authorization, body });
    const { answer } = fixture;
    if (answer !== "hang") reply.writeHead(answer.status, { "content-type": "application/json" }).end(answer.body);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const fixture: Fixture = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    answer: { status: 200, body: '{"overall_status":"healthy"}' },
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
  return fixture;
}

let health: Fixture;
beforeEach(async () => {
  health = await startFixture();
});
afterEach(() => health.close());

describe("asking the health service", () => {
  test("many questions at once are one; an answer is kept for a moment, and stands in for a minute when it is gone", async () => {
    let nowMs = 1_000_000;
    const controller = new AbortController();
    const service = new HealthService(health.url, "key", controller.signal, () => nowMs);
    await Promise.all([1, 2, 3].map(() => service.get("/health/system")));
    nowMs += 1_000;
    await service.get("/health/system");
    expect(health.asked).toHaveLength(1);
    nowMs += 5_000;
    await service.get("/health/system");
    expect(health.asked).toHaveLength(2);
    health.close();
    nowMs += 30_000;
    expect(await service.get("/health/system")).toEqual({ body: { overall_status: "healthy" }, ageMs: 30_000 });
    nowMs += 31_000;
    await expect(service.get("/health/system")).rejects.toMatchObject({
      code: "HEALTH_SERVICE_UNAVAILABLE",
      status: 503,
    });
    controller.abort();
  });

  test.each([
    [{ status: 200, body: "<html>" }, "HEALTH_SERVICE_UNAVAILABLE"],
    [{ status: 500, body: '{"message":"broken"}' }, "HEALTH_SERVICE_UNAVAILABLE"],
    [{ status: 404, body: '{"message":"no"}' }, "ENTRY_NOT_FOUND"],
    [{ status: 400, body: '{"message":"status must be active"}' }, "INVALID_REQUEST"],
  ])("the answer %j is %s", async (answer, code) => {
    health.answer = answer;
    const service = new HealthService(health.url, "key", new AbortController().signal);
    await expect(service.get("/x")).rejects.toMatchObject({ code });
  });

  test("what changes something is never cached, and makes the next read fresh", async () => {
    const service = new HealthService(health.url, "key", new AbortController().signal);
    await service.get("/availability/maintenance");
    await service.send("POST", "/availability/maintenance", { model: "m" });
    await service.get("/availability/maintenance");
    expect(health.asked.map(({ method }) => method)).toEqual(["GET", "POST", "GET"]);
    expect(health.asked[1]).toMatchObject({ key: "Bearer key", body: '{"model":"m"}' });
  });
});

describe("through the gateway", () => {
  const started: TestGateway[] = [];
  afterEach(async () => {
    for (const gateway of started.splice(0)) await gateway.close();
  });
  const start = async (url: string | undefined) => {
    const gateway = await startTestGateway({ ...(url === undefined ? {} : { peers: { health: url } }) });
    started.push(gateway);
    const ask = async (path: string, init: RequestInit = {}) => {
      const response = await fetch(`${gateway.url}${path}`, {
        ...init,
        headers: { authorization: `Bearer ${TEST_ADMIN_KEY}`, "content-type": "application/json" },
      });
      return {
        status: response.status,
        headers: response.headers,
        body: (await response.json()) as Record<string, unknown>,
      };
    };
    return { gateway, ask };
  };

  test("paths, queries and slashes arrive as they were sent, and the answer passes unchanged", async () => {
    const { ask } = await start(health.url);
    health.answer = { status: 200, body: '{"model":"meta/llama","anything":[1]}' };
    expect((await ask("/health/model/meta/llama?gateway=groq")).body).toEqual({ model: "meta/llama", anything: [1] });
    expect(health.asked[0]).toMatchObject({ method: "GET", url: "/health/model/meta%2Fllama?gateway=groq" });
    await ask("/availability/maintenance", { method: "POST", body: '{"provider":"groq","reason":"move"}' });
    expect(health.asked[1]).toMatchObject({ method: "POST", body: '{"provider":"groq","reason":"move"}' });
  });

  test("without a health service, summaries say unknown, availability stays yes, lists are a 503", async () => {
    const { ask } = await start(undefined);
    expect(await ask("/health/system")).toMatchObject({
      status: 200,
      body: { overall_status: "unknown", system_uptime: null, health_service: "unavailable" },
    });
    expect((await ask("/availability/check/gpt-5")).body).toMatchObject({ available: true, status: "unknown" });
    const list = await ask("/v1/status/providers");
    expect(list.status).toBe(503);
    expect(list.headers.get("retry-after")).toBe("5");
    expect(list.body).toMatchObject({ error: { gateway_code: "HEALTH_SERVICE_UNAVAILABLE" } });
    expect((await ask("/health/all")).body).toMatchObject({
      health_service: "not_configured",
      overall_status: "healthy",
    });
  });

  test("a health service that hangs is given up after two seconds", async () => {
    const { ask } = await start(health.url);
    health.answer = "hang";
    const startedAt = performance.now();
    expect((await ask("/health/system")).body).toMatchObject({ overall_status: "unknown" });
    expect(performance.now() - startedAt).toBeLessThan(4_000);
  });

  test("wrong query values are refused before the health service is asked", async () => {
    const { ask } = await start(health.url);
    expect((await ask("/v1/status/incidents?limit=many")).body).toMatchObject({ error: { param: "limit" } });
    expect(health.asked).toEqual([]);
  });
});
