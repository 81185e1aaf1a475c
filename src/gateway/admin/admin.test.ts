import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { callerOf } from "../testing/call.ts";
import { type FixtureProvider, json, OPENAI_COMPLETION, startFixtureProvider } from "../testing/fixture-provider.ts";
import { startTestGateway, type TestGateway } from "../testing/test-gateway.ts";

let gateway: TestGateway;
let provider: FixtureProvider;

beforeAll(async () => {
  provider = await startFixtureProvider(json(OPENAI_COMPLETION));
  gateway = await startTestGateway({
    gateway: {
      keys: { filed: "gw_test_from_the_file" },
      budgets: { teams: { ops: { dayUsd: 5 } } },
      providers: { openai: { type: "openai", baseUrl: `${provider.url}/v1`, apiKey: "k", models: ["gpt-4o"] } },
    },
  });
});
afterAll(async () => {
  await gateway.close();
  await provider.close();
});

const call = callerOf(() => gateway.url);

const chat = (key: string) =>
  call("POST", "/v1/chat/completions", { model: "gpt-4o", messages: [{ role: "user", content: "hi" }] }, key);

/** A change holds from the next request on, once the gateway has taken it over. */
async function until(what: string, holds: () => Promise<boolean>): Promise<void> {
  for (const deadline = Date.now() + 3_000; !(await holds()); ) {
    if (Date.now() > deadline) throw new Error(`not within 3 s: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

describe("keys", () => {
  test("a key works from its making to its revocation; its secret is shown once and stored nowhere", async () => {
    const made = await call("POST", "/admin/keys", {
      name: "ci",
      team: "ops",
      allowedModels: ["gpt-*"],
      tags: ["build"],
    });
    expect(made.status).toBe(201);
    expect(made.headers.get("cache-control")).toBe("no-store");
    const { key, id } = made.body;
    expect(key).toMatch(/^gw_live_/);
    await until("the key works", async () => (await chat(key)).status === 200);
    const read = await call("GET", `/admin/keys/${id}`);
    expect(read.body).toMatchObject({ id, name: "ci", team: "ops", status: "active", allowedModels: ["gpt-*"] });
    expect(JSON.stringify(read.body)).not.toContain(key.slice(8, -4));
    await call("PATCH", `/admin/keys/${id}`, { status: "disabled" });
    await until("the disabled key is refused", async () => (await chat(key)).status === 401);
    await call("PATCH", `/admin/keys/${id}`, { status: "active", team: null });
    await until("the key works again", async () => (await chat(key)).status === 200);
    expect((await call("GET", `/admin/keys/${id}`)).body).toMatchObject({ team: null, tags: ["build"] });
    const rotated = await call("POST", `/admin/keys/${id}/rotate`);
    await until("the new secret works", async () => (await chat(rotated.body.key)).status === 200);
    expect((await chat(key)).status).toBe(401);
    expect((await call("DELETE", `/admin/keys/${id}`)).body).toMatchObject({ status: "revoked" });
    await until("the revoked key is refused", async () => (await chat(rotated.body.key)).status === 401);
    expect((await call("DELETE", `/admin/keys/${id}`)).status).toBe(404);
  });

  test("the list goes page by page, by team, and names the keys of the file", async () => {
    for (const name of ["a", "b", "c"]) await call("POST", "/admin/keys", { name, team: "pages", kind: "test" });
    const first = await call("GET", "/admin/keys?team=pages&limit=2");
    expect(first.body).toMatchObject({ has_more: true, configured: ["filed"] });
    expect(first.body.data).toHaveLength(2);
    const second = await call("GET", `/admin/keys?team=pages&limit=2&after=${first.body.last_id}`);
    expect(second.body.has_more).toBe(false);
    const names = [...first.body.data, ...second.body.data].map(({ name }: { name: string }) => name);
    expect(names.sort()).toEqual(["a", "b", "c"]);
    expect((await call("GET", "/admin/keys?team=nobody")).body.data).toEqual([]);
  });

  test.each([
    ["POST", "/admin/keys", { name: "x", colour: "red" }, 400, "colour"],
    ["POST", "/admin/keys", { name: "" }, 400, "name"],
    ["POST", "/admin/keys", { name: "x", budget: { dayUsd: -1 } }, 400, "budget.dayUsd"],
    ["POST", "/admin/keys", { name: "admin" }, 409, null],
    ["PATCH", "/admin/keys/key_nope", { tier: "pro" }, 404, null],
    ["GET", "/admin/keys?status=lost", undefined, 400, "status"],
  ])("%s %s with %j is a %d", async (method, path, body, status, param) => {
    const answer = await call(method, path, body);
    expect(answer).toMatchObject({ status, body: { error: { param } } });
  });

  test("only the admin key may look", async () => {
    for (const path of ["/admin/keys", "/admin/teams", "/admin/cache"]) {
      expect((await call("GET", path, undefined, "gw_test_from_the_file")).status).toBe(403);
    }
  });
});

test("teams: those of the file are shown and stay, others are made, changed and removed", async () => {
  expect((await call("PUT", "/admin/teams/research", { budget: { monthUsd: 100 } })).status).toBe(200);
  expect((await call("GET", "/admin/teams")).body.data).toEqual([
    { name: "ops", budget: { dayUsd: 5 }, source: "file" },
    { name: "research", budget: { monthUsd: 100 }, source: "database" },
  ]);
  expect((await call("DELETE", "/admin/teams/research")).body).toEqual({ name: "research", deleted: true });
  expect((await call("DELETE", "/admin/teams/research")).status).toBe(404);
});

test("the cache says what it holds, and lets go of it", async () => {
  expect((await call("GET", "/admin/cache")).body).toMatchObject({
    store: "local",
    hits: 0,
    catalog: [{ provider: "openai", models: 1 }],
  });
  expect((await call("DELETE", "/admin/cache?model=gpt-4o")).body).toEqual({ purged: 0 });
});
