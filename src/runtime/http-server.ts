import { randomUUID } from "node:crypto";
import type { AddressInfo } from "node:net";
import Fastify, { type FastifyError, type FastifyInstance, type FastifyReply, type FastifyRequest } from "fastify";
import { isLoopbackHost, keyMatches, presentedKeys } from "./auth.ts";
import { discardBody } from "./discard-body.ts";
import { HttpError } from "./http-error.ts";
import type { RoleContext } from "./role.ts";

const BODY_BYTES_MAX = 16 * 1024 * 1024; // 16 MiB
/** A peer that sends its headers slower than this is no client (slowloris). */
const HEADERS_TIMEOUT_MS = 15_000;
/** The whole request, body included, must have arrived by then. */
const REQUEST_TIMEOUT_MS = 60_000;
const KEEP_ALIVE_TIMEOUT_MS = 65_000;
/** How often connections are held against these limits; Node's own 30 s would double them. */
const DEADLINE_CHECK_MS = 2_000;

export interface HttpServerOptions {
  readonly bodyBytesMax?: number;
  /** Longest until a client's headers, and its whole request, have come, ms. */
  readonly headersTimeoutMs?: number;
  readonly requestTimeoutMs?: number;
  /** `engine`: beyond loopback everything but `openPaths` asks for the engine key (bearer, or basic password). */
  readonly auth?: "engine" | "none";
  /** Paths answered without a key: readiness and liveness. */
  readonly openPaths?: readonly string[];
  /** False where the role writes `/metrics` itself. */
  readonly metricsRoute?: boolean;
  /**
   * Writes the error body in the named system's shape; the default is `{"error": message}`. An error with
   * `expose: true` is shown as it is, whatever its status; other 5xx arrive here as "internal error".
   */
  onError?(error: Error, status: number, request: FastifyRequest, reply: FastifyReply): unknown;
}

/**
 * A fastify instance as every role wants it: deadlines on headers and bodies, raw `Buffer` bodies for every content
 * type (so that each route decodes with its own limits), the engine key where needed, `/metrics`.
 */
export function createHttpServer(context: RoleContext, options: HttpServerOptions = {}): FastifyInstance {
  const requestTimeoutMs = options.requestTimeoutMs ?? REQUEST_TIMEOUT_MS;
  const headersTimeoutMs = Math.min(options.headersTimeoutMs ?? HEADERS_TIMEOUT_MS, requestTimeoutMs);
  const app = Fastify({
    bodyLimit: options.bodyBytesMax ?? BODY_BYTES_MAX,
    requestTimeout: requestTimeoutMs,
    keepAliveTimeout: KEEP_ALIVE_TIMEOUT_MS,
    connectionTimeout: 0,
    forceCloseConnections: "idle",
    return503OnClosing: false,
    exposeHeadRoutes: true,
    genReqId: () => randomUUID(),
    loggerInstance: undefined,
    logger: false,
    http: {
      headersTimeout: headersTimeoutMs,
      connectionsCheckingInterval: Math.min(DEADLINE_CHECK_MS, headersTimeoutMs),
    },
    routerOptions: { maxParamLength: 4_096 },
    // Fastify would load both of its schema compilers, an eighth of a role's code. No route here has such a schema.
    schemaController: { compilersFactory: { buildValidator: noSchemas, buildSerializer: noSchemas } },
    // A path that is no path (such as `/%zz`) fails before any route; it is answered in the same shape as everything else.
    frameworkErrors: (error, request: FastifyRequest, reply: FastifyReply) => {
      const status = error.statusCode ?? 400;
      reply.code(status);
      return options.onError?.(error, status, request, reply) ?? reply.send({ error: error.message });
    },
  });
  app.removeAllContentTypeParsers();
  app.addContentTypeParser("*", { parseAs: "buffer" }, (_request, body, done) => done(null, body));
  app.setErrorHandler(async (error: FastifyError, request, reply) => {
    const status = error instanceof HttpError ? error.status : (error.statusCode ?? 500);
    const deliberate = error instanceof HttpError || (error as { expose?: boolean }).expose === true;
    if (status >= 500 && !deliberate) {
      context.logger.error(
        { error: error.message, stack: error.stack, path: request.routeOptions.url },
        "request failed",
      );
    }
    if (error instanceof HttpError && error.retryAfterSeconds !== undefined) {
      reply.header("retry-after", String(error.retryAfterSeconds));
    }
    if (status === 413) await discardBody(request.raw);
    reply.code(status);
    // What went wrong inside is for our log; a client gets a sentence without internals.
    const shown = status >= 500 && !deliberate ? new Error("internal error") : error;
    return options.onError?.(shown, status, request, reply) ?? reply.send({ error: shown.message });
  });
  if (options.auth === "engine") addEngineAuth(app, context, new Set(options.openPaths ?? []));
  if (options.metricsRoute !== false) {
    app.get("/metrics", async (_request, reply) => {
      reply.header("content-type", context.registry.contentType);
      return context.registry.metrics();
    });
  }
  return app;
}

function noSchemas(): never {
  throw new Error("BUG: a route has a fastify schema; routes check their input themselves");
}

function addEngineAuth(app: FastifyInstance, context: RoleContext, openPaths: ReadonlySet<string>): void {
  const { host, engineKey } = context.config;
  if (isLoopbackHost(host) && engineKey === undefined) return;
  app.addHook("onRequest", async (request, reply) => {
    const path = request.url.split("?", 1)[0]!;
    if (openPaths.has(path)) return;
    const allowed = engineKey !== undefined && presentedKeys(request.headers).some((key) => keyMatches(key, engineKey));
    if (allowed) return;
    // Basic too, or a browser would not ask a person who opens `/targets`.
    const realm = `realm="gatewayz ${context.name}"`;
    reply.header("www-authenticate", [`Bearer ${realm}`, `Basic ${realm}`]);
    throw new HttpError(401, "missing or wrong key: send GATEWAYZ_ENGINE_KEY as bearer token or basic password");
  });
}

/** Starts listening; resolves with the URL really bound (port 0 picks a free one). */
export async function listen(app: FastifyInstance, host: string, port: number): Promise<string> {
  await app.listen({ host, port });
  return urlOf(app.server.address() as AddressInfo);
}

/** `http://host:port` of a bound address; wildcard addresses become loopback, so that the URL can be opened. */
function urlOf(address: AddressInfo): string {
  const wildcard = address.address === "0.0.0.0" || address.address === "::";
  const host = wildcard ? "127.0.0.1" : address.family === "IPv6" ? `[${address.address}]` : address.address;
  return `http://${host}:${address.port}`;
}
