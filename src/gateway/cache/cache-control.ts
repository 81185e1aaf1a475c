import type { IncomingHttpHeaders } from "node:http";
import type { Config } from "../../config/schema.ts";
import type { RequestRecord } from "../request-record.ts";

/** What the cache may do for one request. */
export interface CacheUseAllowed {
  readonly read: boolean;
  readonly write: boolean;
}

const ON: ReadonlySet<string> = new Set(["on", "true", "1"]);
const OFF: ReadonlySet<string> = new Set(["off", "false", "0", "bypass"]);

/**
 * Decides by the key, the request's headers and the configuration; undefined where the cache is no subject at all.
 *
 * `x-gatewayz-cache: on|off|refresh` switches for one request. `Cache-Control` as in RFC 9111: `no-store` keeps out
 * altogether, `no-cache` asks the provider and keeps its answer.
 */
export function cacheUse(
  config: Config["gateway"]["cache"],
  record: RequestRecord,
  headers: IncomingHttpHeaders,
): CacheUseAllowed | undefined {
  if (record.client?.anonymous === true) return undefined; // All who have no key would share one cache.
  const asked = headers["x-gatewayz-cache"];
  const optedIn = includesKey(config.keys, record.client?.keyName ?? "");
  if (!optedIn && (asked === undefined || !config.header)) return undefined;
  const word = typeof asked === "string" ? asked.trim().toLowerCase() : "";
  if (OFF.has(word)) return { read: false, write: false };
  if (!optedIn && !ON.has(word) && word !== "refresh") return undefined;
  const control = headers["cache-control"]?.toLowerCase() ?? "";
  if (control.includes("no-store")) return { read: false, write: false };
  const fresh = word === "refresh" || control.includes("no-cache") || /max-age=0(?!\d)/.test(control);
  return { read: !fresh, write: true };
}

/** Whether a list of key names of the configuration means this one. */
export function includesKey(names: readonly string[], keyName: string): boolean {
  return names.length > 0 && (names.includes("*") || names.includes(keyName));
}
