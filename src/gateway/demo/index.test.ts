import { createServer, type IncomingHttpHeaders, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { type TestContext, testContext } from "../../runtime/testing.ts";
import { type DemoTraffic, startDemoTraffic } from "./index.ts";
import { loadFactor, planRequest } from "./plan.ts";

let gateway: Server;
let baseUrl: string;
let context: TestContext;
let demo: DemoTraffic;
let got: { path: string; headers: IncomingHttpHeaders }[];
/** Requests are answered only while this is true. */
let answering = true;
let openMax = 0;
let open = 0;

beforeEach(async () => {
  got = [];
  answering = true;
  [open, openMax] = [0, 0];
  gateway = createServer((request, reply) => {
    request.resume();
    if (request.url === "/v1/models") {
      reply.end(
        JSON.stringify({ data: [{ id: "gpt-4o-mini" }, { id: "sim-flaky" }, { id: "e", kind: "embedding" }, null] }),
      );
      return;
    }
    got.push({ path: request.url!, headers: request.headers });
    openMax = Math.max(openMax, ++open);
    reply.on("close", () => open--);
    if (answering) reply.writeHead(got.length % 3 === 0 ? 500 : 200).end("{}");
  });
  await new Promise<void>((resolve) => gateway.listen(0, "127.0.0.1", resolve));
  baseUrl = `http://127.0.0.1:${(gateway.address() as AddressInfo).port}`;
  context = await testContext("gateway");
  const { logger, signal } = context;
  demo = startDemoTraffic({ baseUrl, apiKey: "gw_temp_demo", requestsPerSecond: 400, signal, logger });
});
afterEach(async () => {
  await demo.close();
  await context.dispose();
  gateway.closeAllConnections();
  await new Promise((resolve) => gateway.close(resolve));
});

const until = (count: number): Promise<void> =>
  vi.waitFor(() => expect(got.length).toBeGreaterThanOrEqual(count), { timeout: 8_000, interval: 10 });

test("sends to both endpoints with the demo key, failures included, until it is stopped", async () => {
  expect(demo.running()).toBe(false);
  demo.start();
  demo.start();
  expect(demo.running()).toBe(true);
  await until(40);
  expect(new Set(got.map(({ path }) => path))).toEqual(new Set(["/v1/chat/completions", "/v1/messages"]));
  for (const { path, headers } of got) {
    const key = path === "/v1/messages" ? headers["x-api-key"] : headers.authorization?.replace("Bearer ", "");
    expect(key).toBe("gw_temp_demo");
  }
  demo.stop();
  expect(demo.running()).toBe(false);
  const count = got.length;
  await new Promise((resolve) => setTimeout(resolve, 200));
  expect(got.length).toBeLessThanOrEqual(count + 8);
  demo.start();
  await until(count + 20);
});

test("at most eight are open, and close cancels them", async () => {
  answering = false;
  demo.start();
  await until(8);
  await new Promise((resolve) => setTimeout(resolve, 100));
  expect(openMax).toBe(8);
  const beganMs = performance.now();
  await demo.close();
  expect(performance.now() - beganMs).toBeLessThan(3_000);
  demo.start();
  expect(demo.running()).toBe(false);
});

test("a gateway that is not there is asked again, and nothing is thrown", async () => {
  const { logger, signal } = context;
  const lost = startDemoTraffic({ baseUrl: "http://127.0.0.1:9", apiKey: "k", requestsPerSecond: 50, signal, logger });
  lost.start();
  await vi.waitFor(() => expect(context.lines.map(({ msg }) => msg)).toContain("demo traffic: no model list"));
  await lost.close();
});

test("the plan: trouble only for the models made for it, streams, tools, both formats", () => {
  let seed = 7;
  const random = (): number => (seed = (seed * 16_807) % 2_147_483_647) / 2_147_483_647;
  const models = ["a", "b", "c", "sim-flaky", "sim-slow"];
  const plans = Array.from({ length: 5_000 }, () => planRequest(models, random)!);
  const share = (test: (plan: (typeof plans)[number]) => boolean): number => plans.filter(test).length / plans.length;
  expect(share(({ body }) => body["model"] === "sim-flaky")).toBeCloseTo(0.03, 1);
  expect(share(({ body }) => body["model"] === "sim-slow")).toBeGreaterThan(0.003);
  expect(share(({ body }) => body["stream"] === true)).toBeCloseTo(0.6, 1);
  expect(share(({ body }) => body["tools"] !== undefined)).toBeCloseTo(0.1, 1);
  expect(share(({ path }) => path === "/v1/messages")).toBeCloseTo(0.3, 1);
  expect(share(({ body }) => body["model"] === "a")).toBeGreaterThan(share(({ body }) => body["model"] === "c"));
  expect(planRequest([], random)).toBeUndefined();
});

test("the load stays within half and one and a half of the mean", () => {
  for (let nowMs = 0; nowMs < 86_400_000; nowMs += 60_000) {
    expect(loadFactor(nowMs)).toBeGreaterThanOrEqual(0.5);
    expect(loadFactor(nowMs)).toBeLessThanOrEqual(1.5);
  }
});
