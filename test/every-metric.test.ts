import { spawnSync } from "node:child_process";
import { cp, mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { createClient } from "redis";
import { afterAll, expect, test, vi } from "vitest";
import type { ConfigInput } from "../src/config/schema.ts";
import { assembleGateway, createProviders } from "../src/gateway/assemble.ts";
import { start } from "../src/gateway/index.ts";
import { createGatewayServer } from "../src/gateway/server.ts";
import { catalogue } from "../src/gateway/telemetry/catalogue.ts";
import { createTelemetry } from "../src/gateway/telemetry/index.ts";
import { lintExposition } from "../src/gateway/telemetry/testing-lint.ts";
import {
  ANTHROPIC_MESSAGE,
  ANTHROPIC_STREAM,
  OPENAI_COMPLETION,
  OPENAI_STREAM,
} from "../src/gateway/testing/fixture-provider.ts";
import { TEST_ADMIN_KEY, testContext } from "../src/runtime/testing.ts";
import { optionalDebianTool } from "./support/debian-tools.ts";
import { MetricWatch } from "./support/metric-watch.ts";
import { type RealServer, startRedis } from "./support/real-servers.ts";

/** What one process alone cannot have; test/workers.test.ts looks at it. */
const ELSEWHERE: ReadonlySet<string> = new Set(["gatewayz_workers"]);

const names = Object.keys(catalogue).filter((name) => !ELSEWHERE.has(name));
const FREE = "deepseek/deepseek-r1:free";
const USAGE_LOG_COPY = "usage-log-of-a-killed-gateway";
/** Names of the interface that do not follow Prometheus' habits; every other complaint is ours to mend. */
const KNOWN_COMPLAINTS =
  /^(gateway_model_count|gatewayz_health_tracked_models_count|pricing_staleness_hours|redis_\w+_total|velocity_mode_trigger_(error|request)_count) /;
const MESSAGES = [{ role: "user", content: "hello there" }];

/** Moves both clocks of this process ahead, so that 30 s pass without waiting for them. */
let aheadMs = 0;
const [date, clock] = [Date.now, performance.now.bind(performance)];
vi.spyOn(Date, "now").mockImplementation(() => date() + aheadMs);
vi.spyOn(performance, "now").mockImplementation(() => clock() + aheadMs);

/** The newest page of whichever gateway was asked last, in the text format. */
let newestPage = "";
const redis = await startRedis();
const promtool = await optionalDebianTool("promtool");
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
  let list: object | undefined = { data: [] };
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
    listing: await serve((request, reply) => {
      if (request.method !== "GET") json(reply, OPENAI_COMPLETION);
      else if (list === undefined) json(reply, failure("no list"), 500);
      else json(reply, list);
    }),
  };
  return {
    ...providers,
    setList(models: object[] | undefined) {
      list = models && { data: models };
    },
  };
}

/** A price list in which one price has jumped, one is negative and one is missing; the first fetch of it fails. */
async function startPriceList(): Promise<string> {
  const model = (id: string, prices?: object) => ({ id, match: { equals: id }, ...(prices && { prices }) });
  const models = [
    model("gpt-4o-mini", { input_mtok: 15, output_mtok: 60 }),
    model("odd-1", { input_mtok: -1, output_mtok: 1 }),
    model("odd-2"),
  ];
  const list = ["openai", "a", "b", "c", "d"].map((id) => ({
    id,
    name: id,
    api_pattern: `https://${id}.test`,
    models,
  }));
  let fetches = 0;
  const { url } = await serve((_request, reply) => {
    const failing = fetches++ === 0;
    setTimeout(() => json(reply, failing ? {} : list, failing ? 500 : 200), 100);
  });
  return url;
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
  await sleep(1_000); // Its uptime is in whole seconds.
  await client.destroy();
}

const HOOK = `export default {
  name: "odd",
  after() { throw new Error("odd"); },
  before({ body }) {
    if (body.user !== "odd") return undefined;
    return { body: Object.defineProperty({ ...body }, "messages", { get() { throw new TypeError("odd"); } }) };
  },
};`;

interface Driver {
  readonly dataDir: string;
  readonly watch: MetricWatch;
  scrape(openMetrics?: boolean): Promise<void>;
  /** POSTs JSON; the admin key unless another is given. */
  post(path: string, body: object, key?: string, headers?: Record<string, string>): Promise<number>;
  /** A chat of one message; `gpt-4o-mini` unless the body names another model. */
  ask(body?: object, key?: string, headers?: Record<string, string>): Promise<number>;
  readonly url: string;
}

/** A gateway in this process, and what one does to it. */
async function startDriver(config: ConfigInput, own: { dataDir?: string; configFile?: string } = {}): Promise<Driver> {
  const context = await testContext("gateway", { mode: "live", ...config }, own.dataDir);
  if (own.configFile !== undefined) Object.assign(context.config, { configFile: own.configFile });
  const gateway = await start(context);
  closers.push(
    () => context.dispose(),
    () => gateway.close(),
  );
  const url = gateway.urls["main"]!;
  const watch = new MetricWatch(names);
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
    dataDir: context.dataDir,
    watch,
    post,
    ask: (body, key, headers) =>
      post("/v1/chat/completions", { model: "gpt-4o-mini", messages: MESSAGES, ...body }, key, headers),
    async scrape(openMetrics = false) {
      const accept = openMetrics ? "application/openmetrics-text" : "text/plain";
      const reply = await fetch(`${url}/metrics`, { headers: { authorization: `Bearer ${TEST_ADMIN_KEY}`, accept } });
      const page = await reply.text();
      expect(lintExposition(page, openMetrics)).toEqual([]);
      if (openMetrics) return;
      watch.take(page);
      newestPage = page;
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
          apiKeys: [{ key: "limited-key-1", weight: 1_000 }, { key: "limited-key-2" }], // The draw is at random.
        },
        listing: at(providers.listing),
        openrouter: { ...at(providers.free), models: [FREE] },
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
      prices: {
        refresh: "700ms",
        url: await startPriceList(),
        usdPerMillionMax: 0.5,
        models: { [FREE]: { input: 0, output: 0 } },
      },
      concurrency: { active: 2, queued: 1, queueWait: "1s" },
      breaker: { consecutiveFailures: 2, openFor: "60s", halfOpenSuccesses: 1 },
      availabilityBreaker: { failures: 2 },
      hedging: { enabled: true, delayMin: "60ms", samplesMin: 1, budget: 1 },
      retries: { max: 1, delay: "1ms", budget: 1 },
      safety: { hooks: [{ module: hook, name: "odd" }] },
      telemetry: { genAi: ["latest", "v1.41", "v1.36"] },
    },
  });
  const { ask, post, scrape } = gateway;

  await scrape();
  // The first request loads the price list, and starts to fetch a newer one.
  await ask({}, APP);
  await scrape();
  // Ordinary traffic in both formats, streams, a free model, one without a price, the smart router, hooks.
  for (const stream of [false, true]) {
    expect(await ask({ stream }, APP)).toBe(200);
    const claude = { model: "claude-3-5-haiku", max_tokens: 10, messages: MESSAGES, stream };
    expect(await post("/v1/messages", claude, APP)).toBe(200);
  }
  expect(await ask({ model: "m-1" }, APP)).toBe(200);
  expect(await ask({ model: FREE }, APP)).toBe(200);
  expect(await ask({ stream: true, user: "garbage" }, APP)).toBe(200);
  for (const model of ["auto", "auto:cost", "auto:quality"]) await ask({ model }, APP);
  expect(await ask({ user: "odd" }, APP)).toBe(500);
  // The health service's probe, callers without a good key, names that only a client knows.
  await ask({ provider: "main" }, undefined, { "x-gatewayz-probe": "1" });
  // 503 until the keys of the database are known.
  await expect.poll(() => ask({}, "wrong-key-0123"), { timeout: 5_000 }).toBe(401);
  expect(await ask({}, "")).toBe(401);
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
  aheadMs += 61_000;
  for (let index = 0; index < 3; index++) expect(await ask({ model: "m-1" })).toBe(200);
  // A model list that is empty at first.
  providers.setList([{ id: "listed-1" }]);
  aheadMs += 120_000;
  expect(await ask({ model: "listed-1" })).toBe(200);
  providers.setList(undefined);
  aheadMs += 700_000;
  await ask({ model: "listed-2" });
  await scrape();

  // Places and queue full; a call that takes 31 s; a second call because the first is late.
  main = (_request, reply) => void setTimeout(() => json(reply, OPENAI_COMPLETION), 2_000);
  const waiting = Array.from({ length: 6 }, () => ask({}, APP));
  await expect
    .poll(async () => {
      await scrape();
      return gateway.watch.still.includes("concurrency_queued_requests");
    })
    .toBe(false);
  // As a kill would leave it: with requests that are open.
  await cp(join(gateway.dataDir, "usage-log"), join(gateway.dataDir, USAGE_LOG_COPY), { recursive: true });
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

  await checkWithPromtool();
  const alone = await driveAlone(gateway.dataDir, at(providers.main));
  const lost = await loseMoney(at(providers.main));
  const still = gateway.watch.still.filter((name) => alone.still.includes(name) && lost.still.includes(name));
  expect(still).toEqual([]);
}, 120_000);

/** What Prometheus' own tool says of a full page. */
async function checkWithPromtool(): Promise<void> {
  if (promtool === undefined) return;
  const { stdout, stderr } = spawnSync(promtool.path, ["check", "metrics"], { input: newestPage, env: promtool.env });
  const complaints = `${stdout}${stderr}`.split("\n").filter((line) => line !== "");
  expect(complaints.filter((line) => !KNOWN_COMPLAINTS.test(line))).toEqual([]);
}

type ProviderInput = NonNullable<NonNullable<ConfigInput["gateway"]>["providers"]>[string];

/**
 * A gateway without Redis: a cache in its own memory, a configuration file that changes, a database that is held by
 * somebody else, and the usage log of a gateway that was killed with a request open.
 */
async function driveAlone(killedDataDir: string, provider: ProviderInput): Promise<MetricWatch> {
  const dataDir = await mkdtemp(join(tmpdir(), "gatewayz-alone-"));
  await cp(join(killedDataDir, USAGE_LOG_COPY), join(dataDir, "usage-log"), { recursive: true });
  const file = join(folder, "gatewayz.yaml");
  const gateway: NonNullable<ConfigInput["gateway"]> = {
    providers: { main: { ...provider, models: ["gpt-4o-mini"] } },
    keys: { cached: { key: CACHED, cache: true } },
    cache: { keys: ["cached"], store: "memory", entries: 1 },
  };
  const write = (models: string[]) =>
    writeFile(
      file,
      JSON.stringify({ mode: "live", gateway: { ...gateway, providers: { main: { ...provider, models } } } }),
    );
  await write(["gpt-4o-mini"]);
  const alone = await startDriver({ gateway }, { dataDir, configFile: file });
  await alone.scrape();
  await useCache(alone);
  await write(["gpt-4o-mini", "m-1"]);
  await sleep(600);
  await alone.scrape();
  const { default: Libsql } = await import("libsql");
  const other = new Libsql(join(dataDir, "gateway.db"));
  other.exec("BEGIN EXCLUSIVE");
  await alone.ask({}, CACHED);
  for (let seconds = 0; seconds < 8 && alone.watch.still.includes("gatewayz_credit_deduction_retry_total"); seconds++) {
    await sleep(1_000);
    await alone.scrape();
  }
  other.exec("ROLLBACK");
  other.close();
  return alone.watch;
}

/** A gateway whose usage neither a log nor a database takes; what it says about that it says when it ends. */
async function loseMoney(provider: ProviderInput): Promise<MetricWatch> {
  const context = await testContext("gateway", {
    mode: "live",
    database: { url: "postgres://nobody@127.0.0.1:9/nowhere" },
    gateway: { providers: { main: { ...provider, models: ["gpt-4o-mini"] } }, keys: { app: APP } },
  });
  await writeFile(join(context.dataDir, "usage-log"), "a file where a folder should be");
  const watch = new MetricWatch(names);
  const telemetry = createTelemetry(context);
  const scrape = async (): Promise<void> => watch.take((await telemetry.metrics(undefined)).body);
  const providers = createProviders(context, undefined);
  const gateway = assembleGateway(context, providers, telemetry, "", () => undefined);
  await gateway.money.start();
  const app = createGatewayServer(gateway);
  await app.listen({ port: 0, host: "127.0.0.1" });
  await scrape();
  const { port } = app.server.address() as AddressInfo;
  const reply = await fetch(`http://127.0.0.1:${port}/v1/chat/completions`, {
    method: "POST",
    headers: { authorization: `Bearer ${APP}`, "content-type": "application/json" },
    body: JSON.stringify({ model: "gpt-4o-mini", messages: MESSAGES }),
  });
  expect(reply.status).toBe(200);
  await app.close();
  await gateway.money.close();
  await scrape();
  await telemetry.close();
  await context.dispose();
  return watch;
}

/** Two questions, each twice. */
async function useCache({ ask }: Driver): Promise<void> {
  for (const content of ["a", "a", "b", "b"]) {
    await ask({ temperature: 0, messages: [{ role: "user", content }] }, CACHED);
  }
}
