import { execFile } from "node:child_process";
import { rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { ROOT, Stack, temporaryDir } from "./support/stack.ts";
import { until } from "./support/until.ts";

const run = promisify(execFile);
const STREAM_CHUNKS = 30;

/** The built program with two workers: what changes at run time holds in every process, and nothing under way breaks. */
let upstream: Server;
let baseUrl: string;
let dir: string;
let stack: Stack;

beforeAll(async () => {
  upstream = createServer((request, reply) => {
    let text = "";
    request.on("data", (chunk) => void (text += chunk));
    request.on("end", () => {
      if (request.method !== "POST") return reply.writeHead(404).end("{}");
      const { model, stream } = JSON.parse(text) as { model: string; stream?: boolean };
      return stream === true ? streamAnswer(reply, model) : reply.end(JSON.stringify(completion(model)));
    });
  });
  await new Promise<void>((done) => upstream.listen(0, "127.0.0.1", done));
  baseUrl = `http://127.0.0.1:${(upstream.address() as AddressInfo).port}/v1`;
  dir = temporaryDir("changes");
  write("[m1]");
  stack = await Stack.start({ roles: ["gateway"], workingDir: dir });
});
afterAll(async () => {
  await stack?.stop();
  upstream?.closeAllConnections();
  upstream?.close();
  rmSync(dir, { recursive: true, force: true });
});

function write(models: string, more = ""): void {
  const provider = `one: {baseUrl: "${baseUrl}", models: ${models}}`;
  writeFileSync(
    join(dir, "gatewayz.yaml"),
    `mode: live\ngateway:\n  workers: 2\n  providers:\n    ${provider}\n${more}`,
  );
}

function completion(model: string): object {
  const message = { role: "assistant", content: "hi" };
  const usage = { prompt_tokens: 3, completion_tokens: 2, total_tokens: 5 };
  return {
    id: "c",
    object: "chat.completion",
    created: 1,
    model,
    choices: [{ index: 0, message, finish_reason: "stop" }],
    usage,
  };
}

/** A chunk each 100 ms. */
function streamAnswer(reply: import("node:http").ServerResponse, model: string): void {
  reply.writeHead(200, { "content-type": "text/event-stream" });
  let sent = 0;
  const chunk = (delta: object, finish_reason: string | null): string =>
    `data: ${JSON.stringify({ id: "c", object: "chat.completion.chunk", created: 1, model, choices: [{ index: 0, delta, finish_reason }] })}\n\n`;
  const timer = setInterval(() => {
    if (++sent <= STREAM_CHUNKS) return void reply.write(chunk({ content: `${sent} ` }, null));
    clearInterval(timer);
    reply.end(`${chunk({}, "stop")}data: [DONE]\n\n`);
  }, 100);
}

const url = (path: string): string => `http://127.0.0.1:${stack.ports.gateway}${path}`;

async function call(method: string, path: string, body?: object, key = stack.adminKey): Promise<Response> {
  return fetch(url(path), {
    method,
    headers: { authorization: `Bearer ${key}`, "content-type": "application/json", connection: "close" },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
}

/** Statuses of several requests, each over a connection of its own, so that both workers get some. */
async function ask(model: string, key?: string): Promise<number[]> {
  const body = { model, messages: [{ role: "user", content: "hi" }] };
  const replies = await Promise.all(Array.from({ length: 8 }, () => call("POST", "/v1/chat/completions", body, key)));
  await Promise.all(replies.map((reply) => reply.text()));
  return [...new Set(replies.map(({ status }) => status))];
}

test("a provider of the admin API reaches every worker, and its stream outlives it", async () => {
  expect(await ask("m2")).toEqual([404]);
  const made = { name: "two", baseUrl, models: ["m2"], allowPrivate: true };
  expect((await call("POST", "/admin/providers", made)).status).toBe(201);
  await until("both workers ask the new provider", async () => String(await ask("m2")) === "200", 5_000);
  const stream = await call("POST", "/v1/chat/completions", {
    model: "m2",
    stream: true,
    messages: [{ role: "user", content: "hi" }],
  });
  expect((await call("DELETE", "/admin/providers/two")).status).toBe(200);
  await until("no worker asks it any more", async () => String(await ask("m2")) === "404", 5_000);
  const text = await stream.text();
  expect(text).toContain(`"${STREAM_CHUNKS} "`);
  expect(text).toContain("[DONE]");
});

test("a changed file holds in every worker; a wrong one holds nowhere and is named once", async () => {
  write("[m1, m3]", "  keys: {late: gw_test_late_key_1}\n");
  await until("the new model is served", async () => String(await ask("m3")) === "200", 8_000);
  expect(await ask("m3", "gw_test_late_key_1")).toEqual([200]);
  write("[m1, m3]", "  limitz: {}\n");
  const complaint = () => stack.lines.filter(({ msg }) => msg === "configuration not reloaded; the one before stays");
  await until("the wrong file is named", () => complaint().length > 0, 8_000);
  expect(complaint()).toHaveLength(1);
  expect(String(complaint()[0]!["error"])).toMatch(
    /gatewayz\.yaml:6: unknown field "gateway\.limitz"; did you mean "limits"\?/,
  );
  expect(await ask("m3")).toEqual([200]);
  expect(await (await call("GET", "/metrics")).text()).toMatch(/^gatewayz_config_reload_success 0$/m);
  write("[m1]");
  await until("the file before holds again", async () => String(await ask("m3")) === "404", 8_000);
});

test("SIGHUP to the program reads the file", async () => {
  const before = stack.lines.length;
  stack.process.kill("SIGHUP");
  const read = (): boolean =>
    stack.lines.slice(before).some(({ msg }) => msg === "configuration read again; nothing has changed");
  await until("it was read", read, 5_000);
  expect(await ask("m1")).toEqual([200]);
});

test("keys are made, used in every worker and revoked from the command line", async () => {
  const keys = async (...args: string[]): Promise<string> => {
    const environment = { ...process.env, ADMIN_API_KEY: stack.adminKey, GATEWAYZ_DATA: stack.dataDir };
    const program = [join(ROOT, "dist/gatewayz.js"), "keys", ...args, "--gateway", url("")];
    return (await run(process.execPath, program, { env: environment, cwd: dir })).stdout;
  };
  const key = (await keys("create", "ci", "--day-usd", "1")).trim();
  await until("every worker knows the key", async () => String(await ask("m1", key)) === "200", 8_000);
  const [listed] = JSON.parse(await keys("list", "--json")) as { id: string }[];
  await until(
    "its usage is reported",
    async () => (await keys("usage", listed!.id, "--bucket", "all")).includes("$0.00"),
    8_000,
  );
  expect(await keys("revoke", listed!.id)).toContain("is revoked");
  await until("every worker refuses the key", async () => String(await ask("m1", key)) === "401", 8_000);
});

test("after a restart the very first request finds what the admin API made", async () => {
  const made = { name: "kept", baseUrl, models: ["m4"], allowPrivate: true };
  expect((await call("POST", "/admin/providers", made)).status).toBe(201);
  expect((await call("POST", "/admin/models", { name: "own-name", models: ["kept/m4"] })).status).toBe(201);
  const key = (await (await call("POST", "/admin/keys", { name: "lasting" })).json()) as { key: string };
  expect((await call("PATCH", "/admin/rate-limits", { requestsPerDay: 3 })).status).toBe(200);
  await stack.stop();
  stack = await Stack.start({ roles: ["gateway"], workingDir: dir, after: stack });
  expect((await ask("own-name", key.key)).sort()).toEqual([200, 429]);
});
