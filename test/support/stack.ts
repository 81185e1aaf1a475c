import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";

export const ROOT = resolve(import.meta.dirname, "../..");
const PROGRAM = join(ROOT, "dist/gatewayz.js");
const READY_TIMEOUT_MS = 60_000;
/** The promise of the supervisor: everything has ended by then. */
const STOP_TIMEOUT_MS = 14_000;

export type PortName = "gateway" | "health" | "metrics" | "logs" | "traces" | "otlpGrpc" | "otlpHttp" | "dashboards";
const PORT_NAMES: readonly PortName[] = [
  "gateway",
  "health",
  "metrics",
  "logs",
  "traces",
  "otlpGrpc",
  "otlpHttp",
  "dashboards",
];

export interface StackOptions {
  readonly roles?: readonly string[];
  readonly args?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  /** Reuses the folder (and ports) of an earlier stack: a restart. */
  readonly after?: Stack;
  readonly adminKey?: string;
  readonly workingDir?: string;
}

export type LogLine = Record<string, unknown> & { msg?: string };

/** The built program, started as a user starts it, on free ports and a folder of its own. */
export class Stack {
  readonly ports: Readonly<Record<PortName, number>>;
  readonly dataDir: string;
  readonly adminKey: string;
  readonly lines: LogLine[] = [];
  /** Everything printed, for secret hunting and failure messages. */
  output = "";
  readonly process: ChildProcess;
  #exited = false;

  private constructor(ports: Record<PortName, number>, dataDir: string, adminKey: string, child: ChildProcess) {
    this.ports = ports;
    this.dataDir = dataDir;
    this.adminKey = adminKey;
    this.process = child;
    child.once("exit", () => {
      this.#exited = true;
    });
    for (const stream of [child.stdout!, child.stderr!]) {
      createInterface({ input: stream }).on("line", (line) => {
        this.output += `${line}\n`;
        if (line.startsWith("{")) this.lines.push(JSON.parse(line) as LogLine);
      });
    }
  }

  static async start(options: StackOptions = {}): Promise<Stack> {
    if (!existsSync(PROGRAM)) throw new Error("the program is not built: run npm run build");
    const ports = options.after?.ports ?? (await freePorts());
    const dataDir = options.after?.dataDir ?? temporaryDir("stack");
    const adminKey = options.adminKey ?? options.after?.adminKey ?? "gw_test_canary_0f1e2d3c4b5a69788796";
    const environment: Record<string, string> = {
      PATH: process.env["PATH"] ?? "",
      HOME: process.env["HOME"] ?? "",
      GATEWAYZ_DATA: dataDir,
      ADMIN_API_KEY: adminKey,
    };
    for (const name of PORT_NAMES) environment[portVariable(name)] = String(ports[name]);
    // A process group of its own, so that a test can signal it as a terminal or a platform would.
    const child = spawn(process.execPath, [PROGRAM, "up", ...(options.roles ?? []), ...(options.args ?? [])], {
      cwd: options.workingDir ?? dataDir,
      env: { ...environment, ...options.environment },
      stdio: ["ignore", "pipe", "pipe"],
      detached: true,
    });
    const stack = new Stack({ ...ports }, dataDir, adminKey, child);
    await stack.waitForLine((line) => line.msg === "all roles ready", READY_TIMEOUT_MS);
    return stack;
  }

  url(name: PortName): string {
    return `http://127.0.0.1:${this.ports[name]}`;
  }

  /** The first line, past or future, that fits. */
  async waitForLine(fits: (line: LogLine) => boolean, timeoutMs = 20_000): Promise<LogLine> {
    const deadline = Date.now() + timeoutMs;
    for (;;) {
      const found = this.lines.find(fits);
      if (found !== undefined) return found;
      if (this.#exited) throw new Error(`the program ended:\n${this.output.slice(-4_000)}`);
      if (Date.now() > deadline) throw new Error(`no such line within ${timeoutMs} ms:\n${this.output.slice(-4_000)}`);
      await sleep(25);
    }
  }

  /** Process id of a role's newest process. */
  pidOf(role: string): number {
    const line = this.lines.findLast(({ msg, role: name }) => msg === "ready" && name === role);
    if (typeof line?.["pid"] !== "number") throw new Error(`role ${role} has not been ready`);
    return line["pid"];
  }

  /** Kills a role's process and waits until its successor is ready. */
  async killRole(role: string, signal: NodeJS.Signals = "SIGKILL"): Promise<void> {
    const pid = this.pidOf(role);
    process.kill(pid, signal);
    await this.waitForLine(
      ({ msg, role: name, pid: next }) => msg === "ready" && name === role && next !== pid,
      60_000,
    );
  }

  /** Signals the whole group and waits for the end; returns the milliseconds it took. */
  async stop(signal: NodeJS.Signals = "SIGTERM"): Promise<number> {
    if (this.#exited) return 0;
    const startedAt = Date.now();
    const exited = new Promise<void>((done) => this.process.once("exit", () => done()));
    process.kill(-this.process.pid!, signal);
    const late = sleep(STOP_TIMEOUT_MS, "late" as const, { ref: false });
    if ((await Promise.race([exited, late])) === "late") {
      process.kill(-this.process.pid!, "SIGKILL");
      throw new Error(`still running ${STOP_TIMEOUT_MS} ms after ${signal}:\n${this.output.slice(-2_000)}`);
    }
    return Date.now() - startedAt;
  }

  async dispose(): Promise<void> {
    await this.stop();
    rmSync(this.dataDir, { recursive: true, force: true });
  }

  async json<T>(name: PortName, path: string, headers: Record<string, string> = {}): Promise<T> {
    const reply = await fetch(this.url(name) + path, { headers });
    if (!reply.ok) throw new Error(`${path}: ${reply.status} ${await reply.text()}`);
    return (await reply.json()) as T;
  }

  /** Value of the first series of an instant query, or undefined. */
  async promql(query: string): Promise<number | undefined> {
    const reply = await this.json<{ data: { result: { value: [number, string] }[] } }>(
      "metrics",
      `/api/v1/query?query=${encodeURIComponent(query)}`,
    );
    const first = reply.data.result[0];
    return first === undefined ? undefined : Number(first.value[1]);
  }

  /** A chat completion with the admin key; the reply with its body read. */
  async chat(body: Record<string, unknown> = {}): Promise<{ reply: Response; text: string; traceId: string }> {
    const reply = await fetch(`${this.url("gateway")}/v1/chat/completions`, {
      method: "POST",
      headers: { authorization: `Bearer ${this.adminKey}`, "content-type": "application/json" },
      body: JSON.stringify({ model: "gpt-4o-mini", messages: [{ role: "user", content: "Say hello." }], ...body }),
    });
    return { reply, text: await reply.text(), traceId: reply.headers.get("x-trace-id") ?? "" };
  }
}

export function temporaryDir(purpose: string): string {
  return mkdtempSync(join(tmpdir(), `gatewayz-${purpose}-`));
}

/** True while a process exists; a zombie that nobody has reaped yet counts as ended. */
export function isAlive(pid: number): boolean {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
  } catch {
    return false;
  }
}

function portVariable(name: PortName): string {
  return `GATEWAYZ_PORT_${name.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase()}`;
}

/** A free port for each listener. */
export async function freePorts(): Promise<Record<PortName, number>> {
  const servers = PORT_NAMES.map(() => createServer());
  const ports = await Promise.all(
    servers.map(
      (server) =>
        new Promise<number>((done) => {
          server.listen(0, "127.0.0.1", () => done((server.address() as { port: number }).port));
        }),
    ),
  );
  await Promise.all(servers.map((server) => new Promise((done) => server.close(done))));
  return Object.fromEntries(PORT_NAMES.map((name, index) => [name, ports[index]!])) as Record<PortName, number>;
}
