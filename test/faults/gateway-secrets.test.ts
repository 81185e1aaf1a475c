import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import {
  type FixtureProvider,
  json,
  OPENAI_COMPLETION,
  OPENAI_STREAM,
  sse,
  startFixtureProvider,
} from "../../src/gateway/testing/fixture-provider.ts";
import { NO_LIMITS } from "../support/gateway-stack.ts";
import { ROOT, Stack, temporaryDir } from "../support/stack.ts";

/** Secrets of the built gateway with workers and its health service: where they may be is nowhere (FAULTS row 33). */
const ADMIN = "gw_test_canaryAdmin0123456789abcdef01234567";
const CLIENT = "gw_live_canaryClient0123456789abcdefghijklmnopqrstu";
const PROVIDER = "sk-proj-canaryProvider0123456789abcdefghij";
/** Without a form that a pattern could know. */
const PLAIN_PROVIDER = "canaryplainproviderkey42";
const SEALED = "canarysealedproviderkey43";
const HOOK_SECRET = "canary-hook-secret-44";
const HOOK_PATH = "/services/T000/canaryHookToken45";
const PROMPT = "canary-prompt-46";
const ANSWER = "canary-answer-47";

let provider: FixtureProvider;
let hook: Server;
let stack: Stack;
let configFile: string;
/** Made through the admin API: its secret is in one reply and nowhere else. */
let made = "";
const alerts: string[] = [];

beforeAll(async () => {
  provider = await startFixtureProvider((request, reply) => {
    const { model, stream } = request.body;
    if (model === "quoting") {
      const key = request.headers.authorization ?? request.headers["x-api-key"];
      return json({ error: { message: `Incorrect API key provided: ${key}` } }, 401)(request, reply);
    }
    if (model === "crashing") return void reply.writeHead(500).end(`at Client (${request.headers.authorization})`);
    if (stream === true) return sse(OPENAI_STREAM.map((piece) => piece.replace("Hello", ANSWER)))(request, reply);
    return json(JSON.parse(JSON.stringify(OPENAI_COMPLETION).replace("Hello world", ANSWER)))(request, reply);
  });
  hook = createServer(async (request, reply) => {
    let text = JSON.stringify(request.headers);
    for await (const part of request) text += String(part);
    alerts.push(text);
    reply.end();
  });
  await new Promise<void>((resolve) => hook.listen(0, "127.0.0.1", resolve));
  const hookUrl = `http://127.0.0.1:${(hook.address() as AddressInfo).port}${HOOK_PATH}`;
  const config = {
    mode: "live",
    gateway: {
      workers: 2,
      limits: NO_LIMITS,
      keys: { app: { key: CLIENT } },
      providers: {
        oai: { baseUrl: `${provider.url}/v1`, apiKey: PROVIDER, models: ["m-1", "quoting", "crashing"] },
        ant: { type: "anthropic", baseUrl: provider.url, apiKey: PLAIN_PROVIDER, models: ["ant-m"] },
      },
    },
    health: {
      checkInterval: "1s",
      alerts: { webhook: { url: hookUrl, secret: HOOK_SECRET }, slack: { url: hookUrl }, allowPrivateAddresses: true },
    },
  };
  const workingDir = temporaryDir("secrets");
  configFile = join(workingDir, "gatewayz.yaml");
  writeFileSync(configFile, JSON.stringify(config)); // JSON is YAML.
  stack = await Stack.start({ roles: ["gateway", "health"], adminKey: ADMIN, workingDir });
});
afterAll(async () => {
  await stack?.dispose();
  await provider?.close();
  hook?.close();
});

async function post(path: string, body: object, key: string): Promise<string> {
  const reply = await fetch(stack.url("gateway") + path, {
    method: "POST",
    headers: { authorization: `Bearer ${key}`, "content-type": "application/json", connection: "close" },
    body: JSON.stringify(body),
  });
  return reply.text();
}

async function page(role: "gateway" | "health", path: string): Promise<string> {
  const reply = await fetch(stack.url(role) + path, { headers: { authorization: `Bearer ${ADMIN}` } });
  expect(reply.status, path).toBe(200);
  return reply.text();
}

function filesBelow(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: "utf8" })
    .map((name) => join(folder, name))
    .filter((path) => statSync(path).isFile());
}

/** What the program prints when it is run beside the running one. */
function printed(...args: readonly string[]): string {
  const env = { PATH: process.env["PATH"], ADMIN_API_KEY: ADMIN, GATEWAYZ_DATA: stack.dataDir };
  const { stdout, stderr } = spawnSync(process.execPath, [join(ROOT, "dist/gatewayz.js"), ...args], { env });
  return String(stdout) + String(stderr);
}

const GATEWAY_PAGES = [
  "/openapi.json",
  "/docs",
  "/v1/requests",
  "/metrics",
  "/api/metrics/parsed",
  "/admin/keys",
  "/admin/providers",
  "/admin/models",
  "/admin/usage?group_by=key,model",
  "/admin/usage?group_by=key&format=csv",
  "/admin/rate-limits",
  "/circuit-breakers",
  "/health",
  "/api/monitoring/errors/oai",
  "/api/monitoring/chat-requests",
  "/api/monitoring/health",
];
const HEALTH_PAGES = [
  "/metrics",
  "/prometheus/metrics",
  "/status",
  "/status-page",
  "/status-page.json",
  "/health/all",
  "/health/dashboard",
  "/health/insights",
  "/incidents",
  "/alerts",
  "/availability/models",
  "/internal/routing",
];

test("no key, no token, no prompt and no answer is in a file, a page, a line of the log, or an alert", async () => {
  made = JSON.parse(await post("/admin/keys", { name: "made", team: "blue" }, ADMIN)).key;
  expect(made).toMatch(/^gw_/);
  const sealed = { name: "sealed", baseUrl: `${provider.url}/v1`, apiKey: SEALED, allowPrivate: true, models: ["s-1"] };
  expect(await post("/admin/providers", sealed, ADMIN)).toContain('"hasKey":true');
  const shown: Record<string, string> = {};
  const messages = [{ role: "user", content: `${PROMPT} please` }];
  for (const [index, model] of ["m-1", "quoting", "crashing", "ant-m", "s-1", "no-such-model"].entries()) {
    for (const key of [CLIENT, made, ADMIN]) {
      for (const stream of [false, true]) {
        const answer = await post("/v1/chat/completions", { model, stream, messages, max_tokens: 9 }, key);
        shown[`answer ${index} ${stream} ${key.slice(0, 12)}`] = answer.replaceAll(ANSWER, "");
      }
    }
  }
  expect(provider.seen.some(({ headers }) => headers.authorization === `Bearer ${SEALED}`)).toBe(true);
  expect(provider.seen.some(({ headers }) => headers["x-api-key"] === PLAIN_PROVIDER)).toBe(true);
  shown["wrong key"] = await post("/v1/chat/completions", { model: "m-1", messages }, `${CLIENT}x`);
  for (const path of GATEWAY_PAGES) shown[path] = await page("gateway", path);
  const { data } = JSON.parse(shown["/v1/requests"]!) as { data: { request_id?: string; id?: string }[] };
  expect(data.length).toBeGreaterThan(10);
  const id = data[0]!.request_id ?? data[0]!.id;
  shown["/v1/requests/{id}"] = await page("gateway", `/v1/requests/${id}`);
  expect(shown["/v1/requests/{id}"]).toContain("attempts");
  await expect.poll(() => alerts.length, { timeout: 100_000, interval: 250 }).toBeGreaterThan(1);
  for (const path of HEALTH_PAGES) shown[`health ${path}`] = await page("health", path);
  shown["gatewayz config"] = printed("config", "--config", configFile);
  expect(shown["gatewayz config"]).toContain("providers");
  shown["gatewayz keys list"] = printed("keys", "list", "--config", configFile);
  shown["alerts"] = alerts.join("\n");
  await new Promise((resolve) => setTimeout(resolve, 1_500)); // What is under way to disk.
  const files = filesBelow(stack.dataDir);
  for (const kind of ["gateway.db", "usage-log-worker-0", "usage-log-worker-1", "health"])
    expect(
      files.some((file) => file.includes(kind)),
      kind,
    ).toBe(true);
  for (const file of files) shown[file] = readFileSync(file).toString("latin1");
  await stack.stop();
  for (const file of filesBelow(stack.dataDir)) shown[`after the end: ${file}`] = readFileSync(file).toString("latin1");
  shown["everything printed"] = stack.output;
  const found: string[] = [];
  const canaries = { ADMIN, CLIENT, PROVIDER, PLAIN_PROVIDER, SEALED, HOOK_SECRET, HOOK_PATH, PROMPT, ANSWER, made };
  for (const [place, text] of Object.entries(shown)) {
    for (const [name, canary] of Object.entries(canaries)) {
      const at = text.indexOf(canary);
      if (at >= 0) found.push(`${name} in ${place}: ${text.slice(Math.max(0, at - 80), at + 60)}`);
    }
  }
  expect(found).toEqual([]);
  process.stdout.write(`${Object.keys(shown).length} places without any of ${Object.keys(canaries).length} canaries\n`);
});
