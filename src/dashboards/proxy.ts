import { pipeline } from "node:stream";
import type { FastifyReply, FastifyRequest } from "fastify";
import { Counter, type Registry } from "prom-client";
import { Agent, type Dispatcher } from "undici";
import type { DataSource } from "./data-sources.ts";
import { GrafanaError } from "./grafana-error.ts";

const CONNECTIONS_PER_ENGINE = 16;
const CONNECT_TIMEOUT_MS = 5_000;
/** Longest wait for an engine's first byte, above the engines' own query timeouts. */
const HEADERS_TIMEOUT_MS = 125_000;
const BODY_TIMEOUT_MS = 60_000;

/** What of the browser's request an engine needs; cookies and credentials stay here. */
const FORWARDED_REQUEST_HEADERS = [
  "accept",
  "accept-encoding",
  "content-type",
  "content-encoding",
  "x-loki-response-encoding-flags",
];
const FORWARDED_REPLY_HEADERS = ["content-type", "content-encoding", "cache-control", "retry-after"];

/** Hands requests on to a data source's engine, as `/api/datasources/proxy/uid/:uid/*` does. */
export class DataSourceProxy {
  readonly #agent = new Agent({
    connections: CONNECTIONS_PER_ENGINE,
    connect: { timeout: CONNECT_TIMEOUT_MS },
    headersTimeout: HEADERS_TIMEOUT_MS,
    bodyTimeout: BODY_TIMEOUT_MS,
  });
  readonly #requests: Counter<"datasource" | "code">;

  constructor(registry: Registry) {
    this.#requests = new Counter({
      name: "grafana_datasource_request_total",
      help: "Requests handed to a data source, by answer code.",
      labelNames: ["datasource", "code"],
      registers: [registry],
    });
  }

  close(): Promise<void> {
    return this.#agent.destroy();
  }

  /** Sends one request to an engine for the server's own use (health checks); the caller consumes the body. */
  async ask(source: DataSource, path: string): Promise<Dispatcher.ResponseData> {
    return this.#agent.request({
      origin: new URL(source.url).origin,
      path: targetPath(source, path),
      method: "GET",
      headers: source.secretHeaders,
    });
  }

  /** Streams the engine's answer to the browser; a browser that leaves cancels the query. */
  async forward(source: DataSource, path: string, request: FastifyRequest, reply: FastifyReply): Promise<void> {
    const target = targetPath(source, path);
    const headers: Record<string, string> = { ...source.secretHeaders };
    for (const name of FORWARDED_REQUEST_HEADERS) {
      const value = request.headers[name];
      if (typeof value === "string") headers[name] = value;
    }
    const abort = new AbortController();
    reply.raw.once("close", () => abort.abort());
    let answer: Dispatcher.ResponseData;
    try {
      answer = await this.#agent.request({
        origin: new URL(source.url).origin,
        path: target,
        method: request.method as Dispatcher.HttpMethod,
        headers,
        body:
          request.method === "GET" || request.method === "HEAD" ? null : ((request.body as Buffer | undefined) ?? null),
        signal: abort.signal,
      });
    } catch (error) {
      this.#requests.inc({ datasource: source.name, code: "502" });
      if (abort.signal.aborted) return;
      throw new GrafanaError(502, `${source.name} cannot be reached: ${describe(error)}`, "datasource.unreachable");
    }
    this.#requests.inc({ datasource: source.name, code: String(answer.statusCode) });
    reply.hijack();
    const replyHeaders: Record<string, string> = {};
    for (const name of FORWARDED_REPLY_HEADERS) {
      const value = answer.headers[name];
      if (typeof value === "string") replyHeaders[name] = value;
    }
    // What an engine answers is data, never a page of ours.
    replyHeaders["content-security-policy"] = "sandbox";
    replyHeaders["x-content-type-options"] = "nosniff";
    reply.raw.writeHead(answer.statusCode, replyHeaders);
    pipeline(answer.body, reply.raw, (error) => {
      if (error !== undefined && error !== null && !reply.raw.destroyed) reply.raw.destroy();
    });
  }
}

/**
 * The engine's path: what follows the proxy's prefix, below the source's own URL and nowhere else. The URL parser
 * resolves dot segments in every spelling (`..`, `%2e%2e`), so what is left is compared with the base.
 */
function targetPath(source: DataSource, path: string): string {
  const base = new URL(source.url).pathname.replace(/\/+$/, "");
  const target = new URL(`http://engine${base}/${path.replace(/^\/+/, "")}`);
  if (target.pathname !== base && !target.pathname.startsWith(`${base}/`)) {
    throw new GrafanaError(400, "invalid proxy path", "datasource.proxy-path");
  }
  return target.pathname + target.search;
}

function describe(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  return code ?? message;
}
