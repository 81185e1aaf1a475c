import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  type FixtureProvider,
  json,
  OPENAI_COMPLETION,
  OPENAI_STREAM,
  sse,
  startFixtureProvider,
} from "../src/gateway/testing/fixture-provider.ts";
import { Stack, temporaryDir } from "./support/stack.ts";
import { until } from "./support/until.ts";

/** One gateway in several processes must look like one. */
const WORKERS = 3;
const LIMITED_KEY = "gw_test_limited_0123456789abcdef01234567";
const KEY_LIMIT = 12;

let provider: FixtureProvider;
let stack: Stack;
beforeAll(async () => {
  provider = await startFixtureProvider(json(OPENAI_COMPLETION));
  const workingDir = temporaryDir("workers");
  const config = {
    mode: "live",
    gateway: {
      workers: WORKERS,
      concurrency: { active: 4, queued: 100 },
      keys: { limited: { key: LIMITED_KEY, limits: { requestsPerMinute: KEY_LIMIT, tokensPerMinute: 1_000_000 } } },
      breaker: { consecutiveFailures: 3 },
      providers: { fixture: { baseUrl: `${provider.url}/v1`, models: ["m-1", "m-2"] } },
    },
  };
  writeFileSync(join(workingDir, "gatewayz.yaml"), JSON.stringify(config)); // JSON is YAML.
  stack = await Stack.start({ roles: ["gateway"], workingDir });
});
afterAll(async () => {
  await stack?.dispose();
  await provider?.close();
});

/** A connection of its own each time, so that the workers take turns. */
function post(body: object, key = stack.adminKey): Promise<Response> {
  return fetch(`${stack.url("gateway")}/v1/chat/completions`, {
    method: "POST",
    headers: { authorization: `Bearer ${key}`, "content-type": "application/json", connection: "close" },
    body: JSON.stringify({ model: "m-1", messages: [{ role: "user", content: "Hello" }], ...body }),
  });
}

async function metric(name: string, labels = ""): Promise<number> {
  const reply = await fetch(`${stack.url("gateway")}/metrics`, {
    headers: { authorization: `Bearer ${stack.adminKey}` },
  });
  const lines = (await reply.text()).split("\n");
  return lines
    .filter((line) => (line.startsWith(`${name}{`) || line.startsWith(`${name} `)) && line.includes(labels))
    .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(" ") + 1)), 0);
}

/** Process ids of the workers, found as the children of the gateway's process. */
function workerPids(): number[] {
  const parent = stack.pidOf("gateway");
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .filter((name) => {
      try {
        const stat = readFileSync(`/proc/${name}/stat`, "utf8");
        return Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]) === parent;
      } catch {
        return false;
      }
    })
    .map(Number);
}

test("every worker answers, and a page of metrics asked right after knows all of it", async () => {
  expect(workerPids()).toHaveLength(WORKERS);
  const before = await metric("model_inference_requests_total", 'status="success"');
  const replies = await Promise.all(Array.from({ length: 60 }, () => post({})));
  expect(replies.map(({ status }) => status)).toEqual(Array.from({ length: 60 }, () => 200));
  await Promise.all(replies.map((reply) => reply.arrayBuffer()));
  expect((await metric("model_inference_requests_total", 'status="success"')) - before).toBe(60);
  expect(await metric("gatewayz_workers")).toBe(WORKERS);
  expect(await metric("concurrency_active_requests")).toBe(0);
});

test("a request is found by its id, whichever worker served it and whichever is asked", async () => {
  const reply = await post({});
  await reply.arrayBuffer();
  const id = reply.headers.get("x-request-id")!;
  const ask = () =>
    fetch(`${stack.url("gateway")}/v1/requests/${id}`, {
      headers: { authorization: `Bearer ${stack.adminKey}`, connection: "close" },
    });
  await expect.poll(async () => (await ask()).status).toBe(200);
  expect(await (await ask()).text()).toContain(id);
});

test("a key's limit is one limit", async () => {
  const replies = await Promise.all(Array.from({ length: 40 }, () => post({}, LIMITED_KEY)));
  await Promise.all(replies.map((reply) => reply.arrayBuffer()));
  expect(replies.filter(({ status }) => status === 200)).toHaveLength(KEY_LIMIT);
  expect(replies.filter(({ status }) => status === 429)).toHaveLength(40 - KEY_LIMIT);
});

test("a report of usage knows every request that has ended, whichever worker answered it", async () => {
  const used = async (): Promise<number> => {
    const report = await stack.json<{ data: { requests: number }[] }>("gateway", "/admin/usage?bucket=all", {
      authorization: `Bearer ${stack.adminKey}`,
    });
    return report.data[0]?.requests ?? 0;
  };
  const before = await used();
  for (let round = 1; round <= 3; round++) {
    const replies = await Promise.all(Array.from({ length: 30 }, () => post({})));
    await Promise.all(replies.map((reply) => reply.arrayBuffer()));
    expect((await used()) - before).toBe(round * 30);
  }
});

test("at most so many at once as the gate lets in, over all workers", async () => {
  let active = 0;
  let most = 0;
  provider.answer = async (_request, reply) => {
    most = Math.max(most, ++active);
    await sleep(30);
    active--;
    reply.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(OPENAI_COMPLETION));
  };
  const replies = await Promise.all(Array.from({ length: 40 }, () => post({})));
  expect(replies.every(({ status }) => status === 200)).toBe(true);
  expect(most).toBe(4);
  provider.answer = json(OPENAI_COMPLETION);
});

describe("one breaker for all", () => {
  test("failures seen by different workers open it everywhere; a reset closes it everywhere", async () => {
    provider.answer = json({ error: { message: "down" } }, 500);
    for (let index = 0; index < 6; index++) await (await post({ model: "m-2" })).arrayBuffer();
    const view = await stack.json<{ state: string }>("gateway", "/circuit-breakers/fixture", {
      authorization: `Bearer ${stack.adminKey}`,
    });
    expect(view.state).toBe("open");
    provider.answer = json(OPENAI_COMPLETION);
    await fetch(`${stack.url("gateway")}/circuit-breakers/reset-all`, {
      method: "POST",
      headers: { authorization: `Bearer ${stack.adminKey}` },
    });
    await sleep(100);
    const replies = await Promise.all(Array.from({ length: 12 }, () => post({})));
    expect(replies.map(({ status }) => status)).toEqual(Array.from({ length: 12 }, () => 200));
  });
});

test("a killed worker is replaced; what it counted stays; its places are free again", async () => {
  provider.answer = sse(OPENAI_STREAM.slice(0, 2), "open");
  const open = await Promise.all(Array.from({ length: 4 }, () => post({ stream: true })));
  const before = await metric("http_requests_total", 'status_class="2xx"');
  expect(await metric("concurrency_active_requests")).toBe(4);
  const pids = workerPids();
  for (const pid of pids) process.kill(pid, "SIGKILL");
  await Promise.all(
    open.map((reply) =>
      reply.text().then(
        () => undefined,
        () => undefined,
      ),
    ),
  );
  const replaced = () => workerPids().filter((pid) => !pids.includes(pid)).length === WORKERS;
  await until("all workers are replaced", replaced, 15_000);
  provider.answer = json(OPENAI_COMPLETION);
  const answered = async () => (await post({}).catch(() => undefined))?.status === 200;
  await until("a new worker answers", answered, 15_000);
  expect(await metric("concurrency_active_requests")).toBe(0);
  expect(await metric("fastapi_requests_in_progress", 'path="/v1/chat/completions"')).toBe(0);
  expect(await metric("http_requests_total", 'status_class="2xx"')).toBeGreaterThanOrEqual(before);
}, 30_000);
