// Memory of the whole stack under demo traffic: the sum of the proportional set sizes. Run: npm run bench:memory [minutes]
import { setTimeout as sleep } from "node:timers/promises";
import { processMemoryBytes } from "../src/runtime/memory.ts";
import { Stack } from "../test/support/stack.ts";

const minutes = Number(process.argv[2] ?? 3);
const SAMPLE_MS = 5_000;
const TARGET_MB = 400;
const ROLES = ["metrics", "logs", "traces", "health", "gateway", "dashboards"];
const MEGABYTE = 1024 ** 2;

const stack = await Stack.start();
let peak = 0;
let last: Record<string, number> = {};
for (const end = Date.now() + minutes * 60_000; Date.now() < end; ) {
  await sleep(SAMPLE_MS);
  last = { supervisor: processMemoryBytes(stack.process.pid!) };
  for (const role of ROLES) last[role] = processMemoryBytes(stack.pidOf(role));
  peak = Math.max(peak, sum(last));
}
for (const [name, bytes] of Object.entries(last))
  console.log(`${name.padEnd(12)} ${(bytes / MEGABYTE).toFixed(0).padStart(4)} MB`);
console.log(
  `sum of PSS after ${minutes} min of demo traffic: ${(sum(last) / MEGABYTE).toFixed(0)} MB, peak ${(peak / MEGABYTE).toFixed(0)} MB (target ${TARGET_MB} MB)`,
);
await stack.dispose();

function sum(bytes: Readonly<Record<string, number>>): number {
  return Object.values(bytes).reduce((total, one) => total + one, 0);
}
