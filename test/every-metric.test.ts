import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { createClient } from "redis";
import { afterAll, expect, test, vi } from "vitest";
import type { ConfigInput } from "../src/config/schema.ts";
import { start } from "../src/gateway/index.ts";
import { catalogue } from "../src/gateway/telemetry/catalogue.ts";
import type { MetricSpec } from "../src/gateway/telemetry/metric-spec.ts";
import { lintExposition } from "../src/gateway/telemetry/testing-lint.ts";
import {
  ANTHROPIC_MESSAGE,
  ANTHROPIC_STREAM,
  OPENAI_COMPLETION,
  OPENAI_STREAM,
} from "../src/gateway/testing/fixture-provider.ts";
import { TEST_ADMIN_KEY, testContext } from "../src/runtime/testing.ts";
import { MetricWatch } from "./support/metric-watch.ts";
import { type RealServer, startRedis } from "./support/real-servers.ts";

/** Names that nothing feeds yet. This list only gets shorter; it is empty when the work is done. */
const WAITING: readonly string[] = [
  "catalog_cache_invalidations_total",
  "catalog_cache_size_bytes",
  "connection_pool_errors_total",
  "gateway_auto_fix_attempts_total",
  "gateway_fallback_activations_total",
  "gatewayz_config_reloads_total",
  "gatewayz_credit_deduction_amount_usd_total",
  "gatewayz_credit_deduction_latency_seconds",
  "gatewayz_credit_deduction_retry_total",
  "gatewayz_credit_deduction_total",
  "gatewayz_credit_refunds_amount_usd_total",
  "gatewayz_credit_refunds_total",
  "gatewayz_database_query_errors_total",
  "gatewayz_failed_open_total",
  "gatewayz_missed_credit_deductions_usd_total",
  "gatewayz_streaming_background_task_failures_total",
  "gatewayz_usage_interrupted_total",
  "gatewayz_workers",
  "pricing_bounds_violations_total",
  "pricing_health_status",
  "pricing_spike_detected_total",
  "pricing_staleness_hours",
  "pricing_sync_duration_seconds",
  "pricing_sync_errors_total",
  "pricing_sync_job_duration_seconds",
  "pricing_sync_job_queue_size",
  "pricing_sync_last_success_timestamp",
  "pricing_sync_models_fetched_total",
  "pricing_sync_models_skipped_total",
  "pricing_sync_models_updated_total",
  "pricing_sync_price_changes_total",
  "pricing_sync_total",
  "pricing_validation_failures",
  "pricing_validation_total",
  "user_credit_balance",
];

const specs = Object.entries(catalogue as Record<string, MetricSpec>);
const kinds = new Map(specs.map(([name, { type }]) => [name, type]));
const MESSAGES = [{ role: "user", content: "hello there" }];

/** Moves both clocks of this process ahead, so that 30 s pass without waiting for them. */
let aheadMs = 0;
const [date, clock] = [Date.now, performance.now.bind(performance)];
vi.spyOn(Date, "now").mockImplementation(() => date() + aheadMs);
vi.spyOn(performance, "now").mockImplementation(() => clock() + aheadMs);

const redis = await startRedis();
const folder = await mkdtemp(join(tmpdir(), "gatewayz-every-metric-"));
const closers: (() => Promise<unknown>)[] = [async () => redis?.stop(), () => rm(folder, { recursive: true })];
afterAll(async () => {
  for (const close of closers.reverse()) await close();
});

type Answer = (request: IncomingMessage, reply: ServerResponse, body: string) => void;

/** An HTTP server that answers as it is told. */
async function serve(answer: Answer): Promise<{ url: string; server: Server }> {
  const server = createServer(async (request, reply) => {
    let body = "";
    for await (const chunk of request) body += String(chunk);
    answer(request, reply, body);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  closers.push(async () => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, server };
}

const json = (reply: ServerResponse, body: unknown, status = 200, headers: Record<string, string> = {}): void =>
  void reply.writeHead(status, { "content-type": "application/json", ...headers }).end(JSON.stringify(body));
const events = (reply: ServerResponse, pieces: readonly string[]): void =>
  void reply.writeHead(200, { "content-type": "text/event-stream" }).end(pieces.join(""));
const failure = (message: string) => ({ error: { message, type: "server_error", code: null } });

const APP = "gw_test_app_0123456789";
const SMALL = "gw_test_small_0123456789";
const POOR = "gw_test_poor_0123456789";
const CACHED = "gw_test_cached_0123456789";

/** What `main` does next; every other provider does one thing. */
let main: Answer = (_request, reply) => json(reply, OPENAI_COMPLETION);
const GARBAGE = ["data: {not json}\n\n", ...OPENAI_STREAM];
const chat: Answer = (request, reply, body) => {
  if (!body.includes('"stream":true')) main(request, reply, body);
  else events(reply, body.includes("garbage") ? GARBAGE : OPENAI_STREAM);
};

async function startProviders() {
  let list: unknown = { data: [] };
  const providers = {
    main: await serve(chat),
    claude: await serve((_request, reply, body) =>
      body.includes('"stream":true') ? events(reply, ANTHROPIC_STREAM) : json(reply, ANTHROPIC_MESSAGE),
    ),
    down: await serve((_request, reply) => json(reply, failure("down"), 503)),
    limited: await serve((request, reply) =>
      request.headers.authorization === "Bearer limited-key-1"
        ? json(reply, failure("slow down"), 429, { "retry-after": "1" })
        : json(reply, OPENAI_COMPLETION),
    ),
    free: await serve((_request, reply) => json(reply, OPENAI_COMPLETION)),
    spare: await serve((_request, reply) => json(reply, OPENAI_COMPLETION)),
    trusting: await serve((_request, reply) => json(reply, failure("no such model"), 404)),
    listing: await serve((request, reply) => json(reply, request.method === "GET" ? list : OPENAI_COMPLETION)),
  };
  return { ...providers, fillList: () => void (list = { data: [{ id: "listed-1" }] }) };
}

/** Redis with a memory limit, something expired, something evicted, hits and misses. */
async function prepareRedis(server: RealServer): Promise<void> {
  const client = await createClient({ url: server.url }).connect();
  await client.configSet({ maxmemory: "4mb", "maxmemory-policy": "allkeys-lru" });
  await client.set("gone", "x", { PX: 1 });
  await sleep(20);
  await client.get("gone");
  for (let index = 0; index < 100; index++) await client.set(`big-${index}`, "x".repeat(100_000));
  await client.get("big-99");
  await client.destroy();
}

const HOOK = `export default {
  name: "odd",
  before({ body }) {
    if (body.user !== "odd") return undefined;
    return { body: Object.defineProperty({ ...body }, "messages", { get() { throw new TypeError("odd"); } }) };
  },
};`;

interface Driver {
  readonly watch: MetricWatch;
  scrape(openMetrics?: boolean): Promise<void>;
  /** POSTs JSON; the admin key unless another is given. */
  post(path: string, body: object, key?: string, headers?: Record<string, string>): Promise<number>;
  /** A chat of one message; `gpt-4o-mini` unless the body names another model. */
  ask(body?: object, key?: string, headers?: Record<string, string>): Promise<number>;
  readonly url: string;
}

/** A gateway in this process, and what one does to it. */
async function startDriver(config: ConfigInput): Promise<Driver> {
  const context = await testContext("gateway", { mode: "live", ...config });
  const gateway = await start(context);
  closers.push(
    () => context.dispose(),
    () => gateway.close(),
  );
  const url = gateway.urls["main"]!;
  const watch = new MetricWatch(kinds);
  const post: Driver["post"] = async (path, body, key = TEST_ADMIN_KEY, headers = {}) => {
    const reply = await fetch(`${url}${path}`, {
      method: "POST",
      headers: { authorization: `Bearer ${key}`, "content-type": "application/json", ...headers },
      body: JSON.stringify(body),
    });
    await reply.arrayBuffer();
    return reply.status;
  };
  return {
    url,
    watch,
    post,
    ask: (body, key, headers) =>
      post("/v1/chat/completions", { model: "gpt-4o-mini", messages: MESSAGES, ...body }, key, headers),
    async scrape(openMetrics = false) {
      const accept = openMetrics ? "application/openmetrics-text" : "text/plain";
      const reply = await fetch(`${url}/metrics`, { headers: { authorization: `Bearer ${TEST_ADMIN_KEY}`, accept } });
      const page = await reply.text();
      expect(lintExposition(page, openMetrics)).toEqual([]);
      if (!openMetrics) watch.take(page);
    },
  };
}

test("every declared metric moves under scripted traffic and faults, and every page is well formed", async () => {
  if (redis === undefined) throw new Error("this test needs Redis");
  await prepareRedis(redis);
  const providers = await startProviders();
  let refuseSpans = true;
  const sink = await serve((request, reply) => {
    if (request.url === "/v1/traces" && refuseSpans) return void reply.writeHead(400).end();
    json(reply, {});
  });
  const hook = join(folder, "odd.mjs");
  await writeFile(hook, HOOK);
  const openai = { type: "openai", allowPrivate: true } as const;
  const at = ({ url }: { url: string }) => ({ ...openai, baseUrl: `${url}/v1` });
  const gateway = await startDriver({
    redis: { url: redis.url },
    peers: { logs: sink.url, otlp: sink.url, health: sink.url },
    gateway: {
      providers: {
        main: { ...at(providers.main), models: ["m-1", "h-1", "gpt-4o-mini"] },
        claude: { type: "anthropic", allowPrivate: true, baseUrl: providers.claude.url, models: ["claude-3-5-haiku"] },
        down: { ...at(providers.down), models: ["down-1"] },
        limited: {
          ...at(providers.limited),
          models: ["limited-1"],
          apiKeys: [{ key: "limited-key-1" }, { key: "limited-key-2" }],
        },
        listing: at(providers.listing),
        openrouter: { ...at(providers.free), models: ["deepseek/deepseek-r1:free"] },
        spare: { ...at(providers.spare), models: ["h-1"] },
        trusting: at(providers.trusting),
      },
      aliases: {
        careful: { models: ["down/down-1"], fallback: ["main/m-1"] },
        shaky: { models: ["down/down-1"], policy: "cost", fallback: ["main/m-1"] },
      },
      routing: {
        auto: [
          { model: "main/gpt-4o-mini", quality: 0.5 },
          { model: "claude/claude-3-5-haiku", quality: 0.9 },
        ],
      },
      limits: { dailySpendUsd: 0.01 },
      keys: {
        app: { key: APP, tier: "pro", budget: { dayUsd: 100, monthUsd: 1_000 } },
        small: { key: SMALL, limits: { requestsPerMinute: 1, burst: 1 } },
        poor: { key: POOR, budget: { dayUsd: 0.01 } },
        cached: { key: CACHED, cache: true },
        trial: { key: "gw_temp_trial_0123456789" },
      },
      cache: { keys: ["cached"] },
      concurrency: { active: 2, queued: 1, queueWait: "200ms" },
      breaker: { consecutiveFailures: 2, openFor: "300ms", halfOpenSuccesses: 1 },
      availabilityBreaker: { failures: 2 },
      hedging: { enabled: true, delayMin: "60ms", samplesMin: 1, budget: 1 },
      retries: { max: 1, delay: "1ms", budget: 1 },
      safety: { hooks: [{ module: hook, name: "odd" }] },
      telemetry: { genAi: ["latest", "v1.41", "v1.36"] },
    },
  });
  const { ask, post, scrape } = gateway;

  await scrape();
  // Ordinary traffic in both formats, streams, a free model, one without a price, the smart router, hooks.
  for (const stream of [false, true]) {
    expect(await ask({ stream }, APP)).toBe(200);
    const claude = { model: "claude-3-5-haiku", max_tokens: 10, messages: MESSAGES, stream };
    expect(await post("/v1/messages", claude, APP)).toBe(200);
  }
  expect(await ask({ model: "m-1" }, APP)).toBe(200);
  expect(await ask({ model: "deepseek/deepseek-r1:free" }, APP)).toBe(200);
  expect(await ask({ stream: true, user: "garbage" }, APP)).toBe(200);
  for (const model of ["auto", "auto:cost", "auto:quality"]) await ask({ model }, APP);
  expect(await ask({ user: "odd" }, APP)).toBe(500);
  // The health service's probe, callers without a good key, names that only a client knows.
  await ask({ provider: "main" }, undefined, { "x-gatewayz-probe": "1" });
  for (const key of ["wrong-key-0123", ""]) expect(await ask({}, key)).toBe(401);
  await fetch(`${gateway.url}/wp-login.php`, { headers: { "user-agent": "zgrab/0.x" } });
  expect(await ask({ model: "made-up", provider: "trusting" })).toBe(404);
  for (let index = 0; index < 2; index++) await post("/admin/keys", { name: "twice" });
  await scrape();

  // Providers that fail: fallback, retry, key rotation, breakers that open, refuse and close again.
  expect(await ask({ model: "careful" }, APP)).toBe(200);
  for (let index = 0; index < 3; index++) await ask({ model: "down/down-1" }, APP);
  for (const model of ["careful", "shaky"]) await ask({ model }, APP);
  for (let index = 0; index < 4; index++) await ask({ model: "limited-1" }, APP);
  main = (_request, reply) => json(reply, failure("broken"), 503);
  for (let index = 0; index < 3; index++) await ask({ model: "m-1" });
  await scrape();
  main = (_request, reply) => json(reply, OPENAI_COMPLETION);
  await sleep(350);
  for (let index = 0; index < 3; index++) expect(await ask({ model: "m-1" })).toBe(200);
  // A model list that is empty at first.
  providers.fillList();
  aheadMs += 120_000;
  expect(await ask({ model: "listed-1" })).toBe(200);
  await scrape();

  // Places and queue full; a call that takes 31 s; a second call because the first is late.
  main = (_request, reply) => void setTimeout(() => json(reply, OPENAI_COMPLETION), 400);
  const waiting = Array.from({ length: 6 }, () => ask({}, APP));
  await sleep(100);
  await scrape();
  aheadMs += 31_000;
  await Promise.all(waiting);
  main = (_request, reply) => json(reply, OPENAI_COMPLETION);
  for (let index = 0; index < 3; index++) await ask({ model: "h-1" });
  main = (_request, reply) => void setTimeout(() => json(reply, OPENAI_COMPLETION), 400);
  await ask({ model: "h-1" });
  main = (_request, reply) => json(reply, OPENAI_COMPLETION);
  await scrape();

  // Limits, budgets, the response cache.
  for (let index = 0; index < 3; index++) await ask({ max_tokens: 1 }, SMALL);
  for (let index = 0; index < 30; index++) await ask({ model: "m-1", max_tokens: 1 }, POOR);
  await useCache(gateway);
  await scrape();

  // Many errors: velocity mode begins, and ends when its time is over.
  main = (_request, reply) => json(reply, failure("broken"), 500);
  for (let index = 0; index < 130; index++) await ask({ model: "m-1" });
  await scrape();
  aheadMs += 200_000;
  main = (_request, reply) => json(reply, OPENAI_COMPLETION);
  await ask({}, APP);
  refuseSpans = false;
  await sleep(1_200);
  await scrape();
  await scrape(true);

  // Redis goes away.
  await redis.kill();
  await useCache(gateway);
  await scrape();

  // What a gateway with a cache in its own memory has and one with Redis has not.
  const alone = await startDriver({
    gateway: {
      providers: { main: { ...at(providers.main), models: ["gpt-4o-mini"] } },
      keys: { cached: { key: CACHED, cache: true } },
      cache: { keys: ["cached"], store: "memory", entries: 1 },
    },
  });
  await alone.scrape();
  await useCache(alone);
  await alone.scrape();

  const still = gateway.watch.still.filter((name) => alone.watch.still.includes(name));
  expect(still).toEqual([...WAITING].sort());
}, 120_000);

/** Two questions, each twice. */
async function useCache({ ask }: Driver): Promise<void> {
  for (const content of ["a", "a", "b", "b"]) {
    await ask({ temperature: 0, messages: [{ role: "user", content }] }, CACHED);
  }
}
