import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Command } from "commander";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from "vitest";
import {
  type FixtureProvider,
  json,
  OPENAI_COMPLETION,
  startFixtureProvider,
} from "../gateway/testing/fixture-provider.ts";
import { startTestGateway, type TestGateway } from "../gateway/testing/test-gateway.ts";
import { TEST_ADMIN_KEY } from "../runtime/testing.ts";
import { addKeyCommands } from "./key-commands.ts";

let gateway: TestGateway;
let provider: FixtureProvider;
let dataDir: string;
const out = { stdout: "", stderr: "" };

beforeAll(async () => {
  provider = await startFixtureProvider(json(OPENAI_COMPLETION));
  gateway = await startTestGateway({
    gateway: { providers: { openai: { baseUrl: `${provider.url}/v1`, apiKey: "k", models: ["gpt-4o"] } } },
  });
  dataDir = mkdtempSync(join(tmpdir(), "gatewayz-cli-"));
});
afterAll(async () => {
  await gateway.close();
  await provider.close();
  rmSync(dataDir, { recursive: true, force: true });
});
beforeEach(() => {
  vi.stubEnv("ADMIN_API_KEY", TEST_ADMIN_KEY);
  vi.stubEnv("GATEWAYZ_DATA", dataDir);
  Object.assign(out, { stdout: "", stderr: "" });
  for (const name of ["stdout", "stderr"] as const) {
    vi.spyOn(process[name], "write").mockImplementation((text) => {
      out[name] += String(text);
      return true;
    });
  }
});
afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
  process.exitCode = undefined;
});

/** `gatewayz keys …`; resolves with what it printed and its exit code. */
async function keys(...args: string[]): Promise<{ stdout: string; stderr: string; code: unknown }> {
  Object.assign(out, { stdout: "", stderr: "" });
  const program = new Command("gatewayz");
  addKeyCommands(program);
  await program.parseAsync(["keys", ...args, "--gateway", gateway.url], { from: "user" });
  return { ...out, code: process.exitCode };
}

test("a key is made, listed, used, reported on and revoked", async () => {
  const made = await keys("create", "ci", "--team", "ops", "--model", "gpt-*", "--day-usd", "2.5", "--tag", "a", "b");
  expect(made.code).toBe(0);
  expect(made.stdout).toMatch(/^gw_live_\S+\n$/);
  expect(made.stderr).toMatch(/^key_\S+ \(ci\)\. Keep the key/);
  const key = made.stdout.trim();
  const id = made.stderr.split(" ")[0]!;
  await vi.waitFor(async () => {
    const messages = [{ role: "user", content: "hi" }];
    const headers = { authorization: `Bearer ${key}` };
    expect((await gateway.post("/v1/chat/completions", { model: "gpt-4o", messages }, headers)).status).toBe(200);
  });
  const table = await keys("list", "--team", "ops");
  expect(table.stdout).toMatch(/^ID +Name +Key +Status/);
  expect(table.stdout).toMatch(new RegExp(`${id} +ci +gw_live_….{4} +active +basic +ops +\\$2\\.5`));
  const listed = JSON.parse((await keys("list", "--json")).stdout);
  expect(listed).toMatchObject([{ id, tags: ["a", "b"], allowedModels: ["gpt-*"], budget: { dayUsd: 2.5 } }]);
  const usage = await keys("usage", id, "--group-by", "model", "--bucket", "all");
  expect(usage.stdout).toMatch(/model +requests +errors/);
  expect(usage.stdout).toMatch(/gpt-4o +1 +0 +20 +5 +\$0\.0000\d\d/);
  expect((await keys("usage", "--csv", "--group-by", "key")).stdout).toContain(id);
  expect(JSON.parse((await keys("usage", "--json")).stdout)).toMatchObject({ bucket: "day" });
  expect(await keys("revoke", id)).toMatchObject({ code: 0, stdout: `${id} (ci) is revoked.\n` });
  expect((await keys("list")).stdout).toBe("No keys.\n");
});

test("what the gateway refuses is its own sentence and exit code 1", async () => {
  expect(await keys("revoke", "key_nope")).toMatchObject({
    code: 1,
    stdout: "",
    stderr: 'gatewayz: There is no key "key_nope".\n',
  });
  expect(await keys("create", "x", "--day-usd", "much")).toMatchObject({ code: 1 });
  expect(out.stderr).toContain("budget.dayUsd");
  vi.stubEnv("ADMIN_API_KEY", "gw_test_not_the_admin");
  expect(await keys("list")).toMatchObject({ code: 1 });
});

test("without an admin key it says how to give one", async () => {
  vi.stubEnv("ADMIN_API_KEY", "");
  expect(await keys("list")).toMatchObject({ code: 1, stderr: expect.stringContaining("set ADMIN_API_KEY") });
});

test("no gateway is exit code 2 and says where it looked", async () => {
  const program = new Command("gatewayz");
  addKeyCommands(program);
  await program.parseAsync(["keys", "list", "--gateway", "http://127.0.0.1:59123"], { from: "user" });
  expect(process.exitCode).toBe(2);
  expect(out.stderr).toMatch(/no gateway answers at http:\/\/127\.0\.0\.1:59123 \(ECONNREFUSED\)/);
});
