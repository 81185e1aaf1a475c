import type { FastifyInstance, FastifyRequest } from "fastify";
import { isLoopbackHost, keyMatches } from "../runtime/auth.ts";
import type { RoleContext } from "../runtime/role.ts";
import { GrafanaError } from "./grafana-error.ts";
import { Sessions } from "./session.ts";

export const ADMIN_USER = "admin";
/** Wrong passwords within the window before the door stays shut until the window ends. */
const FAILURES_MAX = 10;
const FAILURE_WINDOW_MS = 5 * 60_000;

/** Answered to everybody, under any Host: probes of a platform know neither names nor passwords. */
const OPEN_PATHS: ReadonlySet<string> = new Set(["/api/health", "/ready", "/healthz", "/metrics"]);

/** Who may see what: sessions, basic auth, and the Host and Origin checks that keep foreign pages out. */
export class Access {
  readonly sessions: Sessions;
  readonly #context: RoleContext;
  readonly #loopbackOnly: boolean;
  /** Demo on loopback opens without a login: there is nothing behind it but the simulator. */
  readonly opensWithoutLogin: boolean;
  #failures: number[] = [];

  constructor(context: RoleContext) {
    this.#context = context;
    this.sessions = new Sessions(context.dataDir);
    this.#loopbackOnly = isLoopbackHost(context.config.host);
    this.opensWithoutLogin = context.config.mode === "demo" && this.#loopbackOnly;
  }

  /** Adds the Host and Origin checks to every route that is not a probe. */
  guard(app: FastifyInstance): void {
    app.addHook("onRequest", async (request) => {
      if (OPEN_PATHS.has(pathOf(request))) return;
      this.#checkHost(request);
      this.#checkOrigin(request);
    });
  }

  /** A browser on this machine that was led here by another name (DNS rebinding) is refused. */
  #checkHost(request: FastifyRequest): void {
    const host = hostName(request.headers.host ?? "");
    if (this.#loopbackOnly && !isLoopbackHost(host) && host !== this.#context.config.host) {
      throw new GrafanaError(
        403,
        `host ${JSON.stringify(host)} is not allowed; open this page by localhost`,
        "auth.host-not-allowed",
      );
    }
  }

  #checkOrigin(request: FastifyRequest): void {
    const { origin, host } = request.headers;
    if (origin === undefined) return;
    if (URL.canParse(origin) && new URL(origin).host === host) return;
    throw new GrafanaError(403, "origin not allowed", "auth.origin-not-allowed");
  }

  /** @throws GrafanaError 401 where neither a session nor the right basic credentials are sent. */
  requireUser(request: FastifyRequest): void {
    if (this.sessions.isValid(request.headers.cookie)) return;
    const header = request.headers.authorization;
    if (header === undefined) throw new GrafanaError(401, "Unauthorized", "auth.unauthorized");
    const [scheme, credentials = ""] = header.split(/\s+/, 2);
    if (scheme?.toLowerCase() === "basic") {
      const decoded = Buffer.from(credentials, "base64").toString("utf8");
      const colon = decoded.indexOf(":");
      this.checkPassword(decoded.slice(0, Math.max(0, colon)), decoded.slice(colon + 1));
      return;
    }
    throw new GrafanaError(401, "Invalid API key", "api-key.invalid");
  }

  /** @throws GrafanaError 401 for wrong credentials, 429 after too many of them. */
  checkPassword(user: string, password: string): void {
    const nowMs = Date.now();
    this.#failures = this.#failures.filter((atMs) => nowMs - atMs < FAILURE_WINDOW_MS);
    if (this.#failures.length >= FAILURES_MAX) {
      throw new GrafanaError(
        429,
        "Too many incorrect sign in attempts; try again in five minutes",
        "login-attempts.blocked",
      );
    }
    const right = keyMatches(password, this.#context.config.dashboards.password);
    if (right && user === ADMIN_USER) return;
    this.#failures.push(nowMs);
    throw new GrafanaError(401, "Invalid username or password", "password-auth.failed");
  }
}

function pathOf(request: FastifyRequest): string {
  return request.url.split("?", 1)[0]!;
}

/** Host header without its port; IPv6 literals keep their brackets off. */
function hostName(header: string): string {
  const bracketed = /^\[([^\]]*)\]/.exec(header);
  return bracketed === null ? header.replace(/:\d+$/, "").toLowerCase() : bracketed[1]!;
}
