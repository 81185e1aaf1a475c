import { closeSync, openSync, rmSync, statSync } from "node:fs";
import { connect, createServer, type Server } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

const LOCK_NAME = ".lock.sock";
/** A holder that does not say who it is within this time still holds the lock; it is named as unknown. */
const HOLDER_ANSWER_MS = 1_000;
/** Two starters that clear the same stale socket need this long to see whose socket stayed. */
const STALE_SETTLE_MS = 50;
const WAIT_STEP_MS = 100;
/** Address limit of a Unix socket on Linux is 108 bytes; longer folders are reached through `/proc/self/fd`. */
const SOCKET_PATH_MAX = 100;

/** What the file system says to who may not write there. */
const REFUSED: ReadonlySet<string> = new Set(["EACCES", "EPERM", "EROFS"]);

export class DataLockedError extends Error {
  override readonly name = "DataLockedError";
}

/**
 * Takes the data folder for this process. The lock is a listening socket, which the kernel releases when its process
 * dies by whatever means; a pid in a file would not do, as in a container pid 1 always lives.
 * @returns a function that releases the lock.
 * @throws DataLockedError naming the folder, and the holder if there is one: trying again will not help.
 */
export async function lockDataDir(dir: string): Promise<() => Promise<void>> {
  try {
    return await lock(dir);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === undefined || !REFUSED.has(code)) throw error;
    throw new DataLockedError(
      `data folder ${dir} cannot be written by this user (${code}); change its owner, or set GATEWAYZ_DATA to another folder`,
    );
  }
}

/**
 * As `lockDataDir`, but waits for a holder that lets go within `waitMs`.
 * @throws DataLockedError when it does not.
 */
export async function waitForDataDir(dir: string, waitMs: number): Promise<() => Promise<void>> {
  const deadline = Date.now() + waitMs;
  for (;;) {
    try {
      return await lockDataDir(dir);
    } catch (error) {
      if (!(error instanceof DataLockedError) || Date.now() >= deadline) throw error;
      await sleep(WAIT_STEP_MS);
    }
  }
}

async function lock(dir: string): Promise<() => Promise<void>> {
  const folder = openSync(dir, "r");
  const path = join(dir, LOCK_NAME);
  const address = path.length <= SOCKET_PATH_MAX ? path : `/proc/self/fd/${folder}/${LOCK_NAME}`;
  const describe = JSON.stringify({ pid: process.pid, startedAt: new Date().toISOString() });
  const server = createServer((socket) => {
    socket.on("error", () => socket.destroy());
    socket.end(describe);
  });
  server.unref();
  try {
    await listenOrClear(server, address, path, dir);
  } catch (error) {
    closeSync(folder);
    throw error;
  }
  return async () => {
    await new Promise<void>((resolve) => server.close(() => resolve()));
    closeSync(folder);
  };
}

async function listenOrClear(server: Server, address: string, path: string, dir: string): Promise<void> {
  if (await tryListen(server, address)) return;
  const holder = await askHolder(address);
  if (holder !== undefined) {
    throw new DataLockedError(
      `data folder ${dir} is in use by ${holder}; stop it, or set GATEWAYZ_DATA to another folder`,
    );
  }
  // The holder may just have let go and taken it away itself.
  rmSync(path, { force: true });
  if (!(await tryListen(server, address)))
    throw new DataLockedError(`data folder ${dir} was taken by another process just now`);
  const inode = statSync(path).ino;
  await sleep(STALE_SETTLE_MS);
  if (statSync(path).ino !== inode)
    throw new DataLockedError(`data folder ${dir} was taken by another process just now`);
}

/** True when listening; false when the address exists. */
function tryListen(server: Server, address: string): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const onError = (error: NodeJS.ErrnoException): void => {
      if (error.code === "EADDRINUSE") resolve(false);
      else reject(error);
    };
    server.once("error", onError);
    server.listen(address, () => {
      server.off("error", onError);
      resolve(true);
    });
  });
}

/** Who listens there, or undefined when nobody does (the socket file is left over from a process that died). */
function askHolder(address: string): Promise<string | undefined> {
  return new Promise((resolve) => {
    const socket = connect(address);
    let text = "";
    const timer = setTimeout(() => finish("a process that does not answer"), HOLDER_ANSWER_MS);
    const finish = (holder: string | undefined): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve(holder);
    };
    socket.on("data", (chunk) => {
      text += chunk.toString("utf8");
    });
    socket.on("end", () => finish(`process ${describeHolder(text)}`));
    socket.on("error", () => finish(undefined));
  });
}

function describeHolder(text: string): string {
  try {
    const { pid, startedAt } = JSON.parse(text) as { pid: number; startedAt: string };
    return `${pid} (since ${startedAt})`;
  } catch {
    return "of an unknown program";
  }
}
