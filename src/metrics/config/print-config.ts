import { stringify } from "yaml";
import type {
  GlobalConfig,
  HttpClientConfig,
  MetricsConfig,
  ScrapeConfig,
  ScrapeLimits,
  Secret,
} from "./config-types.ts";
import { formatDuration } from "./format-duration.ts";
import type { RelabelRule } from "./relabel-config.ts";

const HIDDEN = "<secret>";

/** The effective configuration as YAML, in Prometheus' field order, every secret shown as `<secret>`. */
export function printConfig(config: MetricsConfig): string {
  return stringify(
    defined({
      global: globalFields(config.global),
      rule_files: config.ruleFiles.length === 0 ? undefined : config.ruleFiles,
      scrape_configs: config.scrapeConfigs.map(scrapeFields),
    }),
    { lineWidth: 0, aliasDuplicateObjects: false },
  );
}

function globalFields(global: GlobalConfig): object {
  return defined({
    scrape_interval: formatDuration(global.scrapeIntervalMs),
    scrape_timeout: formatDuration(global.scrapeTimeoutMs),
    scrape_protocols: global.scrapeProtocols,
    evaluation_interval: formatDuration(global.evaluationIntervalMs),
    rule_query_offset: global.ruleQueryOffsetMs === 0 ? undefined : formatDuration(global.ruleQueryOffsetMs),
    external_labels: global.externalLabels.size === 0 ? undefined : global.externalLabels.toRecord(),
    ...limitFields(global.limits),
  });
}

function scrapeFields(scrape: ScrapeConfig): object {
  return defined({
    job_name: scrape.jobName,
    honor_labels: scrape.honorLabels || undefined,
    honor_timestamps: scrape.honorTimestamps,
    params: scrape.params.length === 0 ? undefined : Object.fromEntries(scrape.params),
    scrape_interval: formatDuration(scrape.scrapeIntervalMs),
    scrape_timeout: formatDuration(scrape.scrapeTimeoutMs),
    scrape_protocols: scrape.scrapeProtocols,
    fallback_scrape_protocol: scrape.fallbackScrapeProtocol,
    metrics_path: scrape.metricsPath,
    scheme: scrape.scheme,
    enable_compression: scrape.enableCompression,
    ...limitFields(scrape.limits),
    ...httpFields(scrape.http),
    relabel_configs: listOrNothing(scrape.relabelRules.map(relabelFields)),
    metric_relabel_configs: listOrNothing(scrape.metricRelabelRules.map(relabelFields)),
    static_configs: listOrNothing(
      scrape.staticConfigs.map(({ targets, labels }) =>
        defined({ targets, labels: labels.length === 0 ? undefined : Object.fromEntries(labels) }),
      ),
    ),
    file_sd_configs: listOrNothing(
      scrape.fileSdConfigs.map(({ files, refreshIntervalMs }) => ({
        files,
        refresh_interval: formatDuration(refreshIntervalMs),
      })),
    ),
  });
}

function limitFields(limits: ScrapeLimits): Record<string, unknown> {
  return {
    body_size_limit: limits.bodySizeLimit === 0 ? undefined : `${limits.bodySizeLimit}B`,
    sample_limit: limits.sampleLimit || undefined,
    label_limit: limits.labelLimit || undefined,
    label_name_length_limit: limits.labelNameLengthLimit || undefined,
    label_value_length_limit: limits.labelValueLengthLimit || undefined,
    target_limit: limits.targetLimit || undefined,
  };
}

function httpFields({ authorization, basicAuth, tls, followRedirects }: HttpClientConfig): Record<string, unknown> {
  const anyTls = tls.caFile ?? tls.certFile ?? tls.keyFile ?? tls.serverName ?? (tls.insecureSkipVerify || undefined);
  return {
    authorization: authorization && {
      type: authorization.type,
      ...secretFields("credentials", authorization.credentials),
    },
    basic_auth: basicAuth && {
      ...("value" in basicAuth.username
        ? { username: basicAuth.username.value }
        : secretFields("username", basicAuth.username)),
      ...(basicAuth.password && secretFields("password", basicAuth.password)),
    },
    tls_config:
      anyTls === undefined
        ? undefined
        : defined({
            ca_file: tls.caFile,
            cert_file: tls.certFile,
            key_file: tls.keyFile,
            server_name: tls.serverName,
            insecure_skip_verify: tls.insecureSkipVerify,
          }),
    follow_redirects: followRedirects,
  };
}

function secretFields(name: string, secret: Secret): Record<string, string> {
  return "file" in secret ? { [`${name}_file`]: secret.file } : { [name]: HIDDEN };
}

function relabelFields(rule: RelabelRule): object {
  return defined({
    source_labels: listOrNothing(rule.sourceLabels),
    separator: rule.separator,
    regex: rule.regex.pattern,
    modulus: rule.modulus || undefined,
    target_label: rule.targetLabel || undefined,
    replacement: rule.replacement,
    action: rule.action,
  });
}

function listOrNothing<Item>(list: readonly Item[]): readonly Item[] | undefined {
  return list.length === 0 ? undefined : list;
}

function defined(fields: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}
