import type { FastifyInstance, FastifyRequest } from "fastify";
import { isLoopbackHost, keyMatches, presentedKeys } from "../../runtime/auth.ts";
import { parseJson } from "../../runtime/body.ts";
import { HttpError } from "../../runtime/http-error.ts";
import type { RoleContext } from "../../runtime/role.ts";
import { LIST_ROWS_MAX, NAME_CHARS_MAX } from "../limits.ts";
import { storedText } from "../text.ts";

/** What everybody may read, wherever the service is bound: whether it runs, counts, and the public status. */
const OPEN_PATHS = new Set([
  "/",
  "/health",
  "/health/quick",
  "/ready",
  "/status",
  "/metrics",
  "/cache/stats",
  "/prometheus/metrics",
  "/status-page",
  "/status-page.json",
  "/internal/routing",
]);
const OPEN_PREFIX = "/v1/status";

/** Beyond loopback everything else asks for the admin key: error texts of providers are not for strangers. */
export function guardReads(app: FastifyInstance, context: RoleContext): void {
  if (isLoopbackHost(context.config.host)) return;
  app.addHook("onRequest", async (request) => {
    const path = request.url.split("?", 1)[0]!;
    if (OPEN_PATHS.has(path) || path === OPEN_PREFIX || path.startsWith(`${OPEN_PREFIX}/`)) return;
    requireAdminKey(request, context);
  });
}

export function requireAdminKey(request: FastifyRequest, { config }: RoleContext): void {
  const allowed = presentedKeys(request.headers).some((key) => keyMatches(key, config.adminApiKey));
  if (!allowed) throw new HttpError(401, "missing or wrong key: send ADMIN_API_KEY as bearer token");
}

/** A trigger costs provider calls: pages in a browser may not send it, nor anybody without the key beyond loopback. */
export function refuseStrangers(request: FastifyRequest, context: RoleContext): void {
  const { origin, host } = request.headers;
  if (origin !== undefined && origin.replace(/^https?:\/\//, "") !== host) {
    throw new HttpError(403, "requests from pages of another origin are refused");
  }
  if (!isLoopbackHost(context.config.host)) requireAdminKey(request, context);
}

type Json = Readonly<Record<string, unknown>>;

/** The JSON object in a request's body; an empty body is an empty object. */
export function jsonBody(request: FastifyRequest): Json {
  if (!Buffer.isBuffer(request.body) || request.body.length === 0) return {};
  const value = parseJson(request.body.toString("utf8"));
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new HttpError(400, "the body must be a JSON object");
  }
  return value as Json;
}

/** A short text of a body or query; undefined when it is absent or null. */
export function textAt(source: Json, name: string, charsMax = NAME_CHARS_MAX): string | undefined {
  const value = source[name];
  if (value === undefined || value === null) return undefined;
  if (typeof value !== "string" || value === "" || value.length > charsMax) {
    throw new HttpError(400, `${name} must be a text of 1 to ${charsMax} characters`);
  }
  return storedText(value, charsMax);
}

/** One of the given words; undefined when it is absent. */
export function wordAt<Word extends string>(source: Json, name: string, words: readonly Word[]): Word | undefined {
  const value = textAt(source, name);
  if (value === undefined) return undefined;
  if (!(words as readonly string[]).includes(value))
    throw new HttpError(400, `${name} must be one of ${words.join(", ")}`);
  return value as Word;
}

export function queryOf(request: FastifyRequest): Json {
  return request.query as Json;
}

/** A number of a query, from 0 to `max`. */
export function numberAt(query: Json, name: string, fallback: number, max: number): number {
  const text = textAt(query, name);
  if (text === undefined) return fallback;
  const value = Number(text);
  if (!(value >= 0 && value <= max)) throw new HttpError(400, `${name} must be a number from 0 to ${max}`);
  return value;
}

/** `limit` and `offset` of a query. */
export function pageOf(request: FastifyRequest, limitDefault = LIST_ROWS_MAX): { limit: number; offset: number } {
  const query = queryOf(request);
  return {
    limit: Math.floor(numberAt(query, "limit", limitDefault, LIST_ROWS_MAX)),
    offset: Math.floor(numberAt(query, "offset", 0, 1_000_000)),
  };
}

/** Ids of incidents and maintenance windows; anything else is none of ours. */
export function isId(text: string): boolean {
  return /^[0-9a-f-]{36}$/.test(text);
}

/** What the service says of a name that it does not know. */
export function notWatched(what: string, name: string): HttpError {
  return new HttpError(404, `${what} ${JSON.stringify(name.slice(0, 100))} is not watched`);
}

export function now(): string {
  return new Date().toISOString();
}
