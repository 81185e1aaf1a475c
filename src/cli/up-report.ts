import { join } from "node:path";
import type { LoadedConfig } from "../config/load.ts";
import type { RoleName } from "../config/roles.ts";
import type { SupervisorEvents } from "../runtime/supervisor.ts";
import { VERSION } from "../runtime/version.ts";

/** What `up` tells the person or the platform that started it. */
export interface Reporter extends SupervisorEvents {
  starting(): void;
  allReady(memoryBytes: number): void;
  stopping(signal: string): void;
}

/** The event that the gateway logs once, for the first request that is neither demo traffic nor a probe. */
const FIRST_REQUEST_EVENT = "first_own_request";

/** People get a page of text; a pipe gets JSON lines, which never hold a secret. */
export function createReporter(loaded: LoadedConfig, roles: readonly RoleName[], startedAtMs: number): Reporter {
  return process.stdout.isTTY
    ? new TerminalReporter(loaded, roles, startedAtMs)
    : new JsonReporter(loaded, roles, startedAtMs);
}

class JsonReporter implements Reporter {
  readonly #loaded: LoadedConfig;
  readonly #roles: readonly RoleName[];
  readonly #startedAtMs: number;

  constructor(loaded: LoadedConfig, roles: readonly RoleName[], startedAtMs: number) {
    this.#loaded = loaded;
    this.#roles = roles;
    this.#startedAtMs = startedAtMs;
  }

  #write(level: string, msg: string, fields: Record<string, unknown> = {}): void {
    process.stdout.write(
      `${JSON.stringify({ level, time: new Date().toISOString(), service: "supervisor", msg, ...fields })}\n`,
    );
  }

  starting(): void {
    const { config, secrets, file } = this.#loaded;
    this.#write("info", "starting", {
      version: VERSION,
      mode: config.mode,
      roles: this.#roles,
      dataDir: config.dataDir,
      dataBytesMax: config.dataBytesMax,
      configFile: file,
    });
    if (secrets.adminApiKey === "created") {
      this.#write("info", "admin key generated", { file: join(config.dataDir, "admin-api-key") });
    }
    if (secrets.engineKey === "created") {
      this.#write("info", "engine key generated", { file: join(config.dataDir, "engine-key") });
    }
    if (secrets.dashboardsPassword === "created") {
      this.#write("info", "dashboards password generated", {
        user: "admin",
        file: join(config.dataDir, "dashboards-password"),
      });
    }
  }

  line(role: RoleName, line: string): void {
    // Roles write JSON themselves; anything else (a crash of the runtime) is wrapped, so that every line parses.
    if (line.startsWith("{")) process.stdout.write(`${line}\n`);
    else this.#write("error", line, { role });
  }

  ready(role: RoleName, urls: Readonly<Record<string, string>>, restarts: number, pid: number | undefined): void {
    this.#write("info", "ready", { role, url: urls["main"], urls, restarts, pid });
  }

  exited(role: RoleName, reason: string, restartInMs: number | undefined): void {
    this.#write("error", "role ended", { role, reason, restartInMs });
  }

  allReady(memoryBytes: number): void {
    const seconds = Number(((Date.now() - this.#startedAtMs) / 1000).toFixed(2));
    this.#write("info", "all roles ready", { seconds, memoryMB: Math.round(memoryBytes / 1024 ** 2) });
  }

  stopping(signal: string): void {
    this.#write("info", "stopping", { signal });
  }
}

class TerminalReporter implements Reporter {
  readonly #loaded: LoadedConfig;
  readonly #roles: readonly RoleName[];
  readonly #startedAtMs: number;
  readonly #urls = new Map<RoleName, string>();

  constructor(loaded: LoadedConfig, roles: readonly RoleName[], startedAtMs: number) {
    this.#loaded = loaded;
    this.#roles = roles;
    this.#startedAtMs = startedAtMs;
  }

  #print(text: string): void {
    process.stdout.write(`${text}\n`);
  }

  starting(): void {
    const { config } = this.#loaded;
    const mode = config.mode === "demo" ? "demo (the built-in simulator answers)" : "live";
    this.#print(`\n  GatewayZ ${VERSION}`);
    this.#print(`  mode  ${mode}`);
    this.#print(`  data  ${config.dataDir} (at most ${gigabytes(config.dataBytesMax)})\n`);
  }

  line(role: RoleName, line: string): void {
    const entry = parseLine(line);
    if (entry === undefined) {
      this.#print(`  ! ${role}: ${line}`);
    } else if (entry["event"] === FIRST_REQUEST_EVENT) {
      this.#firstRequest(entry);
    } else if (entry["level"] === "error" || entry["level"] === "fatal") {
      this.#print(
        `  ! ${role}: ${String(entry["msg"])}${entry["error"] === undefined ? "" : `: ${String(entry["error"])}`}`,
      );
    }
  }

  #firstRequest(entry: Readonly<Record<string, unknown>>): void {
    const cost = typeof entry["costUsd"] === "number" ? `$${entry["costUsd"].toFixed(6)}` : "no price";
    const dashboards = this.#urls.get("dashboards");
    const page =
      dashboards === undefined ? "" : `  ${dashboards}/explore?ds=grafana_tempo&traceId=${String(entry["traceId"])}`;
    this.#print(
      `\n  Your first request: ${String(entry["statusCode"])} in ${String(entry["durationMs"])} ms, ${String(entry["tokens"])} tokens, ${cost}${page}\n`,
    );
  }

  ready(role: RoleName, urls: Readonly<Record<string, string>>, restarts: number): void {
    this.#urls.set(role, urls["main"] ?? "");
    const others = Object.entries(urls).filter(([name]) => name !== "main");
    const more = others.map(([name, url]) => `${name} ${url.replace(/^\w+:\/\//, "")}`).join(", ");
    this.#print(
      `  ✓ ${role.padEnd(11)} ${urls["main"] ?? ""}${more === "" ? "" : `  (${more})`}${restarts > 0 ? `  restarted ${restarts}×` : ""}`,
    );
  }

  exited(role: RoleName, reason: string, restartInMs: number | undefined): void {
    this.#print(`  ✗ ${role} ended: ${reason}${restartInMs === undefined ? "" : `; restart in ${restartInMs} ms`}`);
  }

  allReady(memoryBytes: number): void {
    const { config, secrets } = this.#loaded;
    const seconds = ((Date.now() - this.#startedAtMs) / 1000).toFixed(1);
    this.#print(`\n  ${this.#roles.length} roles ready in ${seconds} s, ${Math.round(memoryBytes / 1024 ** 2)} MB\n`);
    if (secrets.engineKey === "created") {
      const file = join(config.dataDir, "engine-key");
      this.#print(`  engines  metrics, logs and traces ask for ${config.engineKey} (shown once; kept in ${file})`);
    }
    if (secrets.dashboardsPassword === "created") {
      this.#print(
        `  dashboards user admin, password ${config.dashboards.password} (shown once; kept in ${join(config.dataDir, "dashboards-password")})`,
      );
    }
    if (secrets.dashboardsPassword === "stored") {
      this.#print(`  dashboards user admin, password in ${join(config.dataDir, "dashboards-password")}`);
    }
    const dashboards = this.#urls.get("dashboards");
    if (dashboards !== undefined) this.#print(`  open     ${dashboards}`);
    const gateway = this.#urls.get("gateway");
    if (gateway === undefined) return;
    // The key itself is shown only once, on the start that made it; afterwards the shell reads it from its file.
    const keyFile = join(config.dataDir, "admin-api-key");
    const key =
      secrets.adminApiKey === "created"
        ? config.adminApiKey
        : secrets.adminApiKey === "stored"
          ? `$(cat '${keyFile}')`
          : "$ADMIN_API_KEY";
    this.#print(
      `  try      curl ${gateway}/v1/chat/completions -H "Authorization: Bearer ${key}" -H "Content-Type: application/json" -d '{"model":"gpt-4o-mini","messages":[{"role":"user","content":"Hello"}]}'`,
    );
    if (config.mode === "demo")
      this.#print(
        "  go live  OPENAI_API_KEY=sk-… npm start    (or ANTHROPIC_API_KEY, or any provider in gatewayz.yaml)",
      );
    this.#print("");
  }

  stopping(): void {
    this.#print("\n  stopping …");
  }
}

function parseLine(line: string): Record<string, unknown> | undefined {
  if (!line.startsWith("{")) return undefined;
  try {
    return JSON.parse(line) as Record<string, unknown>;
  } catch {
    return undefined; // not one of our lines; the caller prints it as it is
  }
}

function gigabytes(bytes: number): string {
  return bytes >= 1024 ** 3 ? `${(bytes / 1024 ** 3).toFixed(0)} GB` : `${Math.round(bytes / 1024 ** 2)} MB`;
}
