// Memory and CPU of the whole stack under demo traffic with dashboards open. Run: npm run bench:memory [minutes]
import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { processMemoryBytes } from "../src/runtime/memory.ts";
import { Stack } from "../test/support/stack.ts";
import { DashboardRefresh } from "./dashboard-refresh.ts";

const minutes = Number(process.argv[2] ?? 3);
const SAMPLE_MS = 5_000;
const TARGET_MB = 400;
const ROLES = ["metrics", "logs", "traces", "health", "gateway", "dashboards"];
const MEGABYTE = 1024 ** 2;
const TICKS_PER_SECOND = 100; // USER_HZ of every Linux that Node.js runs on

const stack = await Stack.start();
const pids: Record<string, number> = { supervisor: stack.process.pid! };
for (const role of ROLES) pids[role] = stack.pidOf(role);
const dashboards = new DashboardRefresh(stack);
const startedAtMs = Date.now();
const cpuAtStart = each(cpuSeconds);
const samples: Record<string, number>[] = [];
for (const end = startedAtMs + minutes * 60_000; Date.now() < end; ) {
  await sleep(SAMPLE_MS);
  samples.push(each(processMemoryBytes));
  if (samples.length % 12 === 0) console.log(`after ${samples.length / 12} min: ${megabytes(sum(samples.at(-1)!))} MB`);
}
const elapsedSeconds = (Date.now() - startedAtMs) / 1000;
const cpuAtEnd = each(cpuSeconds);
const threads = each(threadCount);
await dashboards.stop();

console.log("process        first    last    peak  MB     CPU %  threads");
for (const name of Object.keys(pids)) {
  const bytes = samples.map((sample) => sample[name]!);
  const columns = [bytes[0]!, bytes.at(-1)!, Math.max(...bytes)].map((one) => megabytes(one).padStart(8)).join("");
  const cpu = ((cpuAtEnd[name]! - cpuAtStart[name]!) / elapsedSeconds) * 100;
  console.log(`${name.padEnd(12)}${columns}${cpu.toFixed(1).padStart(14)}${String(threads[name]).padStart(9)}`);
}
const sums = samples.map(sum);
const { refreshMs, queries, failed } = dashboards;
console.log(
  `${refreshMs.length} refreshes of four dashboards, ${queries} queries (${failed} failed), median ${median(refreshMs).toFixed(0)} ms a refresh`,
);
console.log(
  `sum of PSS after ${minutes} min: ${megabytes(sums.at(-1)!)} MB, median of the last half ${megabytes(median(sums.slice(sums.length / 2)))} MB, peak ${megabytes(Math.max(...sums))} MB (target ${TARGET_MB} MB)`,
);
await stack.dispose();

function each(measure: (pid: number) => number): Record<string, number> {
  return Object.fromEntries(Object.entries(pids).map(([name, pid]) => [name, measure(pid)]));
}

/** User and system time of a process so far, from /proc/[pid]/stat. */
function cpuSeconds(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8")
    .replace(/^.*\) /, "")
    .split(" ");
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
}

function threadCount(pid: number): number {
  return Number(/^Threads:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))![1]);
}

function sum(bytes: Readonly<Record<string, number>>): number {
  return Object.values(bytes).reduce((total, one) => total + one, 0);
}

function median(values: readonly number[]): number {
  return values.toSorted((left, right) => left - right)[Math.floor(values.length / 2)] ?? 0;
}

function megabytes(bytes: number): string {
  return (bytes / MEGABYTE).toFixed(0);
}
