import cluster from "node:cluster";
import { isRoleName } from "../config/roles.ts";
import type { Config } from "../config/schema.ts";
import { EXIT_FATAL, type FromChild, type ToChild } from "../runtime/child-protocol.ts";
import { DataLockedError } from "../runtime/data-lock.ts";
import type { StartRole } from "../runtime/role.ts";
import { type RunningRole, runRole } from "../runtime/run-role.ts";
import { loadRole } from "./roles.ts";

/** Entry of a role's child process: waits for its configuration, runs the role, ends with its parent. */
let running: RunningRole | undefined;
let ending = false;

function tell(message: FromChild): void {
  if (process.connected) process.send?.(message);
}

async function end(code: number): Promise<void> {
  if (ending) return;
  ending = true;
  try {
    await running?.close();
  } catch (error) {
    writeLine(
      JSON.stringify({ level: "error", service: running?.name, msg: "drain failed", error: (error as Error).message }),
    );
    process.exit(1);
  }
  process.exit(code);
}

/** The parent may be gone; a broken pipe must not keep a role from flushing its data. */
function writeLine(line: string): void {
  if (process.stdout.writable) process.stdout.write(line.endsWith("\n") ? line : `${line}\n`);
}

async function begin({ role: name, config, worker }: ToChild): Promise<void> {
  if (!isRoleName(name)) throw new Error(`BUG: unknown role ${name}`);
  if (worker !== undefined) return beginWorker(config, worker);
  process.title = `gatewayz ${name}`;
  const { start } = await loadRole[name]();
  running = await runRole({ name, config, start, writeLine, processMetrics: true });
  tell({ type: "ready", urls: running.urls });
}

/** One of several workers of the gateway, started by its primary. */
async function beginWorker(config: Config, worker: unknown): Promise<void> {
  process.title = "gatewayz gateway worker";
  const { startWorker } = await import("../gateway/workers/worker.ts");
  const start: StartRole = (context) => startWorker(context, worker as Parameters<typeof startWorker>[1]);
  running = await runRole({ name: "gateway", config, start, writeLine, processMetrics: false, lockFolder: false });
}

process.stdout.on("error", () => undefined);
process.on("message", (message: ToChild | readonly unknown[]) => {
  if (!("type" in message)) return; // Between a gateway's primary and its worker.
  begin(message).catch((error: NodeJS.ErrnoException) => {
    const fatal =
      error instanceof DataLockedError ||
      ["EADDRINUSE", "EACCES", "EROFS", "ConfigError"].includes(error.code ?? error.name);
    tell({ type: "failed", message: error.message, stack: fatal ? undefined : error.stack });
    setImmediate(() => process.exit(fatal ? EXIT_FATAL : 1));
  });
});
// A cluster's worker takes messages from its very start, before this listener was there: what was sent then is lost.
if (cluster.isWorker) process.send!({ type: "hello" });
// The parent's end, by whatever cause, closes the channel: no role outlives its supervisor.
process.on("disconnect", () => void end(0));
process.on("SIGTERM", () => void end(0));
process.on("SIGINT", () => void end(0));
for (const event of ["uncaughtException", "unhandledRejection"] as const) {
  process.on(event, (error: Error) => {
    const logger = running?.logger;
    if (logger === undefined)
      writeLine(JSON.stringify({ level: "fatal", msg: event, error: String(error?.stack ?? error) }));
    else logger.fatal({ error: error?.message, stack: error?.stack }, event);
    void end(1);
  });
}
