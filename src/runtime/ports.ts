import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { basename } from "node:path";

/** The error code when `host:port` cannot be bound, else undefined. The port is free again afterwards. */
export function probePort(host: string, port: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    server.listen({ host, port, exclusive: true }, () => server.close(() => resolve(undefined)));
  });
}

/** A port that is free now. */
export function freePort(host: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen({ host, port: 0 }, () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(port));
    });
  });
}

/**
 * `name (pid N)` of the process that listens on a TCP port, where Linux lets us see it.
 * Source: proc(5), `/proc/net/tcp`: local address in hex, state 0A is LISTEN, field 10 is the socket's inode.
 */
export function portOwner(port: number): string | undefined {
  const inodes = new Set<string>();
  for (const table of ["/proc/net/tcp", "/proc/net/tcp6"]) {
    for (const row of readLines(table).slice(1)) {
      const fields = row.trim().split(/\s+/);
      if (fields[3] === "0A" && Number.parseInt(fields[1]!.split(":")[1]!, 16) === port) inodes.add(fields[9]!);
    }
  }
  if (inodes.size === 0) return undefined;
  for (const pid of listDir("/proc").filter((name) => /^\d+$/.test(name))) {
    for (const descriptor of listDir(`/proc/${pid}/fd`)) {
      const inode = /^socket:\[(\d+)\]$/.exec(readLink(`/proc/${pid}/fd/${descriptor}`))?.[1];
      if (inode !== undefined && inodes.has(inode)) return `${programName(pid)} (pid ${pid})`;
    }
  }
  return undefined;
}

/** The program's own name without its arguments, which are nobody's business. */
function programName(pid: string): string {
  const first = readLines(`/proc/${pid}/cmdline`)[0]?.split("\0", 1)[0] ?? "";
  return basename(first) || "a process";
}

// Processes come and go and belong to others while we look: what cannot be read is not there for us.
function readLines(path: string): string[] {
  try {
    return readFileSync(path, "utf8").split("\n").filter(Boolean);
  } catch {
    return [];
  }
}

function listDir(path: string): string[] {
  try {
    return readdirSync(path);
  } catch {
    return [];
  }
}

function readLink(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return "";
  }
}
