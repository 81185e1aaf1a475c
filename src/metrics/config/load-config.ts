import { readFile } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { ConfigError } from "../../config/config-error.ts";
import { Labels } from "../../series/labels.ts";
import type { GlobalConfig, MetricsConfig, ScrapeConfig, ScrapeLimits, ScrapeProtocol } from "./config-types.ts";
import { resolvePath } from "./http-config.ts";
import { readLimits, readProtocols, readScrapeConfig } from "./scrape-config.ts";
import { readYaml, type YamlReader } from "./yaml-reader.ts";

const DEFAULT_INTERVAL_MS = 60_000;
const DEFAULT_TIMEOUT_MS = 10_000;
/** What Prometheus 3 asks for; the protobuf format carries nothing more while native histograms are not scraped. */
const DEFAULT_PROTOCOLS: readonly ScrapeProtocol[] = [
  "OpenMetricsText1.0.0",
  "OpenMetricsText0.0.1",
  "PrometheusText1.0.0",
  "PrometheusText0.0.4",
];
const NO_LIMITS: ScrapeLimits = {
  sampleLimit: 0,
  labelLimit: 0,
  labelNameLengthLimit: 0,
  labelValueLengthLimit: 0,
  targetLimit: 0,
  bodySizeLimit: 0,
};

/** Parts of a Prometheus 3 file that this server accepts without effect. */
const TOP_FIELDS_UNSUPPORTED = [
  "runtime",
  "alerting",
  "scrape_config_files",
  "storage",
  "tracing",
  "remote_write",
  "remote_read",
  "otlp",
];
const GLOBAL_FIELDS_UNSUPPORTED = [
  "query_log_file",
  "scrape_failure_log_file",
  "keep_dropped_targets",
  "metric_name_validation_scheme",
  "metric_name_escaping_scheme",
  "scrape_native_histograms",
  "convert_classic_histograms_to_nhcb",
  "always_scrape_classic_histograms",
  "extra_scrape_metrics",
];

/** @throws ConfigError naming the file and every wrong line. */
export async function loadConfigFile(path: string): Promise<MetricsConfig> {
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (error) {
    throw new ConfigError(`open ${path}: ${(error as Error).message}`);
  }
  return parseConfig(text, path, dirname(resolve(path)));
}

/**
 * Reads the text of a `prometheus.yml`; relative paths in it are resolved in `folder`.
 * @throws ConfigError naming `source` and every wrong line.
 */
export function parseConfig(text: string, source: string, folder: string): MetricsConfig {
  const reader = readYaml(text, source);
  const global = readGlobal(reader.mapping("global"));
  const scrapeConfigs = (reader.list("scrape_configs") ?? []).map((entry) => readScrapeConfig(entry, global, folder));
  checkJobNames(reader, scrapeConfigs);
  const ruleFiles = (reader.strings("rule_files") ?? []).map((path) => {
    if (/\*.*\//.test(path))
      reader.problems.add(reader.at("rule_files"), `invalid rule file path ${JSON.stringify(path)}`);
    return resolvePath(folder, path);
  });
  reader.finish("config.plain", TOP_FIELDS_UNSUPPORTED);
  reader.problems.throwIfAny();
  return { source, global, scrapeConfigs, ruleFiles, warnings: reader.problems.warnings };
}

function readGlobal(reader: YamlReader | undefined): GlobalConfig {
  const scrapeIntervalMs = reader?.durationMs("scrape_interval") || DEFAULT_INTERVAL_MS;
  const timeoutMs = reader?.durationMs("scrape_timeout") || undefined;
  if (timeoutMs !== undefined && timeoutMs > scrapeIntervalMs) {
    reader?.problems.add(reader.at("scrape_timeout"), "global scrape timeout greater than scrape interval");
  }
  const externalLabels = reader?.stringMap("external_labels") ?? [];
  for (const [name] of externalLabels) {
    if (!/^[a-zA-Z_][a-zA-Z0-9_]*$/.test(name)) {
      reader?.problems.add(reader.at("external_labels"), `${JSON.stringify(name)} is not a valid label name`);
    }
  }
  const global: GlobalConfig = {
    scrapeIntervalMs,
    scrapeTimeoutMs: timeoutMs ?? Math.min(DEFAULT_TIMEOUT_MS, scrapeIntervalMs),
    scrapeProtocols: (reader && readProtocols(reader)) ?? DEFAULT_PROTOCOLS,
    evaluationIntervalMs: reader?.durationMs("evaluation_interval") || DEFAULT_INTERVAL_MS,
    ruleQueryOffsetMs: reader?.durationMs("rule_query_offset") ?? 0,
    externalLabels: Labels.fromEntries(externalLabels),
    limits: reader === undefined ? NO_LIMITS : readLimits(reader, NO_LIMITS),
  };
  reader?.finish("config.plain", GLOBAL_FIELDS_UNSUPPORTED);
  return global;
}

function checkJobNames(reader: YamlReader, scrapeConfigs: readonly ScrapeConfig[]): void {
  const seen = new Set<string>();
  for (const { jobName } of scrapeConfigs) {
    if (seen.has(jobName)) {
      reader.problems.add(
        reader.at("scrape_configs"),
        `found multiple scrape configs with job name ${JSON.stringify(jobName)}`,
      );
    }
    seen.add(jobName);
  }
}
