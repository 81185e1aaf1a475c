import { describe, expect, test } from "vitest";
import { testContext } from "../../runtime/testing.ts";
import { parseConfig } from "./load-config.ts";
import { printConfig } from "./print-config.ts";
import { shippedConfig } from "./shipped-config.ts";

const REAL = `
global:
  scrape_interval: 15s
  evaluation_interval: 30s
  external_labels: { cluster: 'gatewayz', region: eu }
rule_files:
  - rules/*.yml
  - /abs/alerts.yml
alerting:
  alertmanagers: []
scrape_configs:
  - job_name: gatewayz_production
    scheme: https
    metrics_path: '/metrics'
    scrape_interval: 1m
    scrape_timeout: 20s
    honor_labels: true
    params: { 'match[]': ['a', 'b'], module: [http] }
    authorization:
      type: Bearer
      credentials: canary-credentials
    static_configs:
      - targets: ['api.example.com']
        labels: { env: production, version: 1.10 }
    relabel_configs:
      - source_labels: [__address__]
        target_label: instance
        replacement: api
      - action: LabelDrop
        regex: tmp_.*
    metric_relabel_configs: []
    sample_limit: 5000
    body_size_limit: 10MB
  - job_name: node
    basic_auth: { username: u, password: canary-password }
    tls_config: { insecure_skip_verify: true, ca_file: ca.pem }
    static_configs: [{ targets: [localhost:9100] }]
`;

describe("a real prometheus.yml", () => {
  const config = parseConfig(REAL, "prometheus.yml", "/etc/prometheus");

  test("is read with defaults filled in and paths made absolute", () => {
    expect(config.global).toMatchObject({
      scrapeIntervalMs: 15_000,
      scrapeTimeoutMs: 10_000,
      evaluationIntervalMs: 30_000,
    });
    expect(config.global.externalLabels.toRecord()).toEqual({ cluster: "gatewayz", region: "eu" });
    expect(config.ruleFiles).toEqual(["/etc/prometheus/rules/*.yml", "/abs/alerts.yml"]);
    const [production, node] = config.scrapeConfigs;
    expect(production).toMatchObject({
      jobName: "gatewayz_production",
      scheme: "https",
      scrapeIntervalMs: 60_000,
      scrapeTimeoutMs: 20_000,
      honorLabels: true,
      honorTimestamps: true,
      params: [
        ["match[]", ["a", "b"]],
        ["module", ["http"]],
      ],
      limits: { sampleLimit: 5_000, bodySizeLimit: 10 * 1024 * 1024 },
    });
    expect(production!.staticConfigs[0]!.labels).toEqual([
      ["env", "production"],
      ["version", "1.10"],
    ]);
    expect(production!.relabelRules.map(({ action }) => action)).toEqual(["replace", "labeldrop"]);
    expect(node!.http.tls).toMatchObject({ insecureSkipVerify: true, caFile: "/etc/prometheus/ca.pem" });
    expect(node).toMatchObject({ scrapeIntervalMs: 15_000, scrapeTimeoutMs: 10_000 });
  });

  test("warns once of what it accepts without effect", () => {
    expect(config.warnings).toEqual(["prometheus.yml:9: field alerting is accepted but has no effect here"]);
  });

  test("is printed without secrets, and what is printed is read back", () => {
    const printed = printConfig(config);
    expect(printed).not.toContain("canary");
    expect(printed).toContain("credentials: <secret>");
    expect(printed).toContain("password: <secret>");
    const again = parseConfig(printed, "printed", "/etc/prometheus");
    expect(printConfig(again)).toBe(printed);
  });
});

describe("what is wrong is named with its line", () => {
  const job = (body: string): string => `scrape_configs:\n  - job_name: a\n${body}`;
  const bad = [
    {
      name: "unknown field with the nearest name",
      text: "global:\n  scrape_intervall: 5s\n",
      error: 'line 2: field scrape_intervall not found in type config.plain; did you mean "scrape_interval"?',
    },
    {
      name: "unknown field far from all",
      text: "zzzzzzzzzz: 1\n",
      error: "line 1: field zzzzzzzzzz not found in type config.plain",
    },
    {
      name: "no duration",
      text: "global: { scrape_interval: 5 s }\n",
      error: 'line 1: not a valid duration string: "5 s"',
    },
    { name: "no YAML", text: "global:\n  a: b: c\n", error: "yaml: line 2" },
    { name: "a list for a mapping", text: "global: [1]\n", error: "line 1: cannot unmarshal !!seq into a mapping" },
    {
      name: "text for a number",
      text: job("    sample_limit: many\n"),
      error: "line 3: cannot unmarshal !!str `many` into uint",
    },
    { name: "no job name", text: "scrape_configs:\n  - scheme: http\n", error: "line 2: job_name is empty" },
    {
      name: "two jobs of one name",
      text: "scrape_configs:\n  - job_name: a\n  - job_name: a\n",
      error: 'found multiple scrape configs with job name "a"',
    },
    {
      name: "timeout above interval",
      text: job("    scrape_interval: 5s\n    scrape_timeout: 6s\n"),
      error: 'line 4: scrape timeout greater than scrape interval for scrape config with job name "a"',
    },
    {
      name: "bad pattern",
      text: job("    relabel_configs:\n      - regex: 'a(b'\n        target_label: x\n"),
      error: "line 4: error parsing regexp: missing closing )",
    },
    {
      name: "unknown relabel action",
      text: job("    relabel_configs:\n      - action: rename\n"),
      error: 'line 4: unknown relabel action "rename"',
    },
    {
      name: "hashmod without modulus",
      text: job("    relabel_configs:\n      - { action: hashmod, target_label: x }\n"),
      error: "relabel configuration for hashmod requires non-zero modulus",
    },
    {
      name: "target with a path",
      text: job("    static_configs:\n      - targets: ['http://x']\n"),
      error: '"http://x" is not a valid hostname',
    },
    {
      name: "two ways to authenticate",
      text: job("    authorization: { credentials: x }\n    basic_auth: { username: y }\n"),
      error: "at most one of basic_auth, oauth2 & authorization must be configured",
    },
    {
      name: "field of a section",
      text: job("    tls_config:\n      ca_fil: x\n"),
      error: 'line 4: field ca_fil not found in type config.plain; did you mean "ca_file"?',
    },
  ];
  for (const { name, text, error } of bad) {
    test(name, () => expect(() => parseConfig(text, "prometheus.yml", "/")).toThrow(error));
  }

  test("several mistakes at once, in the order of the file", () => {
    expect(() => parseConfig("b: 1\nglobal: { a: 1 }\n", "prometheus.yml", "/")).toThrow(
      /parsing YAML file prometheus.yml: yaml: unmarshal errors:\n {2}line 1: field b .*\n {2}line 2: field a /,
    );
  });
});

test("the shipped configuration scrapes the peers that are known, with their keys", async () => {
  const context = await testContext("metrics", {
    peers: { gateway: "https://gw.example.com/prefix", logs: "http://127.0.0.1:3100" },
    engineKey: "engine-key-0123456789",
  });
  const config = shippedConfig(context.config, "http://127.0.0.1:9090");
  expect(config.scrapeConfigs.map(({ jobName }) => jobName)).toEqual([
    "gatewayz_staging",
    "gatewayz_metrics",
    "gatewayz_logs",
  ]);
  expect(config.scrapeConfigs[0]).toMatchObject({
    scheme: "https",
    metricsPath: "/prefix/metrics",
    scrapeIntervalMs: 5_000,
    http: { authorization: { type: "Bearer", credentials: { value: context.config.adminApiKey } } },
    staticConfigs: [{ targets: ["gw.example.com"], labels: [["app", "gatewayz"]] }],
  });
  expect(config.scrapeConfigs[2]!.http.authorization?.credentials).toEqual({ value: "engine-key-0123456789" });
  expect(printConfig(config)).not.toContain(context.config.adminApiKey);
  expect(printConfig(config)).not.toContain("engine-key");
  await context.dispose();
});
