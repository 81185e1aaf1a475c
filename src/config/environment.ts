import { providerDefaults, providersFromEnvironment } from "./providers.ts";
import type { RoleName } from "./roles.ts";

type Environment = Readonly<Record<string, string | undefined>>;

/** Environment variable → dotted field. The port of a single-role start (`PORT`) and providers have rules of their own. */
const ENVIRONMENT_FIELDS: Readonly<Record<string, string>> = {
  GATEWAYZ_MODE: "mode",
  GATEWAYZ_HOST: "host",
  GATEWAYZ_DATA: "dataDir",
  GATEWAYZ_DATA_SIZE_MAX: "dataSizeMax",
  GATEWAYZ_LOG_LEVEL: "logLevel",
  GATEWAYZ_PORT_GATEWAY: "ports.gateway",
  GATEWAYZ_PORT_HEALTH: "ports.health",
  GATEWAYZ_PORT_METRICS: "ports.metrics",
  GATEWAYZ_PORT_LOGS: "ports.logs",
  GATEWAYZ_PORT_TRACES: "ports.traces",
  GATEWAYZ_PORT_OTLP_GRPC: "ports.otlpGrpc",
  GATEWAYZ_PORT_OTLP_HTTP: "ports.otlpHttp",
  GATEWAYZ_PORT_DASHBOARDS: "ports.dashboards",
  GATEWAYZ_GATEWAY_URL: "peers.gateway",
  HEALTH_SERVICE_URL: "peers.health",
  GATEWAYZ_METRICS_URL: "peers.metrics",
  GATEWAYZ_LOGS_URL: "peers.logs",
  GATEWAYZ_TRACES_URL: "peers.traces",
  GATEWAYZ_DASHBOARDS_URL: "peers.dashboards",
  GATEWAYZ_OTLP_URL: "peers.otlp",
  DATABASE_URL: "database.url",
  REDIS_URL: "redis.url",
  ADMIN_API_KEY: "adminApiKey",
  GATEWAYZ_ENGINE_KEY: "engineKey",
  GATEWAYZ_METRICS_CONFIG: "metrics.configFile",
  GATEWAYZ_METRICS_RETENTION: "metrics.retention",
  GATEWAYZ_LOGS_RETENTION: "logs.retention",
  GATEWAYZ_TRACES_RETENTION: "traces.retention",
  GATEWAYZ_DASHBOARDS_PASSWORD: "dashboards.password",
  GATEWAYZ_PROVISIONING: "dashboards.provisioningDir",
  HEALTH_CHECK_INTERVAL: "health.checkInterval",
  USE_INTELLIGENT_MONITOR: "health.intelligentMonitor",
  MEMORY_LIMIT_MB: "health.memoryLimitMb",
  GATEWAYZ_ALERT_WEBHOOK_URL: "health.alerts.webhook.url",
  GATEWAYZ_ALERT_WEBHOOK_SECRET: "health.alerts.webhook.secret",
  GATEWAYZ_ALERT_SLACK_URL: "health.alerts.slack.url",
  GATEWAYZ_ALERT_DISCORD_URL: "health.alerts.discord.url",
  GATEWAYZ_ALERT_PAGERDUTY_KEY: "health.alerts.pagerduty.routingKey",
  GATEWAYZ_ALERT_SMTP_URL: "health.alerts.email.smtpUrl",
  GATEWAYZ_ALERT_MAIL_FROM: "health.alerts.email.from",
  GATEWAYZ_ALERT_MAIL_TO: "health.alerts.email.to",
  APP_ENV: "gateway.environment",
};

/** The field of the port by which each role is reached. */
const ROLE_PORT_FIELDS: Readonly<Record<RoleName, string>> = {
  gateway: "ports.gateway",
  health: "ports.health",
  metrics: "ports.metrics",
  logs: "ports.logs",
  traces: "ports.traces",
  dashboards: "ports.dashboards",
};

export interface MergedValues {
  readonly values: Record<string, unknown>;
  /** The variable that set the field at `path`, for error messages. */
  variableOf(path: readonly string[]): string | undefined;
}

/** The file's values with the environment on top. Empty variables count as unset, as platforms set them so. */
export function applyEnvironment(
  file: Readonly<Record<string, unknown>>,
  environment: Environment,
  roles: readonly RoleName[],
): MergedValues {
  const values = structuredClone(file) as Record<string, unknown>;
  const origin = new Map<string, string>();
  const set = (field: string, value: unknown, variable: string): void => {
    if (setField(values, field.split("."), value)) origin.set(field, variable);
  };
  for (const [variable, field] of Object.entries(ENVIRONMENT_FIELDS)) {
    const text = environment[variable];
    if (text === undefined || text === "") continue;
    // The variable of the health service is in bare seconds, as its image reads it.
    set(field, variable === "HEALTH_CHECK_INTERVAL" && /^\d+$/.test(text) ? `${text}s` : text, variable);
  }
  const only = roles.length === 1 ? roles[0] : undefined;
  if (only !== undefined && environment.PORT) set(ROLE_PORT_FIELDS[only], environment.PORT, "PORT");
  for (const { name, fields } of providersFromEnvironment(environment)) {
    for (const [field, value, variable] of fields) set(`gateway.providers.${name}.${field}`, value, variable);
  }
  fillProviders(values);
  return { values, variableOf: (path) => origin.get(path.join(".")) };
}

/** Sets a nested field; false where the file has something other than a mapping on the way (the schema will say so). */
function setField(values: Record<string, unknown>, path: readonly string[], value: unknown): boolean {
  let current = values;
  for (const step of path.slice(0, -1)) {
    const next = Object.hasOwn(current, step) ? current[step] : undefined;
    if (next === undefined || next === null) current[step] = {};
    else if (typeof next !== "object" || Array.isArray(next)) return false;
    current = current[step] as Record<string, unknown>;
  }
  current[path.at(-1)!] = value;
  return true;
}

/** Type and address of the file's providers that leave them out. What is no mapping the schema will name. */
function fillProviders(values: Record<string, unknown>): void {
  const { providers } = (values["gateway"] ?? {}) as { providers?: unknown };
  if (typeof providers !== "object" || providers === null) return;
  for (const [name, given] of Object.entries(providers as Record<string, unknown>)) {
    if (typeof given === "object" && given !== null)
      Object.assign(given, providerDefaults(name, given as Record<string, unknown>));
  }
}
