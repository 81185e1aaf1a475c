import { resolve } from "node:path";
import { ConfigError } from "../config/config-error.ts";
import { loadConfig } from "../config/load.ts";
import { ROLE_NAMES, type RoleName } from "../config/roles.ts";
import type { Config } from "../config/schema.ts";
import { withPeers } from "../config/topology.ts";
import { DataLockedError, waitForDataDir } from "../runtime/data-lock.ts";
import { processMemoryBytes } from "../runtime/memory.ts";
import { freePort, portOwner, probePort } from "../runtime/ports.ts";
import type { RunningRole } from "../runtime/run-role.ts";
import { Supervisor } from "../runtime/supervisor.ts";
import { createReporter, type Reporter } from "./up-report.ts";

/**
 * Small young generations: seven processes that each keep 16 MB of garbage would cost more than all stores.
 * One helper thread for V8 instead of four: each keeps memory of its own, and there are more processes than cores.
 */
const COMMON_NODE_OPTIONS = ["--v8-pool-size=1", "--no-warnings"];
const NODE_OPTIONS = ["--max-semi-space-size=2", ...COMMON_NODE_OPTIONS];
/**
 * The gateway makes more garbage than it holds: with 2 MB for it, a request's objects were still in use at the next
 * collection and were copied, which was a seventh of its CPU.
 */
const GATEWAY_NODE_OPTIONS = ["--max-semi-space-size=8", ...COMMON_NODE_OPTIONS];
/** Longest that starting keeps others from starting in the same data folder, and that those wait. */
const STARTING_MS_MAX = 20_000;
/** Roles that hold little and hand on the rest: collecting more often costs them nothing. Queries would be slower. */
const SMALL_ROLES: readonly RoleName[] = ["health", "dashboards"];

export interface UpOptions {
  readonly roles: readonly RoleName[];
  readonly configFile: string | undefined;
  readonly inProcess: boolean;
  readonly demo: boolean;
  /** Folder of the built program. */
  readonly distDir: string;
  /** Folder that holds dashboards/, rules/ and web/. */
  readonly installDir: string;
}

type PortName = keyof Config["ports"];

const PORTS_OF: Readonly<Record<RoleName, readonly PortName[]>> = {
  gateway: ["gateway"],
  health: ["health"],
  metrics: ["metrics"],
  logs: ["logs"],
  traces: ["traces", "otlpGrpc", "otlpHttp"],
  dashboards: ["dashboards"],
};

/** `gatewayz up`: starts the roles and stays until SIGTERM or SIGINT. Resolves with the exit code. */
export async function up(options: UpOptions): Promise<number> {
  const startedAtMs = performance.timeOrigin;
  const roles = ROLE_NAMES.filter((role) => options.roles.length === 0 || options.roles.includes(role));
  const loaded = loadConfig({
    configFile: options.configFile,
    environment: process.env,
    workingDir: process.cwd(),
    installDir: options.installDir,
    roles,
  });
  const started = await beginStarting(loaded.config.dataDir);
  const config = withPeers(await withPorts(withDemo(loaded.config, options.demo), roles), roles);
  const report = createReporter({ ...loaded, config }, roles, startedAtMs);
  report.starting();
  const running = options.inProcess
    ? await startInProcess(config, roles, report)
    : await startChildren(config, roles, report, options.distDir);
  await started();
  report.allReady(running.pids().reduce((sum, pid) => sum + processMemoryBytes(pid), 0));
  const signal = await nextSignal(() => running.reload());
  report.stopping(signal);
  await running.stop();
  return 0;
}

/**
 * One start at a time per data folder: of two at once, each would take some roles' ports and folders, and both would
 * fail. The second finds the first one's ports taken, and names it. Roles of one folder may be started apart.
 * @returns what ends the turn; it also ends by itself, as a role that never gets ready must not hold up the others.
 */
async function beginStarting(dataDir: string): Promise<() => Promise<void>> {
  let release: () => Promise<void>;
  try {
    release = await waitForDataDir(dataDir, STARTING_MS_MAX);
  } catch (error) {
    throw error instanceof DataLockedError ? new ConfigError(error.message) : error;
  }
  let ended: Promise<void> | undefined;
  const end = (): Promise<void> => (ended ??= release());
  const timer = setTimeout(() => void end(), STARTING_MS_MAX / 2);
  timer.unref();
  return async () => {
    clearTimeout(timer);
    await end();
  };
}

interface Running {
  pids(): number[];
  /** Lets the gateway read its configuration again. */
  reload(): void;
  stop(): Promise<void>;
}

async function startChildren(
  config: Config,
  roles: readonly RoleName[],
  report: Reporter,
  distDir: string,
): Promise<Running> {
  const supervisor = new Supervisor({
    entry: resolve(distDir, "role-process.js"),
    config,
    nodeOptions: nodeOptionsOf,
    events: report,
  });
  const stopEarly = (): void => void supervisor.stop().then(() => process.exit(0));
  process.once("SIGTERM", stopEarly).once("SIGINT", stopEarly);
  try {
    await supervisor.start(roles);
  } catch (error) {
    await supervisor.stop();
    // A port that was taken since it was looked at is named with its owner.
    await withPorts(config, roles);
    throw new ConfigError((error as Error).message);
  }
  process.off("SIGTERM", stopEarly).off("SIGINT", stopEarly);
  return {
    pids: () => [process.pid, ...supervisor.pids],
    reload: () => supervisor.signal("gateway", "SIGHUP"),
    stop: () => supervisor.stop(),
  };
}

function nodeOptionsOf(role: RoleName): readonly string[] {
  if (role === "gateway") return GATEWAY_NODE_OPTIONS;
  return SMALL_ROLES.includes(role) ? [...NODE_OPTIONS, "--optimize-for-size"] : NODE_OPTIONS;
}

async function startInProcess(config: Config, roles: readonly RoleName[], report: Reporter): Promise<Running> {
  // Loaded only here: a supervisor has no use for what a role needs (logger, registry, HTTP client).
  const [{ runRole }, { loadRole }] = await Promise.all([import("../runtime/run-role.ts"), import("./roles.ts")]);
  const running: RunningRole[] = [];
  for (const [index, name] of roles.entries()) {
    const { start } = await loadRole[name]();
    const role = await runRole({
      name,
      config,
      start,
      writeLine: (line) => report.line(name, line.trimEnd()),
      processMetrics: index === 0,
    });
    running.push(role);
    report.ready(name, role.urls, 0, process.pid);
  }
  return {
    pids: () => [process.pid],
    reload: () => undefined, // The gateway in this process hears the signal itself.
    async stop() {
      // Writers before the stores they write into.
      for (const role of running.reverse()) await role.close();
    },
  };
}

function withDemo(config: Config, demo: boolean): Config {
  return demo ? config : { ...config, demo: { ...config.demo, enabled: false } };
}

/** Gives port 0 a number, and names every port that is taken, with its owner, before anything is started. */
async function withPorts(config: Config, roles: readonly RoleName[]): Promise<Config> {
  const ports = { ...config.ports };
  const taken: string[] = [];
  const users = new Map<number, PortName>();
  for (const name of roles.flatMap((role) => PORTS_OF[role])) {
    if (ports[name] === 0) ports[name] = await freePort(config.host);
    const user = users.get(ports[name]);
    if (user !== undefined) {
      taken.push(`port ${ports[name]} is given to both ${user} and ${name}; set ${portVariable(name)}`);
      continue;
    }
    users.set(ports[name], name);
    const code = await probePort(config.host, ports[name]);
    if (code === undefined) continue;
    const owner = portOwner(ports[name]);
    taken.push(
      code === "EADDRINUSE"
        ? `port ${ports[name]} (${name}) is in use${owner === undefined ? "" : ` by ${owner}`}; stop it, or set ${portVariable(name)}`
        : `cannot listen on ${config.host}:${ports[name]} (${name}): ${code}`,
    );
  }
  if (taken.length > 0) throw new ConfigError(taken.join("\n"));
  return { ...config, ports };
}

function portVariable(name: PortName): string {
  return `GATEWAYZ_PORT_${name.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase()}`;
}

/** SIGHUP is a closed terminal where there was one, else the usual word for reading the configuration again. */
function nextSignal(hangUp: () => void): Promise<NodeJS.Signals> {
  const hasTerminal = process.stdin.isTTY === true;
  return new Promise((done) => {
    for (const signal of ["SIGTERM", "SIGINT"] as const) process.once(signal, () => done(signal));
    process.on("SIGHUP", () => (hasTerminal ? done("SIGHUP") : hangUp()));
  });
}
