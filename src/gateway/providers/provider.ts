import type { ProviderType } from "../../config/provider-schema.ts";
import type { Config } from "../../config/schema.ts";
import { guardedLookup, OutboundRefused, refusedLiteral } from "../../runtime/outbound-guard.ts";
import { ERROR_TEXT_CHARS_MAX, POOL_CONNECTIONS_DEFAULT, POOL_IDLE_MS, UPSTREAM_HEADER_BYTES_MAX } from "../limits.ts";
import { credentialsOf } from "./credential.ts";
import { wireOf } from "./formats/table.ts";
import { ProviderPool } from "./provider-pool.ts";
import { type Quirks, quirksOf } from "./quirks.ts";
import type { Wire } from "./wire.ts";

export type ProviderConfig = Pick<Config["gateway"]["providers"][string], "baseUrl"> &
  Partial<Config["gateway"]["providers"][string]>;

/** A provider that is switched on. Requests go only to its configured address; redirects are not followed. */
export interface Provider {
  readonly name: string;
  readonly type: ProviderType;
  /** Path in front of the format's own paths, without a slash at the end. */
  readonly basePath: string;
  /** Base URL without credentials, for records. */
  readonly displayUrl: string;
  /** What calls authenticate with; at least one. */
  readonly credentials: ReturnType<typeof credentialsOf>;
  readonly quirks: Quirks;
  /** Ids from the configuration; empty means ask the provider. */
  readonly configuredModels: readonly string[];
  readonly simulated: boolean;
  /** The configuration's own headers. */
  readonly headers: Readonly<Record<string, string>>;
  /** Limits that differ from the gateway's. */
  readonly timeouts: Partial<NonNullable<ProviderConfig["timeouts"]>>;
  readonly options: {
    readonly apiVersion: string | undefined;
    readonly deployments: Readonly<Record<string, string>>;
    readonly region: string | undefined;
    readonly project: string | undefined;
  };
  readonly pool: ProviderPool;
  /** Most connections of the pool. */
  readonly connections: number;
  /** How it is spoken to about this model. */
  wire(model: string): Wire;
}

/**
 * Opens the connection pool (no connection is made yet). Addresses are checked at each connect.
 * @param connectMs Limit for TCP and TLS together.
 * @param trusted False where the address is not the operator's own file's: then only `allowPrivate` opens private ranges.
 * @throws OutboundRefused for a base URL that names a link-local or metadata address.
 */
export function createProvider(
  name: string,
  config: ProviderConfig,
  connectMs: number,
  simulated: boolean,
  trusted = true,
): Provider {
  const url = new URL(config.baseUrl);
  const reach = { allowPrivate: config.allowPrivate === true, ...(trusted && { explicitHost: url.hostname }) };
  const refused = refusedLiteral(url.hostname, reach);
  if (refused !== undefined) throw new OutboundRefused(`provider ${name}: ${refused.message}`);
  const connections = config.connections ?? POOL_CONNECTIONS_DEFAULT;
  const pool = new ProviderPool(url.origin, {
    connections,
    connect: { timeout: connectMs, lookup: guardedLookup(reach) },
    keepAliveTimeout: POOL_IDLE_MS,
    keepAliveMaxTimeout: POOL_IDLE_MS * 2,
    maxHeaderSize: UPSTREAM_HEADER_BYTES_MAX,
    pipelining: 1,
  });
  const type = config.type ?? "openai";
  let basePath = url.pathname.replace(/\/+$/, "");
  // Their base URLs have no version, but people copy OpenAI's habit.
  if (type === "anthropic") basePath = basePath.replace(/\/v1$/, "");
  if (type === "cohere") basePath = basePath.replace(/\/v[12]$/, "");
  if (type === "azure") basePath = basePath.replace(/\/openai(\/v1)?$/, "");
  const own = quirksOf(name);
  const quirks = config.responses === undefined ? own : { ...own, responses: config.responses };
  if (basePath === "") basePath = type === "gemini" ? "/v1beta" : (quirks.basePath ?? "");
  return {
    name,
    type,
    basePath,
    displayUrl: `${url.origin}${basePath}`,
    credentials: credentialsOf(config),
    quirks,
    configuredModels: modelsOf(config, quirks),
    simulated,
    headers: lowerCased(config.headers ?? {}),
    timeouts: config.timeouts ?? {},
    options: {
      apiVersion: config.apiVersion,
      deployments: config.deployments ?? {},
      region: config.region,
      project: config.project,
    },
    pool,
    connections,
    wire: wireOf(type, quirks),
  };
}

function modelsOf({ models = [], deployments = {} }: ProviderConfig, quirks: Quirks): readonly string[] {
  if (models.length > 0) return models;
  const deployed = Object.keys(deployments);
  return deployed.length > 0 ? deployed : (quirks.models ?? []);
}

function lowerCased(headers: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
}

/** The id that the provider itself uses. */
export function upstreamModel(provider: Provider, model: string): string {
  const { stripPrefix } = provider.quirks;
  return stripPrefix !== undefined && model.startsWith(stripPrefix) ? model.slice(stripPrefix.length) : model;
}

/** Shorter parts of a joined key are no secret by themselves. */
const SECRET_PART_CHARS_MIN = 12;
/** Things that look like a key or a bearer token in a provider's error text. */
const SECRET =
  /\b(sk|gw|gsk|xai|pk|rk|key|api)[-_][A-Za-z0-9_*.-]{6,}|\bAIza[\w-]{30,}|\bAKIA[A-Z0-9]{12,}|\bBearer\s+\S+/gi;

/** A key, or the parts of one that was joined; of a JSON, nothing that a provider could repeat. */
function secretParts(secret: string | undefined): string[] {
  if (secret === undefined || secret.startsWith("{")) return [];
  return [secret, ...secret.split(":").filter((part) => part.length >= SECRET_PART_CHARS_MIN)];
}

/** A provider's own words, made fit for clients and logs: no secrets, no control characters, one short line. */
export function safeText(provider: Provider, text: string): string {
  let safe = text;
  for (const { secret } of provider.credentials) {
    for (const part of secretParts(secret)) safe = safe.replaceAll(part, "<redacted>");
  }
  safe = safe
    .replace(SECRET, "<redacted>")
    .replace(/[\u0000-\u001f\u007f]+/g, " ")
    .trim();
  return safe.length > ERROR_TEXT_CHARS_MAX ? `${safe.slice(0, ERROR_TEXT_CHARS_MAX - 1)}…` : safe;
}
