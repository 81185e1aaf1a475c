import { type ChildProcess, execFile, spawn } from "node:child_process";
import { access, chown, constants, mkdtemp, realpath, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { promisify } from "node:util";
import { type DebianTool, optionalDebianTool, type UnpackedTool } from "./debian-tools.ts";
import { until } from "./until.ts";

const run = promisify(execFile);
const START_TIMEOUT_MS = 30_000;
const STOP_TIMEOUT_MS = 10_000;
const STARTS_MAX = 50;
/** `nobody` of every Linux: Postgres refuses to run as root. */
const UNPRIVILEGED_ID = 65_534;

/** A server that a test started; its data is gone when it has stopped. */
export interface RealServer {
  readonly url: string;
  /** Stops answering with its sockets open (SIGSTOP), and goes on again. */
  freeze(): void;
  thaw(): void;
  /** Kills it without a word; `start` begins again with the same data at the same address. */
  kill(): Promise<void>;
  start(): Promise<void>;
  stop(): Promise<void>;
}

/** Redis, from the PATH or from Debian; undefined, with the reason on stderr, where it cannot be had. */
export async function startRedis(): Promise<RealServer | undefined> {
  const tool = await findTool("redis-server", "redis-server");
  if (tool === undefined) return undefined;
  const folder = await mkdtemp(join(tmpdir(), "gatewayz-redis-"));
  const port = await freePort();
  const args = ["--port", String(port), "--bind", "127.0.0.1", "--dir", folder, "--appendonly", "yes", "--save", ""];
  return startServer({
    url: `redis://127.0.0.1:${port}`,
    folder,
    spawn: () => spawn(tool.path, args, { env: tool.env, stdio: "ignore" }),
    ready: async () => (await askOnce(port, "PING\r\n")).startsWith("+PONG"),
  });
}

/** Postgres, from the PATH or from Debian; undefined, with the reason on stderr, where it cannot be had. */
export async function startPostgres(): Promise<RealServer | undefined> {
  const tool = await findTool("postgres", "postgres");
  if (tool === undefined) return undefined;
  const folder = await mkdtemp(join(tmpdir(), "gatewayz-postgres-"));
  const user = process.getuid?.() === 0 ? { uid: UNPRIVILEGED_ID, gid: UNPRIVILEGED_ID } : {};
  if (user.uid !== undefined) await chown(folder, user.uid, user.gid);
  const data = join(folder, "data");
  const options = { env: tool.env, cwd: folder, ...user };
  try {
    const initdb = join(dirname(tool.path), "initdb");
    const made = ["-D", data, "-U", "gatewayz", "-A", "trust", "--locale=C", "--encoding=UTF8", "--no-sync"];
    await run(initdb, made, options);
  } catch (error) {
    console.warn(`skipping tests with Postgres: ${(error as Error).message.split("\n").slice(0, 3).join(" ")}`);
    await rm(folder, { recursive: true, force: true });
    return undefined;
  }
  const port = await freePort();
  const settings = { listen_addresses: "127.0.0.1", fsync: "off", shared_buffers: "16MB", max_connections: "50" };
  const args = ["-D", data, "-p", String(port), "-k", folder];
  for (const [name, value] of Object.entries(settings)) args.push("-c", `${name}=${value}`);
  return startServer({
    url: `postgres://gatewayz@127.0.0.1:${port}/postgres`,
    folder,
    spawn: () => spawn(tool.path, args, { ...options, stdio: "ignore" }),
    // The reply to an SSLRequest: one byte, when it takes connections.
    ready: async () => /^[SN]/.test(await askOnce(port, Buffer.from([0, 0, 0, 8, 4, 210, 22, 47]))),
  });
}

/** Empties the Postgres between suites: every table of every component. */
export async function dropAllTables(url: string): Promise<void> {
  const { default: pg } = await import("pg");
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await client.query("drop schema public cascade; create schema public");
  } finally {
    await client.end();
  }
}

interface ServerParts {
  readonly url: string;
  readonly folder: string;
  spawn(): ChildProcess;
  ready(): Promise<boolean>;
}

async function startServer(parts: ServerParts): Promise<RealServer> {
  let child: ChildProcess | undefined;
  const start = async (): Promise<void> => {
    child = parts.spawn();
    let starts = 1;
    let failure: Error | undefined;
    child.once("error", (error) => {
      failure = error;
    });
    const ready = async (): Promise<boolean> => {
      if (failure !== undefined) throw failure;
      // Postgres refuses while backends of a killed server still end.
      if (child!.exitCode !== null && starts++ < STARTS_MAX) child = parts.spawn();
      else if (child!.exitCode !== null) throw new Error(`${child!.spawnfile} ended with code ${child!.exitCode}`);
      return parts.ready().catch(() => false);
    };
    await until(`${parts.url} answers`, ready, START_TIMEOUT_MS);
  };
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    const ending = child;
    child = undefined;
    if (ending === undefined || ending.exitCode !== null || ending.signalCode !== null) return;
    const ended = new Promise((resolve) => ending.once("exit", resolve));
    const timer = setTimeout(() => ending.kill("SIGKILL"), STOP_TIMEOUT_MS);
    ending.kill("SIGCONT");
    ending.kill(signal);
    await ended;
    clearTimeout(timer);
  };
  await start();
  return {
    url: parts.url,
    freeze: () => child?.kill("SIGSTOP"),
    thaw: () => child?.kill("SIGCONT"),
    kill: () => end("SIGKILL"),
    start,
    stop: async () => {
      await end("SIGINT"); // Postgres' fast shutdown: clients are not waited for.
      await rm(parts.folder, { recursive: true, force: true });
    },
  };
}

/** The program of the PATH, with its links followed, as its companions lie beside it; else Debian's. */
async function findTool(program: string, debian: DebianTool): Promise<UnpackedTool | undefined> {
  for (const folder of (process.env["PATH"] ?? "").split(delimiter)) {
    const path = join(folder, program);
    const found = await access(path, constants.X_OK).then(
      () => true,
      () => false,
    );
    // Redis looks at the name by which it is called: its link is not followed.
    if (found) return { path: program === "postgres" ? await realpath(path) : path, env: process.env };
  }
  return optionalDebianTool(debian);
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** Sends bytes and gives back the first bytes of the answer. */
async function askOnce(port: number, bytes: string | Buffer): Promise<string> {
  const { connect } = await import("node:net");
  return new Promise((resolve, reject) => {
    const socket = connect(port, "127.0.0.1", () => socket.write(bytes));
    socket.once("data", (data) => {
      resolve(data.toString("latin1"));
      socket.destroy();
    });
    socket.once("error", reject);
    socket.setTimeout(1_000, () => socket.destroy(new Error("no answer")));
  });
}
