import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import type { ConfigInput } from "../../config/schema.ts";
import { testContext } from "../../runtime/testing.ts";
import { start } from "../index.ts";
import {
  type FixtureProvider,
  json,
  OPENAI_COMPLETION,
  OPENAI_STREAM,
  sse,
  startFixtureProvider,
} from "../testing/fixture-provider.ts";
import { startTestGateway, type TestGateway } from "../testing/test-gateway.ts";

type Safety = NonNullable<NonNullable<ConfigInput["gateway"]>["safety"]>;
type Hooks = NonNullable<Safety["hooks"]>;

let directory: string;
let provider: FixtureProvider;
let gateway: TestGateway | undefined;
let count = 0;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "gatewayz-hooks-"));
  provider = await startFixtureProvider(json(OPENAI_COMPLETION));
});
afterEach(async () => {
  await gateway?.close();
  gateway = undefined;
  provider.seen.length = 0;
  provider.answer = json(OPENAI_COMPLETION);
});
afterAll(async () => {
  await provider.close();
  await rm(directory, { recursive: true });
});

/** Writes a hook module and returns its path. */
async function module(code: string, extension = "mjs"): Promise<string> {
  const path = join(directory, `hook-${count++}.${extension}`);
  await writeFile(path, code);
  return path;
}

function configOf(hooks: Hooks): ConfigInput {
  return {
    gateway: {
      providers: { oai: { baseUrl: `${provider.url}/v1`, models: ["m-1"] } },
      keys: { small: "gw_live_small_key" },
      safety: { hooks },
    },
  };
}

async function startWith(...hooks: Hooks): Promise<TestGateway> {
  gateway = await startTestGateway(configOf(hooks));
  return gateway;
}

const chat = (content = "hello") => ({ model: "m-1", messages: [{ role: "user", content }] });
const ask = (body: object = chat(), headers = {}) => gateway!.post("/v1/chat/completions", body, headers);

test("before: sees the request without credentials, changes the body, adds tags", async () => {
  const seen = await module(`export default ({ word }) => ({
    before({ body, headers, keyName, route, dialect, tier }) {
      const keys = Object.keys(headers).filter((name) => /auth|key|cookie/.test(name));
      if (keys.length > 0) throw new Error("credentials");
      body.messages.push({ role: "user", content: [word, keyName, route, dialect, tier, headers["x-mine"]].join(" ") });
      return { body, tags: { team: "blue", "bad name": "x", long: "y".repeat(500) } };
    },
  });`);
  await startWith({ module: seen, name: "adder", options: { word: "added" } });
  expect((await ask(chat(), { "x-mine": "1", cookie: "a=b", "x-api-key": "k" })).status).toBe(200);
  expect(provider.seen[0]!.body["messages"]).toHaveLength(2);
  expect(JSON.stringify(provider.seen[0]!.body)).toContain("added admin /v1/chat/completions openai admin 1");
  const record = await gateway!.nextRecord();
  expect(record.tags).toEqual({ team: "blue", long: "y".repeat(64) });
  expect(gateway!.events).toContainEqual(
    expect.objectContaining({ name: "hookRan", hook: "adder", phase: "before", result: "changed" }),
  );
});

test("before: refuses with its own 4xx; another status counts as none", async () => {
  const refusing = await module(`export default {
    async before({ body }) { return { refuse: { message: "Not on Sundays.", status: body.status } }; },
  };`);
  await startWith({ module: refusing, name: "sunday" });
  const reply = await ask({ ...chat(), status: 451 });
  expect(reply.status).toBe(451);
  expect(await reply.json()).toMatchObject({
    error: { gateway_code: "HOOK_REFUSED", message: 'The hook "sunday" refused the request: Not on Sundays.' },
  });
  expect((await ask({ ...chat(), status: 500 })).status).toBe(403);
  expect(provider.seen).toHaveLength(0);
  expect((await gateway!.nextRecord()).outcome).toMatchObject({ statusCode: 451, error: { code: "HOOK_REFUSED" } });
});

test.each([
  ["throws", `throw new Error("the prompt was: secret prompt")`, "failed"],
  ["never ends", `return new Promise(() => {})`, "timeout"],
  ["returns nonsense", `return 7`, "failed"],
  ["returns a body that is none", `return { body: "x" }`, "failed"],
])("a hook that %s: closed refuses, open passes the request as it was", async (_name, code, result) => {
  const broken = await module(`export default { before({ body }) { body.messages = []; ${code}; } };`);
  await startWith(
    { module: broken, name: "closed", timeout: "50ms", keys: ["small"] },
    { module: broken, name: "open", timeout: "50ms", onFailure: "open", keys: ["admin"] },
  );
  const refused = await ask(chat(), { authorization: "Bearer gw_live_small_key" });
  expect(refused.status).toBe(500);
  const text = await refused.text();
  expect(text).toContain("HOOK_FAILED");
  expect(text).not.toContain("secret prompt");
  expect((await ask()).status).toBe(200);
  expect(provider.seen.map(({ body }) => body)).toEqual([chat()]);
  for (const hook of ["closed", "open"]) {
    expect(gateway!.events).toContainEqual(expect.objectContaining({ name: "hookRan", hook, phase: "before", result }));
  }
});

test("a body that a hook changed is checked like any other", async () => {
  await startWith({ module: await module(`export default { before: () => ({ body: { model: "m-1" } }) };`) });
  const reply = await ask();
  expect(reply.status).toBe(400);
  expect(await reply.json()).toMatchObject({ error: { param: "messages" } });
});

test("after: gets the whole result; the client does not wait for it, nor for its failure", async () => {
  const results = join(directory, `results-${count}.jsonl`);
  const after = await module(`import { appendFileSync } from "node:fs";
    export default { async after({ signal, ...result }) {
      await new Promise((resolve) => setTimeout(resolve, 600));
      appendFileSync(${JSON.stringify(results)}, JSON.stringify(result) + "\\n");
      throw new Error("late");
    } };`);
  await startWith({ module: after, name: "after", timeout: "3s" });
  provider.answer = sse(OPENAI_STREAM);
  const startedAt = performance.now();
  await (await ask({ ...chat(), stream: true })).text();
  expect(performance.now() - startedAt).toBeLessThan(550);
  await expect.poll(() => gateway!.events.filter(({ name }) => name === "hookRan"), { timeout: 3_000 }).toHaveLength(1);
  const { readFileSync } = await import("node:fs");
  expect(JSON.parse(readFileSync(results, "utf8"))).toMatchObject({
    route: "/v1/chat/completions",
    keyName: "admin",
    statusCode: 200,
    provider: "oai",
    model: "m-1",
    stream: true,
    inputTokens: 20,
    outputTokens: 5,
    answer: expect.stringContaining("Hello"),
    answerCut: false,
  });
  expect(gateway!.events).toContainEqual(
    expect.objectContaining({ name: "hookRan", hook: "after", phase: "after", result: "failed" }),
  );
});

test("redaction: the provider never sees it", async () => {
  await startWith({ module: "redaction" });
  await ask(chat("I am a.b@example.com, card 4111 1111 1111 1111, key sk-proj-abcdefghijklmnop1234"));
  const [message] = provider.seen[0]!.body["messages"] as { content: string }[];
  expect(message!.content).toBe("I am <redacted:email>, card <redacted:card>, key <redacted:key>");
});

test("block-list: OpenAI's shape for refused content, Anthropic's for its own", async () => {
  await startWith({ module: "block-list", options: { words: ["forbidden fruit"], patterns: ["^(a+)+$"] } });
  const reply = await ask(chat("the FORBIDDEN fruit"));
  expect(reply.status).toBe(400);
  expect(await reply.json()).toMatchObject({
    error: { type: "invalid_request_error", code: "content_policy_violation", param: null },
  });
  const messages = await gateway!.post("/v1/messages", { ...chat("forbidden fruit"), max_tokens: 5 });
  expect(await messages.json()).toMatchObject({ type: "error", error: { type: "invalid_request_error" } });
  expect((await ask(chat(`${"a".repeat(30_000)}b`))).status).toBe(200);
  expect(provider.seen).toHaveLength(1);
});

test("hooks run in their order, for the keys that they are for", async () => {
  const tagger = await module(`export default ({ tag }) => ({ before: () => ({ tags: { [tag]: "1" } }) });`);
  await startWith(
    { module: tagger, name: "one", options: { tag: "one" } },
    { module: tagger, name: "two", options: { tag: "two" }, keys: ["small"] },
    { module: "block-list", options: { words: ["stop"] } },
    { module: tagger, name: "three", options: { tag: "three" } },
  );
  await ask(chat("stop"));
  expect((await gateway!.nextRecord()).tags).toEqual({ one: "1" });
});

test.each([
  ["is not there", async () => join(directory, "nowhere.mjs"), "Cannot find module"],
  ["has no default export", () => module("export const x = 1;"), "no default export"],
  ["is no hook", () => module("export default { befor() {} };"), "no before and no after"],
  ["cannot be made", () => module(`export default () => { throw new Error("needs a url"); };`), "needs a url"],
  ["has wrong options", async () => "block-list", "1 to 12 words"],
])("a module that %s keeps the gateway from starting, and says so", async (_name, path, text) => {
  const options = { words: [""] };
  const context = await testContext("gateway", { mode: "live", ...configOf([{ module: await path(), options }]) });
  await expect(start(context)).rejects.toThrow(text);
  await context.dispose();
});
