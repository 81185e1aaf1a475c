import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { TEST_ADMIN_KEY } from "../runtime/testing.ts";
import { ConfigReload } from "./reload.ts";
import {
  type FixtureProvider,
  json,
  OPENAI_COMPLETION,
  openAiChunk,
  startFixtureProvider,
} from "./testing/fixture-provider.ts";
import { startTestGateway, type TestGateway } from "./testing/test-gateway.ts";

let dir: string;
let provider: FixtureProvider;
let gateway: TestGateway;
let reload: ConfigReload;
const lines: { level: string; msg: string; [field: string]: unknown }[] = [];

beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), "gatewayz-reload-"));
  provider = await startFixtureProvider(json(OPENAI_COMPLETION));
  write(yaml({ models: "[gpt-4o]" }));
  gateway = await startTestGateway({
    gateway: {
      providers: { openai: { type: "openai", baseUrl: `${provider.url}/v1`, apiKey: "k", models: ["gpt-4o"] } },
    },
  });
  lines.length = 0;
  const note = (level: string) => (fields: object, msg: string) => void lines.push({ level, msg, ...fields });
  const { context } = gateway.gateway;
  reload = new ConfigReload({
    live: gateway.gateway.live,
    config: { ...context.config, configFile: join(dir, "gatewayz.yaml") },
    telemetry: gateway.gateway.telemetry,
    logger: { ...context.logger, info: note("info"), warn: note("warn"), error: note("error") } as never,
    environment: {},
    workingDir: dir,
  });
  reload.start();
});
afterEach(async () => {
  reload.close();
  await gateway.close();
  await provider.close();
  rmSync(dir, { recursive: true, force: true });
});

function write(text: string): void {
  writeFileSync(join(dir, "gatewayz.yaml"), text);
}

/** The test gateway's configuration as a file, with more below `gateway`. */
function yaml({ models, more = "" }: { models: string; more?: string }): string {
  return `mode: live
gateway:
  retries: {max: 0}
  providers:
    openai: {type: openai, baseUrl: "${provider.url}/v1", apiKey: k, models: ${models}}
${more}`;
}

const lastRead = (): unknown => gateway.events.findLast(({ name }) => name === "configRead");

async function outcome(): Promise<string> {
  const told = gateway.events.length;
  for (const deadline = Date.now() + 8_000; ; ) {
    const event = gateway.events.slice(told).find(({ name }) => name === "configReloaded");
    if (event !== undefined) return (event as unknown as { result: string }).result;
    if (Date.now() > deadline) throw new Error("not reloaded within 8 s");
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

const chat = async (model: string, key = TEST_ADMIN_KEY) => {
  const messages = [{ role: "user", content: "hi" }];
  return (await gateway.post("/v1/chat/completions", { model, messages }, { authorization: `Bearer ${key}` })).status;
};

describe("a changed file", () => {
  test("models, keys, aliases and limits hold at once, and go with the file that goes back", async () => {
    expect(await chat("gpt-4o-mini")).toBe(404);
    write(
      yaml({
        models: "[gpt-4o, gpt-4o-mini]",
        more: `  keys: {late: gw_test_late_key}
  aliases: {mine: {models: [gpt-4o]}}
  limits: {requestsPerMinute: 11}
`,
      }),
    );
    expect(await outcome()).toBe("applied");
    expect(lines).toMatchObject([{ level: "info", msg: "configuration reloaded", providers: { changed: ["openai"] } }]);
    expect(await chat("gpt-4o-mini")).toBe(200);
    expect(await chat("mine")).toBe(200);
    expect(await chat("gpt-4o", "gw_test_late_key")).toBe(200);
    expect(gateway.gateway.context.config.gateway.limits.requestsPerMinute).toBe(11);
    write(yaml({ models: "[gpt-4o]" }));
    expect(await outcome()).toBe("applied");
    expect(await chat("gpt-4o", "gw_test_late_key")).toBe(401);
    expect(await chat("mine")).toBe(404);
    expect(gateway.gateway.context.config.gateway.limits.requestsPerMinute).toBe(250);
  });

  test("a stream that runs goes on, although its provider is gone", async () => {
    let finish = (): void => undefined;
    provider.answer = (_request, reply) => {
      reply.writeHead(200, { "content-type": "text/event-stream" }).write(openAiChunk({ content: "one" }));
      finish = () => reply.end(`${openAiChunk({ content: "two" })}${openAiChunk({}, "stop")}data: [DONE]\n\n`);
    };
    const body = { model: "gpt-4o", stream: true, messages: [{ role: "user", content: "hi" }] };
    const response = await gateway.post("/v1/chat/completions", body);
    write("mode: live\ngateway:\n  providers:\n    other: {baseUrl: http://127.0.0.1:9, models: [m]}\n");
    expect(await outcome()).toBe("applied");
    expect([...gateway.gateway.providers.keys()]).toEqual(["other"]);
    finish();
    expect(await response.text()).toMatch(/two[\s\S]*\[DONE\]/);
  });

  const wrong = [
    { name: "no YAML", text: "gateway: [", says: /gatewayz\.yaml:\d+: not valid YAML/ },
    {
      name: "an unknown field",
      text: "gateway:\n  limitz: {}\n",
      says: /gatewayz\.yaml:2: unknown field "gateway\.limitz"; did you mean "limits"\?/,
    },
    {
      name: "a wrong value",
      text: "gateway:\n  limits:\n    requestsPerMinute: -1\n",
      says: /:3: gateway\.limits\.requestsPerMinute/,
    },
    {
      name: "an address that is never called",
      text: "gateway:\n  providers:\n    meta: {baseUrl: http://169.254.169.254/latest}\n",
      says: /meta.*never called/,
    },
  ];
  for (const { name, text, says } of wrong) {
    test(`${name}: the one before stays, and one line says what is wrong`, async () => {
      write(text);
      expect(await outcome()).toBe("rejected");
      expect(lines).toHaveLength(1);
      expect(lines[0]).toMatchObject({ level: "error", msg: "configuration not reloaded; the one before stays" });
      expect(lines[0]!["error"]).toMatch(says);
      expect(await chat("gpt-4o")).toBe(200);
      expect(lastRead()).toEqual({ name: "configRead", usable: false, atSeconds: expect.any(Number) });
      write(yaml({ models: "[gpt-4o, again]" }));
      expect(await outcome()).toBe("applied");
      expect(lastRead()).toMatchObject({ usable: true });
      expect(await chat("again")).toBe(200);
    });
  }

  test("what only a restart changes is named and left", async () => {
    write(yaml({ models: "[gpt-4o]", more: "  workers: 3\n  bodyBytesMax: 1000000\n" }));
    expect(await outcome()).toBe("applied");
    expect(lines).toMatchObject([{ level: "warn", restart: ["bodyBytesMax", "workers"] }]);
    expect(gateway.gateway.context.config.gateway.workers).toBe(1);
  });

  test("it is noticed although other files of its folder change all the time", async () => {
    const noise = setInterval(() => writeFileSync(join(dir, "noise.log"), String(Math.random())), 20);
    write(yaml({ models: "[gpt-4o, noticed]" }));
    const beganMs = performance.now();
    expect(await outcome()).toBe("applied");
    clearInterval(noise);
    expect(performance.now() - beganMs).toBeLessThan(4_000);
  });

  test("SIGHUP reads it again, changed or not", async () => {
    const told = outcome();
    process.emit("SIGHUP");
    expect(await told).toBe("unchanged");
  });

  test("what the admin API made stays, and the file goes first", async () => {
    const made = { name: "extra", baseUrl: `${provider.url}/v1`, models: ["extra-model"], allowPrivate: true };
    expect((await gateway.post("/admin/providers", made)).status).toBe(201);
    write(yaml({ models: "[gpt-4o, new]" }));
    expect(await outcome()).toBe("applied");
    expect(await chat("extra-model")).toBe(200);
    write(`${yaml({ models: "[gpt-4o]" })}    extra: {baseUrl: "${provider.url}/v1", models: [from-file]}\n`);
    expect(await outcome()).toBe("applied");
    expect(await chat("extra-model")).toBe(404);
    expect(await chat("from-file")).toBe(200);
  });
});
