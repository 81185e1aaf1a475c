import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { collectDefaultMetrics, Gauge, Registry } from "prom-client";
import type { RoleName } from "../config/roles.ts";
import type { Config } from "../config/schema.ts";
import { waitForDataDir } from "./data-lock.ts";
import { LogShipper } from "./log-shipper.ts";
import { createLogger, type Logger } from "./logger.ts";
import type { StartRole } from "./role.ts";
import { VERSION } from "./version.ts";

/** A role that does not finish its drain by then is ended; the supervisor's own limit is above this. */
const CLOSE_TIMEOUT_MS = 12_000;

/** A program that is started again at once may meet the one before it, whose ports are free and which still drains. */
const PREDECESSOR_MS_MAX = 5_000;

export interface RunningRole {
  readonly name: RoleName;
  readonly urls: Readonly<Record<string, string>>;
  readonly logger: Logger;
  /** Drains the role, flushes its log, releases its folder. Safe to call twice. */
  close(): Promise<void>;
}

export interface RunRoleOptions {
  readonly name: RoleName;
  readonly config: Config;
  readonly start: StartRole;
  /** Receives the role's JSON log lines. */
  writeLine(line: string): void;
  /** False where several roles share a process and only one may export process metrics. */
  readonly processMetrics: boolean;
  /** False for a worker, whose primary holds the folder. */
  readonly lockFolder?: boolean;
}

/** Builds a role's context (folder, lock, logger, registry), starts it, and gives back how to stop it. */
export async function runRole(options: RunRoleOptions): Promise<RunningRole> {
  const { name, config } = options;
  const dataDir = join(config.dataDir, name);
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  const unlock =
    options.lockFolder === false ? async () => undefined : await waitForDataDir(dataDir, PREDECESSOR_MS_MAX);
  const registry = new Registry();
  if (options.processMetrics) addProcessMetrics(registry);
  exportBuildInfo(registry, name);
  const shipper =
    config.peers.logs === undefined
      ? undefined
      : new LogShipper({
          url: config.peers.logs,
          key: config.engineKey,
          service: name,
          environment: config.gateway.environment,
          registry,
        });
  const logger = createLogger(name, config.logLevel, {
    write(line) {
      options.writeLine(line);
      shipper?.write(line);
    },
  });
  const controller = new AbortController();
  try {
    const role = await options.start({ name, config, dataDir, logger, registry, signal: controller.signal });
    let closing: Promise<void> | undefined;
    const close = async (): Promise<void> => {
      controller.abort();
      await withDeadline(role.close(), CLOSE_TIMEOUT_MS, () =>
        logger.warn({ timeoutMs: CLOSE_TIMEOUT_MS }, "drain took too long; ending now"),
      );
      await shipper?.close();
      await unlock();
    };
    return { name, urls: role.urls, logger, close: () => (closing ??= close()) };
  } catch (error) {
    controller.abort();
    await shipper?.close();
    await unlock();
    throw error;
  }
}

/** Gauges that end in `_total`, which promtool refuses; the same numbers are in the gauges by type beside them. */
const MISNAMED = ["nodejs_active_handles_total", "nodejs_active_requests_total", "nodejs_active_resources_total"];

function addProcessMetrics(registry: Registry): void {
  collectDefaultMetrics({ register: registry });
  for (const name of MISNAMED) registry.removeSingleMetric(name);
}

function exportBuildInfo(registry: Registry, name: RoleName): void {
  new Gauge({
    name: "gatewayz_build_info",
    help: "1, with the program's version, the role and the Node.js version as labels.",
    labelNames: ["version", "role", "node_version"],
    registers: [registry],
  }).set({ version: VERSION, role: name, node_version: process.version }, 1);
}

async function withDeadline(work: Promise<void>, limitMs: number, late: () => void): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const deadline = new Promise<void>((resolve) => {
    timer = setTimeout(() => {
      late();
      resolve();
    }, limitMs);
  });
  await Promise.race([work, deadline]);
  clearTimeout(timer);
}
