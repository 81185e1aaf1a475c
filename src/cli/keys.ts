import { loadConfig } from "../config/load.ts";
import { ROLE_NAMES } from "../config/roles.ts";
import { withPeers } from "../config/topology.ts";
import {
  AdminApi,
  AdminRefused,
  createKey,
  GatewayUnreachable,
  type KeyFilter,
  type ListedKey,
  listKeys,
  readUsage,
  readUsageCsv,
  revokeKey,
  type UsageQuery,
  type UsageReport,
} from "../operations/keys/index.ts";
import { installDir } from "./install-dir.ts";
import { textTable } from "./text-table.ts";

/** The gateway said no, or there is no key to ask it with. */
const EXIT_REFUSED = 1;
/** No gateway answers. */
const EXIT_UNREACHABLE = 2;

export interface GatewayOptions {
  readonly config?: string;
  /** Address of the gateway; the configured one without it. */
  readonly gateway?: string;
  readonly json: boolean;
}

export interface CreateOptions extends GatewayOptions {
  readonly kind?: string;
  readonly tier?: string;
  readonly team?: string;
  readonly owner?: string;
  readonly model?: string[];
  readonly provider?: string[];
  readonly tag?: string[];
  readonly expires?: string;
  readonly dayUsd?: string;
  readonly monthUsd?: string;
  readonly requestsPerMinute?: string;
  readonly tokensPerMinute?: string;
}

/** `gatewayz keys create NAME`: prints the key, which is shown this once. Resolves with the exit code. */
export function create(name: string, options: CreateOptions): Promise<number> {
  const { kind, tier, team, owner, model, provider, tag, expires, dayUsd, monthUsd } = options;
  return run(options, async (api) => {
    const made = await createKey(
      api,
      given({
        name,
        kind,
        tier,
        team,
        owner,
        allowedModels: model,
        allowedProviders: provider,
        tags: tag,
        expiresAt: expires,
        budget: given({ dayUsd: numberOf(dayUsd), monthUsd: numberOf(monthUsd) }),
        limits: given({
          requestsPerMinute: numberOf(options.requestsPerMinute),
          tokensPerMinute: numberOf(options.tokensPerMinute),
        }),
      }),
    );
    if (options.json) return json(made);
    // The key alone goes to the output, so that it can be caught; the words around it do not.
    process.stderr.write(`${made.id} (${made.name}). Keep the key: it is shown this once.\n`);
    return `${made.key}\n`;
  });
}

/** `gatewayz keys list`. */
export function list(filter: KeyFilter, options: GatewayOptions): Promise<number> {
  return run(options, async (api) => {
    const keys = await listKeys(api, filter);
    return options.json ? json(keys) : keyTable(keys);
  });
}

/** `gatewayz keys revoke ID`. */
export function revoke(id: string, options: GatewayOptions): Promise<number> {
  return run(options, async (api) => {
    const key = await revokeKey(api, id);
    return options.json ? json(key) : `${key.id} (${key.name}) is revoked.\n`;
  });
}

/** `gatewayz keys usage [ID]`. */
export function usage(query: UsageQuery, options: GatewayOptions & { readonly csv: boolean }): Promise<number> {
  return run(options, async (api) => {
    if (options.csv) return readUsageCsv(api, query);
    const report = await readUsage(api, query);
    return options.json ? json(report) : usageTable(report);
  });
}

async function run(options: GatewayOptions, work: (api: AdminApi) => Promise<string>): Promise<number> {
  try {
    process.stdout.write(await work(apiOf(options)));
    return 0;
  } catch (error) {
    if (!(error instanceof AdminRefused || error instanceof GatewayUnreachable)) throw error;
    process.stderr.write(`gatewayz: ${error.message}\n`);
    return error instanceof AdminRefused ? EXIT_REFUSED : EXIT_UNREACHABLE;
  }
}

function apiOf({ config: configFile, gateway }: GatewayOptions): AdminApi {
  const { config } = loadConfig({
    ...(configFile !== undefined && { configFile }),
    environment: process.env,
    workingDir: process.cwd(),
    installDir: installDir(),
    roles: ROLE_NAMES,
    readOnly: true,
  });
  if (config.adminApiKey === "") {
    throw new AdminRefused(
      `no admin key: set ADMIN_API_KEY, or GATEWAYZ_DATA where ${config.dataDir} is not the gateway's`,
    );
  }
  return new AdminApi(gateway ?? withPeers(config, ROLE_NAMES).peers.gateway!, config.adminApiKey);
}

function given(fields: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}

/** What is no number goes as it is, so that the gateway's own sentence says what is wrong with it. */
function numberOf(text: string | undefined): number | string | undefined {
  if (text === undefined) return undefined;
  const value = Number(text);
  return text.trim() === "" || Number.isNaN(value) ? text : value;
}

function json(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}

function keyTable(keys: readonly ListedKey[]): string {
  if (keys.length === 0) return "No keys.\n";
  const rows = keys.map((key) => [
    key.id,
    key.name,
    key.hint,
    key.expired ? "expired" : key.status,
    key.tier,
    key.team ?? "",
    key.budget.dayUsd === undefined ? "" : `$${key.budget.dayUsd}`,
    key.budget.monthUsd === undefined ? "" : `$${key.budget.monthUsd}`,
    key.lastUsedAt?.slice(0, 16).replace("T", " ") ?? "never",
  ]);
  return textTable(["ID", "Name", "Key", "Status", "Tier", "Team", "Day", "Month", "Last used (UTC)"], rows);
}

function usageTable({ data, group_by, bucket, truncated }: UsageReport): string {
  if (data.length === 0) return "No usage.\n";
  const start = bucket === "all" ? [] : ["start"];
  const columns = [...start, ...group_by, "requests", "errors", "input_tokens", "output_tokens", "cost_usd"];
  const rows = data.map((row) =>
    columns.map((column) => {
      const value = row[column] ?? "";
      if (column === "start") return String(value).slice(0, bucket === "day" ? 10 : 16);
      return column === "cost_usd" ? `$${Number(value).toFixed(6)}` : String(value);
    }),
  );
  const numeric = new Set(["requests", "errors", "input_tokens", "output_tokens", "cost_usd"]);
  const table = textTable(
    columns.map((column) => column.replaceAll("_", " ")),
    rows,
    columns.map((column) => numeric.has(column)),
  );
  return truncated ? `${table}There is more; ask for less with --from, --bucket or --group-by.\n` : table;
}
