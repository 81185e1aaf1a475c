import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { TestContext } from "../../runtime/testing.ts";
import { callerOf } from "../testing/call.ts";
import {
  type FixtureProvider,
  json,
  OPENAI_COMPLETION,
  openAiChunk,
  startFixtureProvider,
} from "../testing/fixture-provider.ts";
import { startTestGateway, type TestGateway } from "../testing/test-gateway.ts";
import { csv } from "./csv.ts";

let gateway: TestGateway;
let filed: FixtureProvider;
let added: FixtureProvider;

beforeAll(async () => {
  filed = await startFixtureProvider(json(OPENAI_COMPLETION));
  added = await startFixtureProvider(json({ ...OPENAI_COMPLETION, model: "added" }));
  gateway = await startTestGateway({
    gateway: {
      keys: { team: { key: "gw_test_team_key_0", team: "ops", tags: ["nightly"] } },
      aliases: { "from-file": { models: ["gpt-4o"] } },
      providers: { openai: { type: "openai", baseUrl: `${filed.url}/v1`, apiKey: "k", models: ["gpt-4o"] } },
    },
  });
  await gateway.gateway.settings.start();
});
afterAll(async () => {
  await gateway.close();
  await filed.close();
  await added.close();
});

const call = callerOf(() => gateway.url);

const chat = (model: string, rest: object = {}, key?: string) =>
  call("POST", "/v1/chat/completions", { model, messages: [{ role: "user", content: "hi" }], ...rest }, key);

describe("providers", () => {
  test("one is made, asked, changed and removed; its key is nowhere to be read", async () => {
    const body = {
      name: "mine",
      baseUrl: `${added.url}/v1`,
      apiKey: "sk-very-secret",
      models: ["own-model"],
      allowPrivate: true,
    };
    const made = await call("POST", "/admin/providers", body);
    expect(made).toMatchObject({
      status: 201,
      body: { name: "mine", source: "database", hasKey: true, models: ["own-model"] },
    });
    const reply = await chat("own-model");
    expect(reply.headers.get("x-gatewayz-provider")).toBe("mine");
    expect(added.seen.at(-1)!.headers.authorization).toBe("Bearer sk-very-secret");
    expect(JSON.stringify((await call("GET", "/admin/providers")).body)).not.toContain("very-secret");
    expect((await call("PATCH", "/admin/providers/mine", { models: ["other-model"] })).body.models).toEqual([
      "other-model",
    ]);
    expect((await chat("own-model")).status).toBe(404);
    expect((await chat("other-model")).status).toBe(200);
    expect((await call("DELETE", "/admin/providers/mine")).body).toEqual({ name: "mine", deleted: true });
    expect((await chat("other-model")).status).toBe(404);
    expect((await call("GET", "/admin/providers/mine")).status).toBe(404);
  });

  test("a stream of a provider that is removed goes on to its end", async () => {
    let finish = (): void => undefined;
    added.answer = (_request, reply) => {
      reply.writeHead(200, { "content-type": "text/event-stream" });
      reply.write(openAiChunk({ role: "assistant", content: "first " }));
      finish = () => reply.end(`${openAiChunk({ content: "last" })}${openAiChunk({}, "stop")}data: [DONE]\n\n`);
    };
    await call("POST", "/admin/providers", {
      name: "leaving",
      baseUrl: `${added.url}/v1`,
      models: ["leaving-model"],
      allowPrivate: true,
    });
    const response = await gateway.post("/v1/chat/completions", {
      model: "leaving-model",
      stream: true,
      messages: [{ role: "user", content: "hi" }],
    });
    expect((await call("DELETE", "/admin/providers/leaving")).status).toBe(200);
    expect((await chat("leaving-model")).status).toBe(404);
    finish();
    const text = await response.text();
    expect(text).toContain("last");
    expect(text).toContain("[DONE]");
    added.answer = json(OPENAI_COMPLETION);
  });

  test.each([
    ["http://169.254.169.254/v1", {}, /never called/],
    ["http://127.0.0.1:9/v1", {}, /allowPrivate/],
    ["http://[::ffff:10.0.0.1]/v1", {}, /allowPrivate/],
    ["http://169.254.169.254/v1", { allowPrivate: true }, /never called/],
    ["ftp://example.com", {}, /http/],
  ])("the address %s with %j is refused", async (baseUrl, rest, reason) => {
    const answer = await call("POST", "/admin/providers", { name: "evil", baseUrl, ...rest });
    expect(answer.status).toBe(400);
    expect(answer.body.error.message).toMatch(reason);
    expect((await call("GET", "/admin/providers/evil")).status).toBe(404);
  });

  test("a name that resolves to this machine is refused at the connect, unless it is allowed", async () => {
    const baseUrl = `${added.url.replace("127.0.0.1", "localhost")}/v1`;
    await call("POST", "/admin/providers", { name: "local", baseUrl, models: ["local-model"] });
    expect((await chat("local-model")).status).toBeGreaterThanOrEqual(500);
    await call("PATCH", "/admin/providers/local", { allowPrivate: true });
    expect((await chat("local-model")).status).toBe(200);
    await call("DELETE", "/admin/providers/local");
  });

  test("the file's providers are shown and left alone", async () => {
    expect((await call("GET", "/admin/providers/openai")).body).toMatchObject({ source: "file", keys: 1 });
    expect((await call("PATCH", "/admin/providers/openai", { models: [] })).status).toBe(409);
    expect((await call("DELETE", "/admin/providers/openai")).status).toBe(409);
    expect((await call("POST", "/admin/providers", { name: "openai", baseUrl: "https://example.com" })).status).toBe(
      409,
    );
    expect((await call("POST", "/admin/providers", { name: "a/b", baseUrl: "https://example.com" })).status).toBe(400);
    expect((await call("PATCH", "/admin/providers/nobody", {})).status).toBe(404);
  });
});

test("neither the database nor the log holds a provider's key", async () => {
  const secret = "sk-canary-5d1f0c77aa";
  const body = {
    name: "canary",
    baseUrl: `${added.url}/v1`,
    apiKey: secret,
    models: ["canary-model"],
    allowPrivate: true,
  };
  await call("POST", "/admin/providers", body);
  expect((await chat("canary-model")).status).toBe(200);
  const { dataDir, lines } = gateway.gateway.context as TestContext;
  const files = readdirSync(dataDir, { recursive: true, encoding: "utf8" }).map((name) => join(dataDir, name));
  const held = files.filter((file) => statSync(file).isFile() && readFileSync(file).includes(secret));
  expect(files.some((file) => file.endsWith("gateway.db"))).toBe(true);
  expect(held).toEqual([]);
  expect(JSON.stringify(lines)).not.toContain(secret);
  await call("DELETE", "/admin/providers/canary");
});

describe("models of one's own", () => {
  test("one is made, asked, changed and removed", async () => {
    const made = await call("POST", "/admin/models", { name: "team/best", models: ["nothing"], fallback: ["gpt-4o"] });
    expect(made).toMatchObject({ status: 201, body: { name: "team/best", source: "database", hides: false } });
    expect((await chat("team/best")).status).toBe(200);
    expect((await call("PATCH", "/admin/models/team/best", { models: ["gpt-4o"] })).body).toMatchObject({
      models: ["gpt-4o"],
      fallback: ["gpt-4o"],
    });
    expect((await call("DELETE", "/admin/models/team/best")).status).toBe(200);
    expect((await chat("team/best")).status).toBe(404);
  });

  test("those of the file stay; what is wrong is named", async () => {
    expect((await call("GET", "/admin/models")).body.data).toMatchObject([{ name: "from-file", source: "file" }]);
    expect((await call("PATCH", "/admin/models/from-file", { fallback: [] })).status).toBe(409);
    expect((await call("POST", "/admin/models", { name: "x", models: [] })).body.error.param).toBe("models");
    expect((await call("DELETE", "/admin/models/nothing")).status).toBe(404);
  });
});

describe("prices", () => {
  test("one is set, billed by, shown and taken back", async () => {
    const priceOf = async () => (await call("GET", "/v1/models/gpt-4o")).body.pricing.input_usd_per_million;
    expect(await priceOf()).toBe(2.5);
    expect((await call("PUT", "/admin/prices/gpt-4o", { price: { input: 1_000, output: 2_000 } })).body).toMatchObject({
      model: "gpt-4o",
      source: "database",
    });
    expect(await priceOf()).toBe(1_000);
    // 20 tokens in, 5 out.
    expect((await chat("gpt-4o")).body.gateway_usage.cost_usd).toBe(0.03);
    expect((await call("GET", "/admin/prices")).body.data).toMatchObject([
      { model: "gpt-4o", price: { input: 1_000 } },
    ]);
    expect((await call("DELETE", "/admin/prices/gpt-4o")).status).toBe(200);
    expect(await priceOf()).toBe(2.5);
    expect((await call("PUT", "/admin/prices/gpt-4o", { price: { input: -1, output: 1 } })).status).toBe(400);
    expect((await call("DELETE", "/admin/prices/gpt-4o")).status).toBe(404);
  });
});

describe("rate limits", () => {
  test("the defaults change for the next request, and go back to the file's", async () => {
    const before = await call("GET", "/admin/rate-limits");
    expect(before.body).toMatchObject({ defaults: { requestsPerMinute: 250 }, overrides: {} });
    await call("PATCH", "/admin/rate-limits", { requestsPerMinute: 7 });
    expect((await chat("gpt-4o", {}, "gw_test_team_key_0")).headers.get("ratelimit-limit")).toBe("7");
    const second = await call("PATCH", "/admin/rate-limits", { tokensPerDay: 5_000_000 });
    expect(second.body.overrides).toEqual({ requestsPerMinute: 7, tokensPerDay: 5_000_000 });
    expect((await call("DELETE", "/admin/rate-limits")).body).toMatchObject({
      defaults: { requestsPerMinute: 250 },
      overrides: {},
    });
    expect((await call("PATCH", "/admin/rate-limits", { requestsPerMinute: 0 })).body.error.param).toBe(
      "requestsPerMinute",
    );
  });
});

describe("usage", () => {
  test("by key, model, end user and tag, as JSON and CSV; the sums are the provider's", async () => {
    await chat("gpt-4o", { user: "=cmd|alice" }, "gw_test_team_key_0");
    const report = await call("GET", "/admin/usage?group_by=key,model&key=config:team&bucket=all");
    expect(report.body).toMatchObject({ bucket: "all", group_by: ["key", "model"], truncated: false });
    const [row] = report.body.data;
    expect(row).toMatchObject({ key: "config:team", model: "gpt-4o", errors: 0, interrupted: 0 });
    expect(row.input_tokens).toBe(20 * row.requests);
    expect(row.cost_usd).toBeGreaterThan(0);
    const byUser = await call("GET", "/admin/usage?group_by=end_user&bucket=hour");
    expect(byUser.body.data).toContainEqual(expect.objectContaining({ end_user: "=cmd|alice", requests: 1 }));
    const byTag = await call("GET", "/admin/usage?group_by=tag");
    expect(byTag.body.data).toContainEqual(expect.objectContaining({ tag: "nightly" }));
    const asCsv = await call("GET", "/admin/usage?group_by=end_user&bucket=all&format=csv");
    expect(asCsv.headers.get("content-type")).toBe("text/csv; charset=utf-8");
    expect(asCsv.body.split("\r\n")[0]).toMatch(/^end_user,requests,errors,/);
    expect(asCsv.body).toContain("'=cmd|alice");
  });

  test.each([
    ["group_by=colour", "group_by"],
    ["group_by=end_user,tag", "group_by"],
    ["from=yesterday", "from"],
    ["from=2026-02-01&to=2026-01-01", "from"],
    ["bucket=week", "bucket"],
  ])("?%s is a 400 about %s", async (query, param) => {
    expect(await call("GET", `/admin/usage?${query}`)).toMatchObject({ status: 400, body: { error: { param } } });
  });

  test("cells of a CSV are quoted where they must be", () => {
    expect(csv(["a", "b"], [{ a: 'x"y', b: 1 }, { a: "l1\nl2" }])).toBe('a,b\r\n"x""y",1\r\n"l1\nl2",\r\n');
  });
});

test("what was made outlives the gateway that made it", async () => {
  await call("POST", "/admin/models", { name: "kept", models: ["gpt-4o"] });
  await call("POST", "/admin/providers", {
    name: "kept-provider",
    baseUrl: `${added.url}/v1`,
    apiKey: "s",
    models: ["kept-model"],
    allowPrivate: true,
  });
  const { live, settings } = gateway.gateway;
  live.applyOverlay({ providers: {}, aliases: {}, limits: {}, prices: {} });
  expect((await chat("kept-model")).status).toBe(404);
  settings.close();
  // As a gateway that starts anew would: it knows nothing, and asks the database.
  await call("DELETE", "/admin/models/kept");
  expect((await chat("kept-model")).status).toBe(200);
  await call("DELETE", "/admin/providers/kept-provider");
});
