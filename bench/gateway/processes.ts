import { type ChildProcess, spawn } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { createServer } from "node:net";
import { resolve } from "node:path";

export const ROOT = resolve(import.meta.dirname, "../..");
/** Linux' clock ticks of `utime` and `stime` (getconf CLK_TCK). */
const TICKS_PER_SECOND = 100;

/** Starts Node.js bound to one core. */
export function pinned(
  core: number,
  args: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): ChildProcess {
  return spawn("taskset", ["-c", String(core), process.execPath, ...args], {
    cwd: ROOT,
    stdio: ["ignore", process.env["BENCH_OUTPUT"] ? "inherit" : "ignore", "inherit", "ipc"],
    env: { ...process.env, ...environment },
  });
}

export function message<T>(child: ChildProcess): Promise<T> {
  return new Promise((done, fail) => {
    child.once("message", (value) => done(value as T));
    child.once("exit", (code) => fail(new Error(`a process of the benchmark ended with ${code}`)));
  });
}

export function freePort(): Promise<number> {
  return new Promise((done) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const { port } = server.address() as { port: number };
      server.close(() => done(port));
    });
  });
}

/** The process and all that it started. */
export function family(pid: number): number[] {
  const parents = new Map<number, number>();
  for (const name of readdirSync("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    const fields = statFields(Number(name));
    if (fields !== undefined) parents.set(Number(name), Number(fields[1]));
  }
  const found = [pid];
  for (const one of found) for (const [child, parent] of parents) if (parent === one) found.push(child);
  return found;
}

/** Fields of /proc/pid/stat (proc(5)) after the name: state, ppid, … */
function statFields(pid: number): string[] | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, "utf8");
    return text.slice(text.lastIndexOf(")") + 2).split(" ");
  } catch {
    return undefined; // It has ended meanwhile.
  }
}

/** User and system time of all these processes, µs. */
export function cpuMicros(pids: readonly number[]): number {
  const ticks = pids.reduce((sum, pid) => {
    const fields = statFields(pid);
    return sum + (fields === undefined ? 0 : Number(fields[11]) + Number(fields[12]));
  }, 0);
  return (ticks * 1e6) / TICKS_PER_SECOND;
}

/** Resident memory of all these processes, bytes. */
export function residentBytes(pids: readonly number[]): number {
  return pids.reduce((sum, pid) => {
    const match = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, "utf8"));
    return sum + Number(match?.[1] ?? 0) * 1_024;
  }, 0);
}

/** Resolves with the ms until `url` answers anything. */
export async function untilAnswers(url: string, limitMs = 20_000): Promise<number> {
  const startedAt = performance.now();
  for (;;) {
    try {
      await (await fetch(url)).arrayBuffer();
      return performance.now() - startedAt;
    } catch {
      if (performance.now() - startedAt > limitMs) throw new Error(`${url} does not answer`);
      await new Promise((done) => setTimeout(done, 10));
    }
  }
}
