import { isIP } from "node:net";
import { hostname } from "node:os";
import type { FastifyReply, FastifyRequest } from "fastify";
import type { Config } from "../../config/schema.ts";
import { isLoopbackHost, presentedKeys } from "../../runtime/auth.ts";
import { GatewayError } from "../errors.ts";

const SAFE_METHODS: ReadonlySet<string> = new Set(["GET", "HEAD", "OPTIONS"]);
const ALLOWED_METHODS = "GET, POST, PUT, PATCH, DELETE";
/** How long a browser may remember that it asked, s. */
const PREFLIGHT_SECONDS = 600;
/** Reply headers that pages want to read; all others of ours are hidden from them. */
const EXPOSED_HEADERS =
  "x-request-id, request-id, x-trace-id, x-cache, retry-after, x-gatewayz-provider, x-gatewayz-simulated, x-ratelimit-limit-requests, x-ratelimit-remaining-requests, x-ratelimit-reset-requests, x-ratelimit-limit-tokens, x-ratelimit-remaining-tokens, x-ratelimit-reset-tokens";
const HEADER_NAMES = /^[A-Za-z0-9-]{1,64}(?:\s*,\s*[A-Za-z0-9-]{1,64}){0,63}$/;

/**
 * Keeps web pages out that nobody named (cross-site requests, and pages that had their name point to this machine), and
 * answers browsers that ask before they send. Programs that are no browsers send no `Origin` and notice nothing.
 */
export class BrowserGuard {
  readonly #origins: ReadonlySet<string>;
  readonly #any: boolean;
  readonly #hosts: ReadonlySet<string>;
  readonly #onLoopback: boolean;
  /** The last Host header that was found good, so that the usual case is one comparison. */
  #goodHost: string | undefined;

  constructor({ host, gateway }: Config) {
    const { origins, hosts } = gateway.safety.browser;
    this.#origins = new Set(origins.map((origin) => origin.toLowerCase()));
    this.#any = origins.includes("*");
    this.#hosts = new Set([...hosts, hostname()].map((name) => name.toLowerCase()));
    this.#onLoopback = isLoopbackHost(host);
  }

  /**
   * Looks at a request before its key is looked at.
   * @returns true where this was a browser's question and is answered.
   * @throws GatewayError ORIGIN_NOT_ALLOWED, HOST_NOT_ALLOWED.
   */
  check(request: FastifyRequest, reply: FastifyReply): boolean {
    const { headers, method } = request;
    if (this.#onLoopback && headers.host !== this.#goodHost) this.#checkHost(request);
    const { origin } = headers;
    if (origin === undefined) return false;
    reply.header("vary", "Origin");
    const allowed = this.#any || this.#origins.has(origin.toLowerCase());
    if (allowed) {
      reply.header("access-control-allow-origin", this.#any ? "*" : origin);
      reply.header("access-control-expose-headers", EXPOSED_HEADERS);
    } else if (!isOwnPage(origin, headers.host) && (!SAFE_METHODS.has(method) || isPreflight(request))) {
      throw new GatewayError("ORIGIN_NOT_ALLOWED", { origin: origin.slice(0, 200) });
    }
    if (!allowed || !isPreflight(request)) return false;
    const asked = headers["access-control-request-headers"];
    if (typeof asked === "string" && HEADER_NAMES.test(asked)) reply.header("access-control-allow-headers", asked);
    reply.header("access-control-allow-methods", ALLOWED_METHODS);
    reply.header("access-control-max-age", String(PREFLIGHT_SECONDS));
    reply.code(204).send();
    return true;
  }

  /** A name that is not ours, and no key: a page whose name was pointed here has none, a proxy's clients do. */
  #checkHost({ headers }: FastifyRequest): void {
    const host = headers.host ?? "";
    const name = hostNameOf(host);
    if (isLoopbackHost(name) || name.endsWith(".localhost") || isIP(name) !== 0 || this.#hosts.has(name)) {
      this.#goodHost = host;
    } else if (presentedKeys(headers).length === 0) {
      throw new GatewayError("HOST_NOT_ALLOWED", { host: host.slice(0, 200) });
    }
  }
}

function isPreflight({ method, headers }: FastifyRequest): boolean {
  return method === "OPTIONS" && headers["access-control-request-method"] !== undefined;
}

/** A page that came from this very server, by an address that no foreign name can have. */
function isOwnPage(origin: string, host: string | undefined): boolean {
  if (host === undefined || origin !== `http://${host}`) return false;
  const name = hostNameOf(host);
  return isLoopbackHost(name) || isIP(name) !== 0;
}

/** The name or address of a Host header, lower case, without port and brackets. */
function hostNameOf(host: string): string {
  const bracketed = /^\[([0-9a-f:.]+)\](?::\d{1,5})?$/i.exec(host);
  if (bracketed !== null) return bracketed[1]!.toLowerCase();
  return host.replace(/:\d{1,5}$/, "").toLowerCase();
}
