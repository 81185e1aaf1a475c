import { readFile } from "node:fs/promises";
import { STATUS_CODES } from "node:http";
import { Agent, request } from "undici";
import { decodeBody } from "../../runtime/body.ts";
import { HttpError } from "../../runtime/http-error.ts";
import { VERSION } from "../../runtime/version.ts";
import type { HttpClientConfig, ScrapeConfig, ScrapeProtocol, Secret } from "../config/config-types.ts";
import { SCRAPE_BODY_BYTES_MAX, SCRAPE_REDIRECTS_MAX } from "../limits.ts";
import type { ExpositionFormat } from "./exposition-parser.ts";

/** A scrape that failed; the text is what `/targets` shows, in Prometheus' words. */
export class ScrapeError extends Error {
  override readonly name: string = "ScrapeError";
}

/** The target sent more than the job allows. */
export class BodySizeError extends ScrapeError {
  constructor() {
    super("body size limit exceeded");
  }
}

export interface ScrapeBody {
  readonly bytes: Buffer;
  readonly format: ExpositionFormat;
}

const KEEP_ALIVE_MS = 60_000;
const MEDIA_TYPES: Readonly<Record<ScrapeProtocol, string>> = {
  PrometheusProto:
    "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited;escaping=allow-utf-8",
  "OpenMetricsText0.0.1": "application/openmetrics-text;version=0.0.1",
  "OpenMetricsText1.0.0": "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8",
  "PrometheusText0.0.4": "text/plain;version=0.0.4",
  "PrometheusText1.0.0": "text/plain;version=1.0.0;escaping=allow-utf-8",
};

/** Fetches the targets of one job. Holds their connections; `close` when the job goes. */
export class ScrapeClient {
  readonly #config: ScrapeConfig;
  readonly #agent: Agent;
  readonly #accept: string;
  readonly #bodyBytesMax: number;

  private constructor(config: ScrapeConfig, agent: Agent) {
    this.#config = config;
    this.#agent = agent;
    this.#accept = acceptHeader(config.scrapeProtocols);
    this.#bodyBytesMax = config.limits.bodySizeLimit || SCRAPE_BODY_BYTES_MAX;
  }

  /** @throws Error when a file of `tls_config` cannot be read. */
  static async create(config: ScrapeConfig): Promise<ScrapeClient> {
    const { tls } = config.http;
    const read = async (path: string | undefined): Promise<Buffer | undefined> =>
      path === undefined ? undefined : readFile(path);
    const [ca, cert, key] = await Promise.all([read(tls.caFile), read(tls.certFile), read(tls.keyFile)]);
    const agent = new Agent({
      connect: {
        ca,
        cert,
        key,
        servername: tls.serverName,
        rejectUnauthorized: !tls.insecureSkipVerify,
        timeout: config.scrapeTimeoutMs,
      },
      connections: 2,
      keepAliveTimeout: KEEP_ALIVE_MS,
    });
    return new ScrapeClient(config, agent);
  }

  /**
   * One scrape of `url`.
   * @param signal aborted when the scrape's time is over or its loop stops.
   * @throws ScrapeError with Prometheus' text.
   */
  async fetch(url: string, timeoutMs: number, signal: AbortSignal): Promise<ScrapeBody> {
    let current = new URL(url);
    let authorization = await authorizationHeader(this.#config.http);
    for (let redirects = 0; ; redirects++) {
      const response = await this.#send(current, timeoutMs, authorization, signal);
      const { statusCode, headers, body } = response;
      const location = headers.location;
      if (this.#config.http.followRedirects && isRedirect(statusCode) && typeof location === "string") {
        await body.dump();
        if (redirects === SCRAPE_REDIRECTS_MAX) throw new ScrapeError(`Get "${url}": stopped after 10 redirects`);
        const next = redirectUrl(current, location);
        // Credentials are for the host that the operator named, not for wherever it points.
        if (next.origin !== current.origin) authorization = undefined;
        current = next;
        continue;
      }
      if (statusCode !== 200) {
        await body.dump();
        throw new ScrapeError(`server returned HTTP status ${statusCode} ${STATUS_CODES[statusCode] ?? ""}`.trim());
      }
      const format = this.#formatOf(headers["content-type"]);
      const bytes = await this.#read(body, current);
      return { bytes: await this.#decode(headers["content-encoding"], bytes), format };
    }
  }

  async close(): Promise<void> {
    await this.#agent.destroy();
  }

  async #send(url: URL, timeoutMs: number, authorization: string | undefined, signal: AbortSignal) {
    const headers: Record<string, string> = {
      accept: this.#accept,
      "user-agent": `gatewayz-metrics/${VERSION}`,
      "x-prometheus-scrape-timeout-seconds": String(timeoutMs / 1_000),
      "accept-encoding": this.#config.enableCompression ? "gzip" : "identity",
    };
    if (authorization !== undefined) headers.authorization = authorization;
    try {
      return await request(url, { dispatcher: this.#agent, method: "GET", headers, signal });
    } catch (error) {
      throw transportError(url, error);
    }
  }

  async #read(body: AsyncIterable<Buffer>, url: URL): Promise<Buffer> {
    const chunks: Buffer[] = [];
    let size = 0;
    try {
      for await (const chunk of body) {
        size += chunk.length;
        if (size > this.#bodyBytesMax) throw new BodySizeError();
        chunks.push(chunk);
      }
    } catch (error) {
      if (error instanceof ScrapeError) throw error;
      throw transportError(url, error);
    }
    return chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks, size);
  }

  async #decode(encoding: string | string[] | undefined, bytes: Buffer): Promise<Buffer> {
    try {
      return await decodeBody(Array.isArray(encoding) ? encoding.join(",") : encoding, bytes, this.#bodyBytesMax);
    } catch (error) {
      if (error instanceof HttpError && error.status === 413) throw new BodySizeError();
      throw new ScrapeError((error as Error).message);
    }
  }

  #formatOf(header: string | string[] | undefined): ExpositionFormat {
    const contentType = (Array.isArray(header) ? header[0] : header) ?? "";
    const mediaType = contentType.split(";", 1)[0]!.trim().toLowerCase();
    if (mediaType === "application/openmetrics-text") return "openmetrics";
    if (mediaType === "text/plain") return "text";
    const fallback = this.#config.fallbackScrapeProtocol;
    if (fallback !== undefined) return fallback.startsWith("OpenMetrics") ? "openmetrics" : "text";
    if (mediaType === "") {
      throw new ScrapeError(
        "non-compliant scrape target sending blank Content-Type and no fallback_scrape_protocol specified for target",
      );
    }
    throw new ScrapeError(
      `received unsupported Content-Type ${JSON.stringify(contentType.slice(0, 100))} and no fallback_scrape_protocol specified for target`,
    );
  }
}

/** The formats wanted, the first with the highest quality, as Prometheus 3 writes the header. */
function acceptHeader(protocols: readonly ScrapeProtocol[]): string {
  const usable = protocols.filter((protocol) => protocol !== "PrometheusProto");
  const weighted = usable.map((protocol, index) => `${MEDIA_TYPES[protocol]};q=0.${usable.length + 1 - index}`);
  return [...weighted, "*/*;q=0.1"].join(",");
}

/** The `Authorization` header of a scrape; files are read each time, so that a rotated key is taken over. */
async function authorizationHeader(http: HttpClientConfig): Promise<string | undefined> {
  if (http.authorization !== undefined) {
    return `${http.authorization.type} ${await secretText(http.authorization.credentials)}`;
  }
  if (http.basicAuth === undefined) return undefined;
  const username = await secretText(http.basicAuth.username);
  const password = http.basicAuth.password === undefined ? "" : await secretText(http.basicAuth.password);
  return `Basic ${Buffer.from(`${username}:${password}`).toString("base64")}`;
}

async function secretText(secret: Secret): Promise<string> {
  if ("value" in secret) return secret.value;
  try {
    return (await readFile(secret.file, "utf8")).trim();
  } catch (error) {
    throw new ScrapeError(
      `unable to read authorization credentials: unable to read file ${secret.file}: ${(error as NodeJS.ErrnoException).code}`,
    );
  }
}

function isRedirect(status: number): boolean {
  return status === 301 || status === 302 || status === 303 || status === 307 || status === 308;
}

function redirectUrl(from: URL, location: string): URL {
  const next = URL.canParse(location, from.href) ? new URL(location, from) : undefined;
  if (next?.protocol === "http:" || next?.protocol === "https:") return next;
  throw new ScrapeError(
    `Get "${from.href}": failed to parse Location header ${JSON.stringify(location.slice(0, 200))}`,
  );
}

/** What went wrong on the wire, in the words that Go's client uses and that guides quote. */
function transportError(url: URL, error: unknown): ScrapeError {
  const { code, message, name } = error as NodeJS.ErrnoException;
  const host = `${url.hostname}:${url.port || (url.protocol === "https:" ? 443 : 80)}`;
  return new ScrapeError(`Get "${url.href}": ${reason()}`);

  function reason(): string {
    if (name === "AbortError" || name === "TimeoutError") return "context deadline exceeded";
    switch (code) {
      case "ECONNREFUSED":
        return `dial tcp ${host}: connect: connection refused`;
      case "ENOTFOUND":
        return `dial tcp: lookup ${url.hostname}: no such host`;
      case "EAI_AGAIN":
        return `dial tcp: lookup ${url.hostname}: server misbehaving`;
      case "EHOSTUNREACH":
        return `dial tcp ${host}: connect: no route to host`;
      case "UND_ERR_CONNECT_TIMEOUT":
        return "context deadline exceeded";
      case "UND_ERR_SOCKET":
        return "EOF";
      default:
        return code === undefined || message.includes(code) ? message : `${code}: ${message}`;
    }
  }
}
