import { type ChildProcess, fork } from "node:child_process";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import type { RoleName } from "../config/roles.ts";
import type { Config } from "../config/schema.ts";
import { EXIT_FATAL, type FromChild, type ToChild } from "./child-protocol.ts";

const BACKOFF_MIN_MS = 200;
const BACKOFF_MAX_MS = 10_000;
/** A role that ran this long has recovered; its next restart is quick again. */
const STABLE_AFTER_MS = 60_000;
/**
 * Fixed limits for glibc's malloc (mallopt(3)), at its own initial values: left alone, it raises them with the largest
 * buffer freed so far and then keeps the memory of freed bodies and columns. Saves a tenth of the whole stack's memory.
 */
const MALLOC_ENVIRONMENT = { MALLOC_MMAP_THRESHOLD_: "131072", MALLOC_TRIM_THRESHOLD_: "131072" };
/** Above a role's own drain limit; what still runs then is killed. */
const KILL_AFTER_MS = 13_000;

export interface SupervisorEvents {
  /** A JSON log line of a role. */
  line(role: RoleName, line: string): void;
  ready(role: RoleName, urls: Readonly<Record<string, string>>, restarts: number, pid: number | undefined): void;
  /** The process ended without being asked to; `restartInMs` is undefined when it will not be restarted. */
  exited(role: RoleName, reason: string, restartInMs: number | undefined): void;
}

export interface SupervisorOptions {
  /** Module that a role's process runs. */
  readonly entry: string;
  readonly config: Config;
  /** Options of the Node.js process of a role. */
  nodeOptions(role: RoleName): readonly string[];
  readonly events: SupervisorEvents;
}

interface Child {
  readonly role: RoleName;
  process: ChildProcess | undefined;
  restarts: number;
  backoffMs: number;
  everReady: boolean;
}

/** One child process per role: started, watched, restarted with back-off, ended together. */
export class Supervisor {
  readonly #options: SupervisorOptions;
  readonly #children = new Map<RoleName, Child>();
  #stopping = false;

  constructor(options: SupervisorOptions) {
    this.#options = options;
  }

  /**
   * Starts the roles side by side; resolves when all have been ready once.
   * @throws Error with the role's own words when one cannot start at all (port or folder taken, wrong configuration).
   */
  async start(roles: readonly RoleName[]): Promise<void> {
    await Promise.all(
      roles.map((role) => {
        const child: Child = { role, process: undefined, restarts: 0, backoffMs: BACKOFF_MIN_MS, everReady: false };
        this.#children.set(role, child);
        return new Promise<void>((resolve, reject) => this.#spawn(child, resolve, reject));
      }),
    );
  }

  /** Process ids of the running roles, for memory accounting. */
  get pids(): number[] {
    return [...this.#children.values()].flatMap((child) => child.process?.pid ?? []);
  }

  /** Sends a signal to a role's process, if it runs. */
  signal(role: RoleName, signal: NodeJS.Signals): void {
    this.#children.get(role)?.process?.kill(signal);
  }

  /** Ends every role: SIGTERM, and SIGKILL for what has not drained in time. */
  async stop(): Promise<void> {
    this.#stopping = true;
    await Promise.all([...this.#children.values()].map((child) => this.#end(child)));
  }

  async #end(child: Child): Promise<void> {
    const running = child.process;
    if (running === undefined || running.exitCode !== null || running.signalCode !== null) return;
    const exited = new Promise<void>((resolve) => running.once("exit", () => resolve()));
    running.kill("SIGTERM");
    const timer = setTimeout(() => running.kill("SIGKILL"), KILL_AFTER_MS);
    await exited;
    clearTimeout(timer);
  }

  #spawn(child: Child, onReady: () => void, onFatal: (error: Error) => void): void {
    const { entry, events, config } = this.#options;
    const startedAt = Date.now();
    let failure: string | undefined;
    const running = fork(entry, [], {
      stdio: ["ignore", "pipe", "pipe", "ipc"],
      execArgv: [...this.#options.nodeOptions(child.role)],
      env: { ...MALLOC_ENVIRONMENT, ...process.env },
    });
    child.process = running;
    for (const stream of [running.stdout!, running.stderr!]) {
      createInterface({ input: stream }).on("line", (line) => events.line(child.role, line));
    }
    running.on("message", (message: FromChild) => {
      if (message.type === "failed") {
        failure = message.message;
        if (message.stack !== undefined) events.line(child.role, message.stack);
        return;
      }
      child.everReady = true;
      events.ready(child.role, message.urls, child.restarts, running.pid);
      onReady();
    });
    running.on("error", (error) => {
      failure = error.message;
    });
    running.on("exit", (code, signal) => {
      child.process = undefined;
      if (this.#stopping) return;
      const reason = failure ?? (signal === null ? `exit code ${code}` : `signal ${signal}`);
      if (code === EXIT_FATAL && !child.everReady) {
        events.exited(child.role, reason, undefined);
        onFatal(new Error(`${child.role}: ${reason}`));
        return;
      }
      if (Date.now() - startedAt > STABLE_AFTER_MS) child.backoffMs = BACKOFF_MIN_MS;
      const waitMs = child.backoffMs;
      child.backoffMs = Math.min(BACKOFF_MAX_MS, waitMs * 2);
      child.restarts++;
      events.exited(child.role, reason, waitMs);
      void sleep(waitMs).then(() => {
        if (!this.#stopping) this.#spawn(child, onReady, onFatal);
      });
    });
    const message: ToChild = { type: "start", role: child.role, config };
    running.send(message, (error) => {
      if (error !== null && failure === undefined) failure = `cannot send the configuration: ${error.message}`;
    });
  }
}
