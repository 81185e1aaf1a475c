import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { testContext } from "../runtime/testing.ts";
import { start } from "./index.ts";

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "gatewayz-reload-"));
});

afterEach(() => rm(folder, { recursive: true }));

test("a wrong configuration or rule file leaves the old one in force, and says what is wrong", async () => {
  const configFile = join(folder, "prometheus.yml");
  await writeFile(configFile, "global: { evaluation_interval: 7s }\nrule_files: [rules.yml]\nremote_write: []\n");
  const context = await testContext("metrics", { metrics: { configFile } });
  const role = await start(context);
  const base = role.urls["main"]!;
  const reload = async (): Promise<[number, string]> => {
    const response = await fetch(`${base}/-/reload`, { method: "POST" });
    return [response.status, await response.text()];
  };
  const yaml = async (): Promise<string> => {
    const { data } = (await (await fetch(`${base}/api/v1/status/config`)).json()) as { data: { yaml: string } };
    return data.yaml;
  };
  const groups = async (): Promise<string[]> => {
    const response = await fetch(`${base}/api/v1/rules`);
    const { data } = (await response.json()) as { data: { groups: { name: string }[] } };
    return data.groups.map(({ name }) => name);
  };
  try {
    expect(await yaml()).toContain("evaluation_interval: 7s");
    expect(context.lines.map(({ msg }) => msg)).toContain(
      `${configFile}:3: field remote_write is accepted but has no effect here`,
    );

    await writeFile(configFile, "global: { evaluation_intervall: 8s }\n");
    expect(await reload()).toEqual([
      500,
      `failed to reload config: parsing YAML file ${configFile}: yaml: unmarshal errors:\n  line 1: field evaluation_intervall not found in type config.plain; did you mean "evaluation_interval"?\n`,
    ]);
    expect(await yaml()).toContain("evaluation_interval: 7s");
    const info = (await (await fetch(`${base}/api/v1/status/runtimeinfo`)).json()) as { data: object };
    expect(info.data).toMatchObject({ reloadConfigSuccess: false });
    expect(await (await fetch(`${base}/metrics`)).text()).toContain("prometheus_config_last_reload_successful 0");

    await writeFile(configFile, "global: { evaluation_interval: 8s }\nrule_files: [rules.yml]\n");
    await writeFile(join(folder, "rules.yml"), "groups: [{ name: g, rules: [{ record: a, expr: 'vector(' }] }]\n");
    const [status, text] = await reload();
    expect([status, text]).toEqual([500, expect.stringContaining("line 1: could not parse expression: ")]);
    expect(await yaml()).toContain("evaluation_interval: 7s");

    await writeFile(join(folder, "rules.yml"), "groups: [{ name: g, rules: [{ record: a, expr: vector(1) }] }]\n");
    expect(await reload()).toEqual([200, ""]);
    expect(await yaml()).toContain("evaluation_interval: 8s");
    expect(await groups()).toEqual(["g"]);
  } finally {
    await role.close();
    await context.dispose();
  }
});

test("a wrong configuration at the start is an error and leaves nothing running", async () => {
  const configFile = join(folder, "prometheus.yml");
  await writeFile(configFile, "scrape_config: []\n");
  const context = await testContext("metrics", { metrics: { configFile } });
  await expect(start(context)).rejects.toThrow('did you mean "scrape_configs"?');
  await context.dispose();
});
