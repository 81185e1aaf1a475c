import type { Labels } from "../../series/labels.ts";
import type { RelabelRule } from "./relabel-config.ts";

/** A text from the configuration that must never be shown, or a file that holds it (read at every use). */
export type Secret = { readonly value: string } | { readonly file: string };

/** How a scrape authenticates and secures its connection. Source: Prometheus configuration reference, `<http_config>`. */
export interface HttpClientConfig {
  readonly authorization: { readonly type: string; readonly credentials: Secret } | undefined;
  readonly basicAuth: { readonly username: Secret; readonly password: Secret | undefined } | undefined;
  readonly tls: TlsConfig;
  readonly followRedirects: boolean;
}

export interface TlsConfig {
  readonly caFile: string | undefined;
  readonly certFile: string | undefined;
  readonly keyFile: string | undefined;
  readonly serverName: string | undefined;
  readonly insecureSkipVerify: boolean;
}

/** Addresses that share labels: one entry of `static_configs`, or of a file that `file_sd_configs` names. */
export interface TargetGroup {
  readonly source: string;
  readonly targets: readonly string[];
  readonly labels: readonly (readonly [string, string])[];
}

export interface FileSdConfig {
  /** Absolute paths, the last part may hold `*`. */
  readonly files: readonly string[];
  readonly refreshIntervalMs: number;
}

/** Limits of one scrape; 0 means none. A scrape that passes one fails as a whole. */
export interface ScrapeLimits {
  readonly sampleLimit: number;
  readonly labelLimit: number;
  readonly labelNameLengthLimit: number;
  readonly labelValueLengthLimit: number;
  readonly targetLimit: number;
  /** Bytes of the uncompressed body. */
  readonly bodySizeLimit: number;
}

export const SCRAPE_PROTOCOLS = [
  "PrometheusProto",
  "OpenMetricsText0.0.1",
  "OpenMetricsText1.0.0",
  "PrometheusText0.0.4",
  "PrometheusText1.0.0",
] as const;
export type ScrapeProtocol = (typeof SCRAPE_PROTOCOLS)[number];

export interface ScrapeConfig {
  readonly jobName: string;
  readonly scrapeIntervalMs: number;
  readonly scrapeTimeoutMs: number;
  readonly scrapeProtocols: readonly ScrapeProtocol[];
  /** What to take a body for that says nothing, or something unknown, about its format. */
  readonly fallbackScrapeProtocol: ScrapeProtocol | undefined;
  readonly metricsPath: string;
  readonly scheme: "http" | "https";
  readonly params: readonly (readonly [string, readonly string[]])[];
  readonly honorLabels: boolean;
  readonly honorTimestamps: boolean;
  readonly enableCompression: boolean;
  readonly staticConfigs: readonly TargetGroup[];
  readonly fileSdConfigs: readonly FileSdConfig[];
  readonly http: HttpClientConfig;
  readonly relabelRules: readonly RelabelRule[];
  readonly metricRelabelRules: readonly RelabelRule[];
  readonly limits: ScrapeLimits;
}

export interface GlobalConfig {
  readonly scrapeIntervalMs: number;
  readonly scrapeTimeoutMs: number;
  readonly scrapeProtocols: readonly ScrapeProtocol[];
  readonly evaluationIntervalMs: number;
  readonly ruleQueryOffsetMs: number;
  readonly externalLabels: Labels;
  readonly limits: ScrapeLimits;
}

/** An effective `prometheus.yml`: defaults filled in, paths absolute. */
export interface MetricsConfig {
  /** File it came from, or what to call it in messages. */
  readonly source: string;
  readonly global: GlobalConfig;
  readonly scrapeConfigs: readonly ScrapeConfig[];
  /** Absolute globs; only the last part of a path may hold `*`, as in Prometheus. */
  readonly ruleFiles: readonly string[];
  /** One line for each field that Prometheus knows and this server does not act on. */
  readonly warnings: readonly string[];
}
