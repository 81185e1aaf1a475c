import { type ChildProcess, spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import type { ServerResponse } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { build } from "esbuild";
import { afterAll, beforeAll, expect, test } from "vitest";
import { testDatabase } from "../src/database/testing.ts";
import { UsageReports } from "../src/gateway/ledger/usage-reports.ts";
import { USAGE_MIGRATIONS, type UsageTables } from "../src/gateway/ledger/usage-tables.ts";
import { type FixtureProvider, startFixtureProvider } from "../src/gateway/testing/fixture-provider.ts";
import { ROOT } from "./support/stack.ts";
import { until } from "./support/until.ts";

/** 20 with GATEWAYZ_KILLS=20; each start takes a second or, on a busy machine, four. */
const KILLS = Number(process.env["GATEWAYZ_KILLS"] ?? 8);
const CLIENTS = 8;
const SEED = Number(process.env["GATEWAYZ_KILL_SEED"] ?? 20_261_124);
const KEY = "gw_test_kill_0123456789abcdef";
const OUTPUT_TOKENS_MAX = 50;
const CHILD = join(ROOT, ".cache/gateway-child.mjs");

let dataDir: string;
let provider: FixtureProvider;
let child: ChildProcess | undefined;

/** What the provider counted for each request, by the request's name; absent where it never came that far. */
const served = new Map<string, { input: number; output: number }>();
/** Requests whose answer came whole, and all that were sent. */
const ended = new Set<string>();
const sent = new Set<string>();

beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), "gatewayz-kill-"));
  provider = await startFixtureProvider(async ({ body }, reply) => {
    const name = String(body["user"]);
    const number = Number(name.slice(1));
    const usage = { input: 10 + (number % 97), output: 1 + (number % OUTPUT_TOKENS_MAX) };
    await sleep(number % 7);
    if (body["stream"] === true) await stream(reply, usage);
    else completion(reply, usage);
    served.set(name, usage);
  });
  // Bundled once: from its sources each of the starts would take seconds.
  await build({
    entryPoints: [join(ROOT, "test/support/gateway-child.ts")],
    outfile: CHILD,
    bundle: true,
    format: "esm",
    platform: "node",
    target: "node20",
    external: ["snappy", "lz4-napi", "@mongodb-js/zstd", "libsql"],
    banner: { js: 'import { createRequire } from "node:module"; const require = createRequire(import.meta.url);' },
    logLevel: "error",
  });
});
afterAll(async () => {
  child?.kill("SIGKILL");
  await provider?.close();
  await rm(dataDir, { recursive: true, force: true });
});

function usageObject({ input, output }: { input: number; output: number }): object {
  return { prompt_tokens: input, completion_tokens: output, total_tokens: input + output };
}

function completion(reply: ServerResponse, usage: { input: number; output: number }): void {
  const choices = [{ index: 0, message: { role: "assistant", content: "yes" }, finish_reason: "stop" }];
  reply.writeHead(200, { "content-type": "application/json" });
  reply.end(
    JSON.stringify({
      id: "c",
      object: "chat.completion",
      created: 1,
      model: "m-1",
      choices,
      usage: usageObject(usage),
    }),
  );
}

async function stream(reply: ServerResponse, usage: { input: number; output: number }): Promise<void> {
  reply.writeHead(200, { "content-type": "text/event-stream" });
  const chunk = (fields: object): string =>
    `data: ${JSON.stringify({ id: "c", object: "chat.completion.chunk", created: 1, model: "m-1", ...fields })}\n\n`;
  for (let count = 0; count < 5; count++) {
    reply.write(chunk({ choices: [{ index: 0, delta: { content: "word " }, finish_reason: null }] }));
    await sleep(2);
  }
  reply.write(chunk({ choices: [{ index: 0, delta: {}, finish_reason: "stop" }] }));
  reply.end(`${chunk({ choices: [], usage: usageObject(usage) })}data: [DONE]\n\n`);
}

async function startGateway(): Promise<string> {
  const many = 1_000_000;
  const limits = {
    requestsPerMinute: many,
    requestsPerHour: many,
    requestsPerDay: many,
    burst: many,
    concurrent: many,
  };
  const tokens = { tokensPerMinute: 1e9, tokensPerHour: 1e9, tokensPerDay: 1e9, dailySpendUsd: 1e6 };
  const config = {
    gateway: {
      keys: { app: { key: KEY, team: "blue", tags: ["kill"] } },
      limits: { ...limits, ...tokens },
      concurrency: { active: 100 },
      usage: { rollUpInterval: "50ms" },
      providers: { fix: { baseUrl: `${provider.url}/v1`, apiKey: "sk-fix", models: ["m-1"] } },
    },
  };
  const started = spawn(process.execPath, [CHILD, JSON.stringify({ dataDir, config })], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  child = started;
  return new Promise((resolve, reject) => {
    started.stdout!.once("data", (data: Buffer) => resolve(data.toString().trim()));
    started.once("exit", (code) => reject(new Error(`the gateway ended with code ${code}`)));
  });
}

async function endChild(process: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  const gone = new Promise((resolve) => process.once("exit", resolve));
  process.kill(signal);
  await gone;
}

/** Sends one request after another until it is told to stop. */
async function client(url: string, next: () => number, stopped: () => boolean): Promise<void> {
  while (!stopped()) {
    const number = next();
    const name = `u${number}`;
    sent.add(name);
    const body = {
      model: "m-1",
      user: name,
      max_tokens: OUTPUT_TOKENS_MAX,
      stream: number % 2 === 0,
      messages: [{ role: "user", content: "well?" }],
    };
    try {
      const reply = await fetch(`${url}/v1/chat/completions`, {
        method: "POST",
        headers: { authorization: `Bearer ${KEY}`, "content-type": "application/json" },
        body: JSON.stringify(body),
      });
      const text = await reply.text(); // Throws when the connection ends before the answer does.
      if (reply.status !== 200) throw new Error(`unexpected answer ${reply.status}: ${text}`);
      ended.add(name);
    } catch (error) {
      if (!(error instanceof TypeError)) throw error;
    }
  }
}

test(`usage is exact after ${KILLS} kills under load`, async () => {
  let state = SEED;
  const random = (): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
  let number = 0;
  for (let kill = 0; kill < KILLS; kill++) {
    const url = await startGateway();
    let stopped = false;
    const clients = Array.from({ length: CLIENTS }, () =>
      client(
        url,
        () => ++number,
        () => stopped,
      ),
    );
    const enough = ended.size + 10 + Math.floor(random() * 60);
    await until("requests are answered", () => ended.size >= enough, 30_000);
    await sleep(random() * 20);
    await endChild(child!, "SIGKILL");
    stopped = true;
    await Promise.all(clients);
  }
  await startGateway();
  const database = testDatabase({ file: join(dataDir, "gateway.db") });
  const tables = database.component<UsageTables>("gateway_usage", USAGE_MIGRATIONS);
  const rows = await new UsageReports(tables).usage({
    fromMs: 0,
    toMs: Date.now() + 1e9,
    groupBy: ["endUser"],
    limit: 10_000,
  });
  const [total] = await new UsageReports(tables).usage({ fromMs: 0, toMs: Date.now() + 1e9 });
  const spent = await tables.run((db) =>
    db.selectFrom("budget_spend").selectAll().where("period", "=", "month").execute(),
  );
  await database.close();

  const byName = new Map(rows.map((row) => [row.endUser!, row]));
  for (const name of ended) {
    const { input, output } = served.get(name)!;
    expect([name, byName.get(name)]).toEqual([
      name,
      expect.objectContaining({ requests: 1, errors: 0, interrupted: 0, inputTokens: input, outputTokens: output }),
    ]);
  }
  // The others never reached a provider, or were cut off: settled as reserved, or whole on the gateway's side.
  const cut = rows.filter(({ endUser }) => !ended.has(endUser!));
  for (const row of cut) {
    expect(row.requests).toBe(1);
    if (row.interrupted === 1) expect(row.outputTokens).toBe(OUTPUT_TOKENS_MAX);
    else if (row.errors === 0) expect(row).toMatchObject({ inputTokens: served.get(row.endUser!)?.input });
  }
  expect(total!.requests).toBe(rows.length);
  expect(total!.interrupted).toBeGreaterThan(0);
  expect(total!.interrupted).toBeLessThanOrEqual(KILLS * CLIENTS);
  const reached = [...sent].filter((name) => served.has(name) && !byName.has(name));
  expect(reached).toEqual([]);
  const sumUsd = rows.reduce((sum, { costUsd }) => sum + costUsd, 0);
  for (const scope of ["key:config:app", "team:blue"]) {
    const row = spent.filter((entry) => entry.scope === scope);
    expect(row.reduce((sum, { nano_usd: nano }) => sum + nano, 0) / 1e9).toBeCloseTo(sumUsd, 9);
  }
}, 170_000);
