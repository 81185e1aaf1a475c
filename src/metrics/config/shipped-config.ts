import { join } from "node:path";
import { stringify } from "yaml";
import type { Config } from "../../config/schema.ts";
import type { MetricsConfig } from "./config-types.ts";
import { parseConfig } from "./load-config.ts";

const SOURCE = "the shipped configuration";

/**
 * The configuration that is used without a file of the operator's own: the gateway as job `gatewayz_staging`, one job
 * for each role whose address is known. It is written as YAML and read like any other file, so that what runs is
 * exactly what `/api/v1/status/config` shows.
 *
 * @param selfUrl where this server itself answers.
 */
export function shippedConfig(config: Config, selfUrl: string): MetricsConfig {
  const { peers, engineKey, adminApiKey } = config;
  const jobs = [
    job("gatewayz_staging", peers.gateway, { path: "/metrics", key: adminApiKey, labels: { app: "gatewayz" } }),
    // The health service's `/metrics` is JSON by contract; its text format has a path of its own.
    job("gatewayz_health", peers.health, { path: "/prometheus/metrics" }),
    job("gatewayz_metrics", selfUrl, { path: "/metrics", key: engineKey }),
    job("gatewayz_logs", peers.logs, { path: "/metrics", key: engineKey }),
    job("gatewayz_traces", peers.traces, { path: "/metrics", key: engineKey }),
    job("gatewayz_dashboards", peers.dashboards, { path: "/metrics", key: engineKey }),
  ];
  const text = stringify({
    global: { scrape_interval: "5s", scrape_timeout: "4s", evaluation_interval: "15s" },
    rule_files: [join(config.installDir, "rules", "gatewayz-*.yml")],
    scrape_configs: jobs.filter((entry) => entry !== undefined),
  });
  return parseConfig(text, SOURCE, config.installDir);
}

interface JobOptions {
  readonly path: string;
  readonly key?: string | undefined;
  readonly labels?: Record<string, string>;
}

function job(name: string, base: string | undefined, { path, key, labels }: JobOptions): object | undefined {
  if (base === undefined) return undefined;
  const url = new URL(base);
  const prefix = url.pathname === "/" ? "" : url.pathname.replace(/\/+$/, "");
  return {
    job_name: name,
    metrics_path: `${prefix}${path}`,
    scheme: url.protocol.slice(0, -1),
    ...(key === undefined ? {} : { authorization: { type: "Bearer", credentials: key } }),
    static_configs: [{ targets: [url.host], ...(labels === undefined ? {} : { labels }) }],
  };
}
