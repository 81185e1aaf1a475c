import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, expect, test } from "vitest";
import { TEST_ADMIN_KEY, type TestContext, testContext } from "../../runtime/testing.ts";
import { json, OPENAI_COMPLETION, startFixtureProvider } from "../testing/fixture-provider.ts";
import { startTestGateway } from "../testing/test-gateway.ts";
import { HealthView } from "./health-view.ts";

let service: Server | undefined;
let context: TestContext | undefined;
let view: HealthView | undefined;

afterEach(async () => {
  view?.close();
  service?.closeAllConnections();
  service?.close();
  await context?.dispose();
});

/** A health service that answers as told. */
async function serve(answer: () => { status: number; body: unknown }): Promise<string> {
  service = createServer((_request, reply) => {
    const { status, body } = answer();
    reply.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
  });
  await new Promise<void>((resolve) => service!.listen(0, "127.0.0.1", resolve));
  return `http://127.0.0.1:${(service.address() as AddressInfo).port}`;
}

const row = (provider: string, last_status: string | null, uptime_24h: number, average_response_time_ms = 100) => ({
  provider,
  model: "m-1",
  gateway: provider,
  last_status,
  uptime_24h,
  average_response_time_ms,
});

test("unhealthy or under 50 % is avoided; alternatives need 70 %; unknown is neither", async () => {
  const models = [
    row("down", "error", 99),
    row("shaky", "success", 49.9),
    row("fair", "success", 69.9),
    row("good", "success", 70, 5),
    row("unchecked", null, 100),
    { ...row("resting", "success", 99), avoid: true },
    { ...row("gone", "not_found", 0), hidden: true },
    { provider: 7 },
    null,
  ];
  const url = await serve(() => ({ status: 200, body: { models } }));
  context = await testContext("gateway");
  view = new HealthView(context, url);
  expect(view.avoids("down", "m-1")).toBe(false);
  await view.refresh();
  const avoided = ["down", "shaky", "fair", "good", "unchecked", "unknown", "resting", "gone"].filter((name) =>
    view!.avoids(name, "m-1"),
  );
  expect(avoided).toEqual(["down", "shaky", "resting", "gone"]);
  expect(["down", "gone", "unknown"].filter((name) => view!.hides(name, "m-1"))).toEqual(["gone"]);
  expect(view.calm).toBe(false);
  expect(view.alternative("good", "m-1")).toMatchObject({ uptime: 70, latencyMs: 5 });
  expect(["down", "shaky", "fair", "unchecked", "unknown"].map((name) => view!.alternative(name, "m-1"))).toEqual(
    Array(5).fill(undefined),
  );
});

test("a service that fails leaves the last view, and an old view says nothing any more", async () => {
  let fails = false;
  const url = await serve(() =>
    fails ? { status: 500, body: {} } : { status: 200, body: { models: [row("down", "error", 0)] } },
  );
  context = await testContext("gateway", { gateway: { collectorInterval: "100ms" } });
  view = new HealthView(context, url);
  await view.refresh();
  fails = true;
  await view.refresh();
  expect(view.avoids("down", "m-1")).toBe(true);
  await new Promise((resolve) => setTimeout(resolve, 320));
  expect([view.avoids("down", "m-1"), view.calm]).toEqual([false, true]);
});

test("lists leave out what is gone, but for the health service itself", async () => {
  const url = await serve(() => ({
    status: 200,
    body: { models: [{ ...row("fireworks", "not_found", 0), hidden: true }] },
  }));
  const providers = {
    fireworks: { baseUrl: "http://127.0.0.1:9", models: ["m-1", "m-2"] },
    together: { baseUrl: "http://127.0.0.1:9", models: ["m-1"] },
  };
  const gateway = await startTestGateway({ peers: { health: url }, gateway: { collectorInterval: "50ms", providers } });
  const list = async (headers: Record<string, string> = {}): Promise<Record<string, string[]>> => {
    const reply = await fetch(`${gateway.url}/v1/models`, {
      headers: { authorization: `Bearer ${TEST_ADMIN_KEY}`, ...headers },
    });
    const { data } = (await reply.json()) as { data: { id: string; providers: string[] }[] };
    return Object.fromEntries(data.map(({ id, providers: names }) => [id, names]));
  };
  await expect.poll(list, { timeout: 3_000 }).toEqual({ "m-1": ["together"], "m-2": ["fireworks"] });
  expect((await list({ "x-gatewayz-probe": "1" }))["m-1"]).toEqual(["fireworks", "together"]);
  await gateway.close();
});

test("the gateway asks a provider last that the health service calls unhealthy, and goes on without the service", async () => {
  const url = await serve(() => ({ status: 200, body: { models: [row("fireworks", "timeout", 80)] } }));
  const first = await startFixtureProvider(json(OPENAI_COMPLETION));
  const second = await startFixtureProvider(json(OPENAI_COMPLETION));
  const gateway = await startTestGateway({
    peers: { health: url },
    gateway: {
      collectorInterval: "50ms",
      providers: {
        fireworks: { baseUrl: first.url, models: ["m-1"] },
        together: { baseUrl: second.url, models: ["m-1"] },
      },
    },
  });
  const answeredBy = async (): Promise<string | null> => {
    const body = { model: "m-1", messages: [{ role: "user", content: "x" }] };
    return (await gateway.post("/v1/chat/completions", body)).headers.get("x-gatewayz-provider");
  };
  expect(await answeredBy()).toBe("fireworks"); // Nobody waits for the view.
  await expect.poll(answeredBy, { timeout: 3_000 }).toBe("together");
  service!.closeAllConnections();
  service!.close();
  await expect.poll(answeredBy, { timeout: 3_000 }).toBe("fireworks");
  await gateway.close();
  await first.close();
  await second.close();
});
