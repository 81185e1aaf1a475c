import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { ConfigError } from "./config-error.ts";
import { parseDurationMs } from "./duration.ts";
import { type LoadedConfig, loadConfig } from "./load.ts";
import { nearestName } from "./nearest.ts";
import { ROLE_NAMES, type RoleName } from "./roles.ts";
import { withPeers } from "./topology.ts";

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "gatewayz-config-"));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

function load(
  yaml: string | undefined,
  environment: Record<string, string> = {},
  roles: readonly RoleName[] = ROLE_NAMES,
): LoadedConfig {
  if (yaml !== undefined) writeFileSync(join(dir, "gatewayz.yaml"), yaml);
  return loadConfig({ environment, workingDir: dir, installDir: dir, roles });
}

function refusal(yaml: string | undefined, environment: Record<string, string> = {}): string {
  try {
    load(yaml, environment);
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigError);
    return (error as Error).message;
  }
  throw new Error("the configuration was accepted");
}

describe("defaults", () => {
  test("loopback without a provider is demo, with the documented password and a generated key of mode 0600", () => {
    const { config, secrets } = load(undefined);
    expect(config.mode).toBe("demo");
    expect(config.dashboards.password).toBe("admin");
    expect(secrets.adminApiKey).toBe("created");
    const file = join(dir, "data", "admin-api-key");
    expect(readFileSync(file, "utf8").trim()).toBe(config.adminApiKey);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(load(undefined).secrets.adminApiKey).toBe("stored");
    expect(load(undefined).config.adminApiKey).toBe(config.adminApiKey);
  });

  test("of starts at once, all use the one key that is stored; an empty file is written anew", async () => {
    const script = `import { loadConfig } from ${JSON.stringify(join(import.meta.dirname, "load.ts"))};
      const { config } = loadConfig({ environment: {}, workingDir: process.argv[1], installDir: "/", roles: ["logs"] });
      console.log(config.adminApiKey);`;
    const run = promisify(execFile);
    const args = ["--import", "tsx", "--input-type=module", "-e", script, dir];
    const keys = await Promise.all([1, 2, 3].map(async () => (await run(process.execPath, args)).stdout.trim()));
    const file = join(dir, "data", "admin-api-key");
    expect(new Set(keys)).toEqual(new Set([readFileSync(file, "utf8").trim()]));
    writeFileSync(file, "");
    const { config, secrets } = load(undefined);
    expect(secrets.adminApiKey).toBe("created");
    expect(readFileSync(file, "utf8").trim()).toBe(config.adminApiKey);
    expect(statSync(file).mode & 0o777).toBe(0o600);
  });

  test("a provider key makes it live, and then nothing has a default password", () => {
    const { config } = load(undefined, { OPENAI_API_KEY: "sk-x" });
    expect(config.mode).toBe("live");
    expect(config.dashboards.password).not.toBe("admin");
    expect(config.gateway.providers["openai"]).toMatchObject({
      type: "openai",
      apiKey: "sk-x",
      baseUrl: "https://api.openai.com/v1",
      models: [],
    });
  });

  test("a base URL of one's own is a provider, with a key or without", () => {
    const { config } = load(undefined, { OPENAI_BASE_URL: "http://127.0.0.1:11434/v1" });
    expect(config.mode).toBe("live");
    expect(config.gateway.providers).toMatchObject({
      openai: { type: "openai", baseUrl: "http://127.0.0.1:11434/v1", models: [] },
    });
  });

  test("the gateway is not its own provider", () => {
    expect(refusal(undefined, { OPENAI_BASE_URL: "http://localhost:8000/v1", OPENAI_API_KEY: "k" })).toBe(
      "provider openai is this gateway itself (http://localhost:8000/v1); unset OPENAI_BASE_URL where the gateway starts",
    );
    expect(load(undefined, { OPENAI_BASE_URL: "http://localhost:8000/v1" }, ["logs"]).config.mode).toBe("live");
  });

  test("another bind address is live; demo there must be asked for and gets a generated password", () => {
    expect(load(undefined, { GATEWAYZ_HOST: "0.0.0.0" }).config.mode).toBe("live");
    const asked = load(undefined, { GATEWAYZ_HOST: "0.0.0.0", GATEWAYZ_MODE: "demo" }).config;
    expect(asked.mode).toBe("demo");
    expect(asked.dashboards.password).not.toBe("admin");
  });
});

describe("the engines' key", () => {
  test("on loopback there is none; beyond it one is made and kept, so that the roles reach each other", () => {
    expect(load(undefined).config.engineKey).toBeUndefined();
    const { config, secrets } = load(undefined, { GATEWAYZ_HOST: "0.0.0.0" });
    expect(config.engineKey).toMatch(/^[\w-]{32}$/);
    expect(secrets.engineKey).toBe("created");
    expect(statSync(join(dir, "data", "engine-key")).mode & 0o777).toBe(0o600);
    expect(load(undefined, { GATEWAYZ_HOST: "0.0.0.0" }).config.engineKey).toBe(config.engineKey);
  });

  test("a given one is taken, on loopback too", () => {
    expect(load(undefined, { GATEWAYZ_ENGINE_KEY: "engine-key-1" }).config.engineKey).toBe("engine-key-1");
  });
});

describe("file and environment", () => {
  test("the environment wins over the file", () => {
    const { config } = load("ports:\n  gateway: 8100\n  logs: 3101\n", {
      GATEWAYZ_PORT_GATEWAY: "8200",
      OPENAI_API_KEY: "k",
      OPENAI_BASE_URL: "http://127.0.0.1:9/v1/",
    });
    expect(config.ports.gateway).toBe(8200);
    expect(config.ports.logs).toBe(3101);
    expect(config.gateway.providers["openai"]!.baseUrl).toBe("http://127.0.0.1:9/v1");
  });

  test("PORT alone sets the port of a single-role start, and of no other", () => {
    expect(load(undefined, { PORT: "7777" }, ["logs"]).config.ports.logs).toBe(7777);
    expect(load(undefined, { PORT: "7777" }).config.ports.gateway).toBe(8000);
  });

  test("durations and sizes are read in their text forms", () => {
    const { config } = load("dataSizeMax: 3GB\nlogs:\n  retention: 2d\n");
    expect(config.dataBytesMax).toBe(3 * 1024 ** 3);
    expect(config.logs.retention).toBe(2 * 86_400_000);
  });

  test("peers of started roles are found on loopback, named ones stay, others are off", () => {
    const { config } = load(undefined, { GATEWAYZ_LOGS_URL: "http://logs.internal:3100" }, ["gateway"]);
    const { peers } = withPeers(config, ["gateway"]);
    expect(peers).toEqual({
      gateway: "http://127.0.0.1:8000",
      health: undefined,
      metrics: undefined,
      logs: "http://logs.internal:3100",
      traces: undefined,
      otlp: undefined,
    });
    expect(withPeers(config, ROLE_NAMES).peers.otlp).toBe("http://127.0.0.1:4318");
    const traces = load(undefined, { GATEWAYZ_TRACES_URL: "http://tempo:3200" }, ["gateway"]).config;
    expect(withPeers(traces, ["gateway"]).peers.otlp).toBe("http://tempo:4318");
  });
});

describe("refusals name file, line and the nearest valid name", () => {
  const cases = [
    {
      name: "unknown field",
      yaml: "ports:\n  gatway: 1\n",
      text: /gatewayz\.yaml:2: unknown field "ports\.gatway"; did you mean "gateway"\?/,
    },
    {
      name: "unknown top field",
      yaml: "mode: demo\nlogLevl: info\n",
      text: /gatewayz\.yaml:2: unknown field "logLevl"; did you mean "logLevel"\?/,
    },
    {
      name: "unknown field of a provider",
      yaml: "gateway:\n  providers:\n    a:\n      baseURL: http://x\n",
      text: /gatewayz\.yaml:4: unknown field .*did you mean "baseUrl"/,
    },
    { name: "wrong type", yaml: "ports:\n  logs: many\n", text: /gatewayz\.yaml:2: ports\.logs: / },
    { name: "wrong choice", yaml: "mode: test\n", text: /gatewayz\.yaml:1: mode: .*demo/ },
    {
      name: "wrong duration",
      yaml: "logs:\n  retention: soon\n",
      text: /gatewayz\.yaml:2: logs\.retention: not a duration/,
    },
    { name: "no mapping", yaml: "- a\n", text: /expected a mapping/ },
    { name: "no YAML", yaml: "a: [1\n", text: /gatewayz\.yaml:\d: not valid YAML/ },
  ];
  for (const { name, yaml, text } of cases) test(name, () => expect(refusal(yaml)).toMatch(text));

  test("a wrong environment variable is named, its value is not repeated", () => {
    expect(refusal(undefined, { GATEWAYZ_PORT_LOGS: "99999" })).toMatch(/^environment variable GATEWAYZ_PORT_LOGS: /);
    expect(refusal(undefined, { ADMIN_API_KEY: "short" })).not.toContain("short");
  });
});

test("hook modules are found beside the configuration file, shipped ones by their name", () => {
  const yaml =
    "gateway: { safety: { hooks: [{ module: hooks/mine.mjs }, { module: /abs/b.js }, { module: block-list }] } }";
  const modules = load(yaml).config.gateway.safety.hooks.map(({ module }) => module);
  expect(modules).toEqual([join(dir, "hooks/mine.mjs"), "/abs/b.js", "block-list"]);
});

test("durations as Prometheus writes them", () => {
  expect(["15d", "1h30m", "500ms", "0", "30s", "1y", "2w"].map(parseDurationMs)).toEqual([
    15 * 86_400_000,
    5_400_000,
    500,
    0,
    30_000,
    31_536_000_000,
    1_209_600_000,
  ]);
  expect(["", "5", "m", "1.5h", "30s1h", "-5s"].map(parseDurationMs)).toEqual(Array(6).fill(undefined));
});

test("the nearest name is offered only when it is near", () => {
  expect(nearestName("retension", ["retention", "dataDir"])).toBe("retention");
  expect(nearestName("colour", ["retention", "dataDir"])).toBeUndefined();
});
