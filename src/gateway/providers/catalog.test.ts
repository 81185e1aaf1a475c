import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { pino } from "pino";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { recordingTelemetry } from "../testing/test-gateway.ts";
import { Catalog } from "./catalog.ts";
import { createProvider, type Provider } from "./provider.ts";

let server: Server;
let answer: { status: number; body: string };
let asked: { url: string; key: string | undefined }[];
let provider: Provider;

beforeEach(async () => {
  asked = [];
  answer = { status: 200, body: '{"data":[{"id":"a"},{"id":"b"}]}' };
  server = createServer((request, reply) => {
    asked.push({ url: request.url!, key: request.headers["x-api-key"] as string | undefined });
    reply.writeHead(answer.status).end(answer.body);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`;
  provider = createProvider("p", { type: "anthropic", baseUrl, apiKey: "k-1", models: [] }, 1_000, false);
});
afterEach(async () => {
  vi.useRealTimers();
  await provider.pool.destroy();
  server.close();
});

test("the provider's list is fetched once and kept; a failure keeps the last one", async () => {
  vi.useFakeTimers({ toFake: ["Date"] });
  const telemetry = recordingTelemetry();
  const catalog = new Catalog([provider], telemetry, pino({ level: "silent" }));
  expect(catalog.models("p")).toBeUndefined();
  await Promise.all([catalog.refresh(), catalog.refresh()]);
  await catalog.refresh();
  expect([...catalog.models("p")!]).toEqual(["a", "b"]);
  // Anthropic's base URL loses a /v1 that people add.
  expect(asked).toEqual([{ url: "/v1/models?limit=1000", key: "k-1" }]);
  answer = { status: 500, body: "" };
  vi.setSystemTime(Date.now() + 11 * 60_000);
  await catalog.refresh();
  expect(asked).toHaveLength(2);
  expect([...catalog.models("p")!]).toEqual(["a", "b"]);
  answer = { status: 200, body: '{"data":[{"id":"c"}]}' };
  vi.setSystemTime(Date.now() + 61_000);
  await catalog.refresh(true); // Asked early because a model was missing.
  expect([...catalog.models("p")!]).toEqual(["c"]);
  expect(telemetry.events).toEqual([
    { name: "catalogLoaded", gateway: "p", models: 2, hit: false, bytes: 2 },
    { name: "catalogLoaded", gateway: "p", models: 2, hit: true },
    { name: "catalogLoaded", gateway: "p", models: 2, hit: false },
    { name: "catalogFallback", gateway: "p", source: "cache" },
    { name: "catalogLoaded", gateway: "p", models: 1, hit: false, bytes: 1 },
    { name: "catalogRepaired", gateway: "p", result: "success" },
  ]);
});

test("a list that came empty is asked for again early, and says why it is empty", async () => {
  vi.useFakeTimers({ toFake: ["Date"] });
  const telemetry = recordingTelemetry();
  const catalog = new Catalog([provider], telemetry, pino({ level: "silent" }));
  answer = { status: 200, body: '{"data":[]}' };
  await catalog.refresh();
  vi.setSystemTime(Date.now() + 61_000); // Long before a good list would be asked for again.
  answer = { status: 200, body: '{"data":[{"id":"a"},{"id":"b"},{"id":"c"}]}' };
  await catalog.refresh();
  expect([...catalog.models("p")!]).toEqual(["a", "b", "c"]);
  answer = { status: 200, body: '{"data":[{"id":"a"}]}' };
  vi.setSystemTime(Date.now() + 11 * 60_000);
  await catalog.refresh();
  expect(telemetry.events).toMatchObject([
    { name: "catalogLoaded", models: 0, emptyReason: "api_empty" },
    { name: "catalogLoaded", models: 3 },
    { name: "catalogRepaired", result: "success" },
    { name: "catalogLoaded", models: 1, emptyReason: "below_threshold" },
  ]);
});

test("a configured list is taken as it is", async () => {
  const configured = { ...provider, configuredModels: ["x"] };
  const catalog = new Catalog([configured], recordingTelemetry(), pino({ level: "silent" }));
  await catalog.refresh(true);
  expect([...catalog.models("p")!]).toEqual(["x"]);
  expect(asked).toHaveLength(0);
});
