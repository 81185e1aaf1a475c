import { Pool } from "undici";
import type { Config } from "../../config/schema.ts";
import { ERROR_TEXT_CHARS_MAX, POOL_CONNECTIONS_MAX, POOL_IDLE_MS, UPSTREAM_HEADER_BYTES_MAX } from "../limits.ts";
import { type Quirks, quirksOf } from "./quirks.ts";

export type ProviderConfig = Config["gateway"]["providers"][string];

/** A provider that is switched on. Requests go only to its configured address; redirects are not followed. */
export interface Provider {
  readonly name: string;
  readonly type: "openai" | "anthropic";
  /** Path in front of the format's own paths, without a slash at the end. */
  readonly basePath: string;
  /** Base URL without credentials, for records. */
  readonly displayUrl: string;
  readonly apiKey: string | undefined;
  readonly quirks: Quirks;
  /** Ids from the configuration; empty means ask the provider. */
  readonly configuredModels: readonly string[];
  readonly simulated: boolean;
  readonly pool: Pool;
}

/**
 * Opens the connection pool (no connection is made yet).
 * @param connectMs Limit for TCP and TLS together.
 */
export function createProvider(name: string, config: ProviderConfig, connectMs: number, simulated: boolean): Provider {
  const url = new URL(config.baseUrl);
  const pool = new Pool(url.origin, {
    connections: POOL_CONNECTIONS_MAX,
    connect: { timeout: connectMs },
    keepAliveTimeout: POOL_IDLE_MS,
    keepAliveMaxTimeout: POOL_IDLE_MS * 2,
    maxHeaderSize: UPSTREAM_HEADER_BYTES_MAX,
    pipelining: 1,
  });
  let basePath = url.pathname.replace(/\/+$/, "");
  // Anthropic's base URL has no /v1, but people copy OpenAI's habit.
  if (config.type === "anthropic") basePath = basePath.replace(/\/v1$/, "");
  return {
    name,
    type: config.type,
    basePath,
    displayUrl: `${url.origin}${basePath}`,
    apiKey: config.apiKey,
    quirks: quirksOf(name),
    configuredModels: config.models,
    simulated,
    pool,
  };
}

/** The id that the provider itself uses. */
export function upstreamModel(provider: Provider, model: string): string {
  const { stripPrefix } = provider.quirks;
  return stripPrefix !== undefined && model.startsWith(stripPrefix) ? model.slice(stripPrefix.length) : model;
}

/** Things that look like a key or a bearer token in a provider's error text. */
const SECRET = /\b(sk|gw|gsk|xai|pk|rk|key|api)[-_][A-Za-z0-9_*.-]{6,}|\bBearer\s+\S+/gi;

/** A provider's own words, made fit for clients and logs: no secrets, no control characters, one short line. */
export function safeText(provider: Provider, text: string): string {
  let safe = provider.apiKey ? text.replaceAll(provider.apiKey, "<redacted>") : text;
  safe = safe
    .replace(SECRET, "<redacted>")
    .replace(/[\u0000-\u001f\u007f]+/g, " ")
    .trim();
  return safe.length > ERROR_TEXT_CHARS_MAX ? `${safe.slice(0, ERROR_TEXT_CHARS_MAX - 1)}…` : safe;
}
