import {
  type FileSdConfig,
  type GlobalConfig,
  SCRAPE_PROTOCOLS,
  type ScrapeConfig,
  type ScrapeLimits,
  type ScrapeProtocol,
  type TargetGroup,
} from "./config-types.ts";
import { HTTP_FIELDS_UNSUPPORTED, readHttpConfig, resolvePath } from "./http-config.ts";
import { readRelabelRules } from "./relabel-config.ts";
import { parseSizeBytes } from "./size.ts";
import type { YamlReader } from "./yaml-reader.ts";

const FILE_SD_REFRESH_MS = 5 * 60_000;

/** Service discovery of Prometheus 3 that this server accepts without effect. */
const SD_FIELDS_UNSUPPORTED = [
  "azure",
  "consul",
  "digitalocean",
  "docker",
  "dockerswarm",
  "dns",
  "ec2",
  "eureka",
  "gce",
  "hetzner",
  "http",
  "ionos",
  "kubernetes",
  "kuma",
  "lightsail",
  "linode",
  "marathon",
  "nerve",
  "nomad",
  "openstack",
  "ovhcloud",
  "puppetdb",
  "scaleway",
  "serverset",
  "stackit",
  "triton",
  "uyuni",
  "vultr",
].map((name) => `${name}_sd_configs`);

const SCRAPE_FIELDS_UNSUPPORTED = [
  ...SD_FIELDS_UNSUPPORTED,
  ...HTTP_FIELDS_UNSUPPORTED,
  "track_timestamps_staleness",
  "scrape_classic_histograms",
  "always_scrape_classic_histograms",
  "scrape_native_histograms",
  "convert_classic_histograms_to_nhcb",
  "native_histogram_bucket_limit",
  "native_histogram_min_bucket_factor",
  "keep_dropped_targets",
  "metric_name_validation_scheme",
  "metric_name_escaping_scheme",
  "scrape_failure_log_file",
  "extra_scrape_metrics",
];

/** Reads one entry of `scrape_configs`; what is wrong goes to the reader's problems. */
export function readScrapeConfig(reader: YamlReader, global: GlobalConfig, folder: string): ScrapeConfig {
  const jobName = reader.string("job_name") ?? "";
  if (jobName === "") reader.problems.add(reader.node, "job_name is empty");
  const scrapeIntervalMs = reader.durationMs("scrape_interval") || global.scrapeIntervalMs;
  const timeoutMs = reader.durationMs("scrape_timeout") || undefined;
  if (timeoutMs !== undefined && timeoutMs > scrapeIntervalMs) {
    reader.problems.add(
      reader.at("scrape_timeout"),
      `scrape timeout greater than scrape interval for scrape config with job name ${JSON.stringify(jobName)}`,
    );
  }
  const config: ScrapeConfig = {
    jobName,
    scrapeIntervalMs,
    scrapeTimeoutMs: timeoutMs ?? Math.min(global.scrapeTimeoutMs, scrapeIntervalMs),
    scrapeProtocols: readProtocols(reader) ?? global.scrapeProtocols,
    fallbackScrapeProtocol: readFallback(reader),
    metricsPath: reader.string("metrics_path") ?? "/metrics",
    scheme: readScheme(reader),
    params: reader.stringListMap("params") ?? [],
    honorLabels: reader.boolean("honor_labels") ?? false,
    honorTimestamps: reader.boolean("honor_timestamps") ?? true,
    enableCompression: reader.boolean("enable_compression") ?? true,
    staticConfigs: readStaticConfigs(reader),
    fileSdConfigs: readFileSd(reader, folder),
    http: readHttpConfig(reader, folder),
    relabelRules: readRelabelRules(reader, "relabel_configs"),
    metricRelabelRules: readRelabelRules(reader, "metric_relabel_configs"),
    limits: readLimits(reader, global.limits),
  };
  reader.finish("config.plain", SCRAPE_FIELDS_UNSUPPORTED);
  return config;
}

/** The limits of a scrape; absent ones, and 0, are taken from `fallback`. */
export function readLimits(reader: YamlReader, fallback: ScrapeLimits): ScrapeLimits {
  const size = reader.string("body_size_limit");
  const bodySizeLimit = size === undefined ? undefined : parseSizeBytes(size);
  if (size !== undefined && bodySizeLimit === undefined) {
    reader.problems.add(reader.at("body_size_limit"), `units: unknown unit in ${JSON.stringify(size)}`);
  }
  return {
    sampleLimit: reader.count("sample_limit") || fallback.sampleLimit,
    labelLimit: reader.count("label_limit") || fallback.labelLimit,
    labelNameLengthLimit: reader.count("label_name_length_limit") || fallback.labelNameLengthLimit,
    labelValueLengthLimit: reader.count("label_value_length_limit") || fallback.labelValueLengthLimit,
    targetLimit: reader.count("target_limit") || fallback.targetLimit,
    bodySizeLimit: bodySizeLimit || fallback.bodySizeLimit,
  };
}

/** The formats to ask for, in order; undefined when the field is absent. */
export function readProtocols(reader: YamlReader): ScrapeProtocol[] | undefined {
  const names = reader.strings("scrape_protocols");
  return names?.flatMap((name) => {
    if (isProtocol(name)) return [name];
    reader.problems.add(
      reader.at("scrape_protocols"),
      `unknown scrape protocol ${name}, supported: [${SCRAPE_PROTOCOLS.join(" ")}]`,
    );
    return [];
  });
}

function readFallback(reader: YamlReader): ScrapeProtocol | undefined {
  const name = reader.string("fallback_scrape_protocol");
  if (name === undefined || isProtocol(name)) return name;
  reader.problems.add(
    reader.at("fallback_scrape_protocol"),
    `invalid fallback_scrape_protocol: unknown scrape protocol ${name}, supported: [${SCRAPE_PROTOCOLS.join(" ")}]`,
  );
  return undefined;
}

function isProtocol(name: string): name is ScrapeProtocol {
  return (SCRAPE_PROTOCOLS as readonly string[]).includes(name);
}

function readScheme(reader: YamlReader): "http" | "https" {
  const scheme = reader.string("scheme") ?? "http";
  if (scheme === "http" || scheme === "https") return scheme;
  reader.problems.add(reader.at("scheme"), `invalid scheme: ${JSON.stringify(scheme)}; use http or https`);
  return "http";
}

function readStaticConfigs(reader: YamlReader): TargetGroup[] {
  return (reader.list("static_configs") ?? []).map((group, index) => {
    const targets = group.strings("targets") ?? [];
    for (const target of targets) {
      if (target.includes("/")) group.problems.add(group.at("targets"), `"${target}" is not a valid hostname`);
    }
    const labels = group.stringMap("labels") ?? [];
    group.finish("struct");
    return { source: String(index), targets, labels };
  });
}

function readFileSd(reader: YamlReader, folder: string): FileSdConfig[] {
  return (reader.list("file_sd_configs") ?? []).map((section) => {
    const files = section.strings("files") ?? [];
    for (const file of files) {
      if (!/^[^*]*(\*[^/]*)?\.(json|yml|yaml|JSON|YML|YAML)$/.test(file)) {
        section.problems.add(section.at("files"), `path name ${JSON.stringify(file)} is not valid for file discovery`);
      }
    }
    const refreshIntervalMs = section.durationMs("refresh_interval") || FILE_SD_REFRESH_MS;
    section.finish("file.plain");
    return { files: files.map((file) => resolvePath(folder, file)), refreshIntervalMs };
  });
}
