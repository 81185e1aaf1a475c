import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import type { RoleContext } from "../runtime/role.ts";

/** A data source as Grafana's HTTP API shows it, plus what the proxy needs and nobody may see. */
export interface DataSource {
  readonly id: number;
  readonly uid: string;
  readonly name: string;
  /** Grafana's plugin id: prometheus, loki, tempo. */
  readonly type: string;
  readonly url: string;
  readonly isDefault: boolean;
  readonly jsonData: Readonly<Record<string, unknown>>;
  /** Headers that the proxy adds; never part of an answer. */
  readonly secretHeaders: Readonly<Record<string, string>>;
}

/** Uids that existing GatewayZ dashboards use. Mimir is a second source on our metrics. */
function builtIn(context: RoleContext): DataSource[] {
  const { peers, engineKey } = context.config;
  const secretHeaders: Record<string, string> = engineKey === undefined ? {} : { authorization: `Bearer ${engineKey}` };
  const traceFromLine = {
    name: "TraceID",
    matcherRegex: '"trace_id":\\s*"([0-9a-f]{32})"',
    datasourceUid: "grafana_tempo",
    // biome-ignore lint/suspicious/noTemplateCurlyInString: Grafana's own placeholder
    url: "${__value.raw}",
  };
  const rows: {
    uid: string;
    name: string;
    type: string;
    url: string | undefined;
    jsonData: Record<string, unknown>;
  }[] = [
    {
      uid: "grafana_prometheus",
      name: "Prometheus",
      type: "prometheus",
      url: peers.metrics,
      jsonData: {
        httpMethod: "POST",
        timeInterval: "5s",
        exemplarTraceIdDestinations: [{ name: "trace_id", datasourceUid: "grafana_tempo" }],
      },
    },
    {
      uid: "grafana_mimir",
      name: "Mimir",
      type: "prometheus",
      url: peers.metrics,
      jsonData: { httpMethod: "POST", timeInterval: "5s" },
    },
    {
      uid: "grafana_loki",
      name: "Loki",
      type: "loki",
      url: peers.logs,
      jsonData: { maxLines: 1000, derivedFields: [traceFromLine] },
    },
    {
      uid: "grafana_tempo",
      name: "Tempo",
      type: "tempo",
      url: peers.traces,
      jsonData: {
        tracesToLogsV2: { datasourceUid: "grafana_loki", filterByTraceID: true },
        serviceMap: { datasourceUid: "grafana_prometheus" },
      },
    },
  ];
  return rows.flatMap((row, index) =>
    row.url === undefined ? [] : [{ ...row, id: index + 1, url: row.url, isDefault: index === 0, secretHeaders }],
  );
}

interface ProvisionedSource {
  name?: unknown;
  type?: unknown;
  uid?: unknown;
  url?: unknown;
  isDefault?: unknown;
  basicAuth?: unknown;
  basicAuthUser?: unknown;
  jsonData?: Record<string, unknown>;
  secureJsonData?: Record<string, unknown>;
}

/**
 * The built-in sources, replaced or joined by those of `provisioningDir/datasources/*.yaml` (Grafana's own format; a
 * source of the same uid or name replaces ours). A file that cannot be used is logged and left out.
 */
export function loadDataSources(context: RoleContext, environment: NodeJS.ProcessEnv): DataSource[] {
  const sources = builtIn(context);
  const folder = context.config.dashboards.provisioningDir;
  if (folder === undefined) return sources;
  for (const file of yamlFiles(join(folder, "datasources"))) {
    try {
      const content = parse(expandVariables(readFileSync(file, "utf8"), environment)) as {
        datasources?: ProvisionedSource[];
      } | null;
      for (const entry of content?.datasources ?? []) place(sources, fromProvisioning(entry, sources.length + 1));
    } catch (error) {
      context.logger.error({ file, error: (error as Error).message }, "data source provisioning file cannot be used");
    }
  }
  return sources;
}

export function yamlFiles(folder: string): string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .filter((name) => /\.ya?ml$/.test(name))
    .sort()
    .map((name) => join(folder, name));
}

/** `$NAME` and `${NAME}` from the environment, `$$` for a dollar sign, as Grafana's provisioning does. */
function expandVariables(text: string, environment: NodeJS.ProcessEnv): string {
  return text.replace(/\$\$|\$\{(\w+)\}|\$(\w+)/g, (whole, braced?: string, bare?: string) =>
    whole === "$$" ? "$" : (environment[braced ?? bare ?? ""] ?? ""),
  );
}

function fromProvisioning(entry: ProvisionedSource, id: number): DataSource {
  for (const field of ["name", "type", "url"] as const) {
    if (typeof entry[field] !== "string" || entry[field] === "") throw new Error(`a data source lacks "${field}"`);
  }
  const url = String(entry.url).replace(/\/+$/, "");
  if (!/^https?:\/\//.test(url))
    throw new Error(`data source ${String(entry.name)}: url must start with http:// or https://`);
  const name = String(entry.name);
  return {
    id,
    uid:
      typeof entry.uid === "string" && entry.uid !== "" ? entry.uid : name.toLowerCase().replace(/[^a-z0-9_-]+/g, "-"),
    name,
    type: String(entry.type),
    url,
    isDefault: entry.isDefault === true,
    jsonData: entry.jsonData ?? {},
    secretHeaders: secretHeaders(entry),
  };
}

function secretHeaders(entry: ProvisionedSource): Record<string, string> {
  const headers: Record<string, string> = {};
  const secrets = entry.secureJsonData ?? {};
  if (entry.basicAuth === true) {
    const pair = `${String(entry.basicAuthUser ?? "")}:${String(secrets["basicAuthPassword"] ?? "")}`;
    headers["authorization"] = `Basic ${Buffer.from(pair).toString("base64")}`;
  }
  for (const [field, name] of Object.entries(entry.jsonData ?? {})) {
    const number = /^httpHeaderName(\d+)$/.exec(field)?.[1];
    const value = secrets[`httpHeaderValue${number}`];
    if (number !== undefined && typeof name === "string" && typeof value === "string")
      headers[name.toLowerCase()] = value;
  }
  return headers;
}

function place(sources: DataSource[], source: DataSource): void {
  const index = sources.findIndex((other) => other.uid === source.uid || other.name === source.name);
  if (index >= 0) sources[index] = { ...source, id: sources[index]!.id };
  else sources.push(source);
  if (source.isDefault) {
    for (const [at, other] of sources.entries()) {
      if (other.uid !== source.uid && other.isDefault) sources[at] = { ...other, isDefault: false };
    }
  }
}

/** By uid, then by name: real dashboards use both. */
export function findDataSource(sources: readonly DataSource[], reference: string): DataSource | undefined {
  return sources.find((source) => source.uid === reference) ?? sources.find((source) => source.name === reference);
}

/** Grafana's JSON of a data source (`GET /api/datasources`). */
export function dataSourceJson(source: DataSource): Record<string, unknown> {
  return {
    id: source.id,
    uid: source.uid,
    orgId: 1,
    name: source.name,
    type: source.type,
    typeName: source.type.charAt(0).toUpperCase() + source.type.slice(1),
    typeLogoUrl: "",
    access: "proxy",
    url: source.url,
    user: "",
    database: "",
    basicAuth: false,
    isDefault: source.isDefault,
    jsonData: source.jsonData,
    readOnly: true,
  };
}
