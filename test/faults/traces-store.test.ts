import { spawn } from "node:child_process";
import { once } from "node:events";
import { access, mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { build } from "esbuild";
import { afterAll, beforeAll, expect, test } from "vitest";
import { findTrace } from "../../src/traces/query/trace-by-id.ts";
import { traceIdOf } from "../../src/traces/testing.ts";
import { LEDGER_SPANS, openLedger } from "./traces-writer.ts";

const ROOT = resolve(import.meta.dirname, "../..");
/** Kills of the first row; a night's run sets it to a thousand. */
const LOOPS = Number(process.env["FAULT_LOOPS"] ?? 8);
const SEED = Number(process.env["FAULT_SEED"] ?? 1);
const ENDLESS = 100_000_000;

let program: string;
let work: string;

beforeAll(async () => {
  // Beside the sources, so that the bundle finds node_modules.
  program = join(ROOT, ".cache/faults/traces-writer.mjs");
  await build({
    entryPoints: [join(import.meta.dirname, "traces-writer.ts")],
    outfile: program,
    bundle: true,
    platform: "node",
    format: "esm",
    packages: "external",
  });
  work = await mkdtemp(join(tmpdir(), "gatewayz-traces-faults-"));
});

afterAll(async () => {
  await rm(work, { recursive: true, force: true });
});

interface Outcome {
  readonly acked: number[];
  readonly errors: string[];
  closed: boolean;
}

/** Runs the writer below a wrapper command; kills it some milliseconds after it is ready, when `killAfterMs` is given. */
async function write(wrapper: readonly string[], args: readonly string[], killAfterMs?: number): Promise<Outcome> {
  const [command, ...rest] = [...wrapper, process.execPath, program, ...args];
  const child = spawn(command!, rest, { stdio: ["ignore", "pipe", "inherit"] });
  const outcome: Outcome = { acked: [], errors: [], closed: false };
  createInterface({ input: child.stdout }).on("line", (line) => {
    const [word, detail] = line.split(" ");
    if (word === "ack") outcome.acked.push(Number(detail));
    else if (word === "error") outcome.errors.push(detail!);
    else if (word === "closed") outcome.closed = true;
    else if (word === "ready" && killAfterMs !== undefined) void sleep(killAfterMs).then(() => child.kill("SIGKILL"));
  });
  await once(child, "close");
  return outcome;
}

/** Every acknowledged trace is there with each of its spans once. */
async function expectAcked(dataDir: string, acked: readonly number[]): Promise<void> {
  const store = await openLedger(dataDir);
  for (const trace of acked) {
    const groups = (await findTrace(store, Buffer.from(traceIdOf(trace), "hex"))) ?? [];
    const spans = groups.flatMap(({ scopes }) => scopes.flatMap((scope) => scope.spans)).length;
    if (spans !== LEDGER_SPANS) throw new Error(`trace ${trace} was acknowledged and has ${spans} spans`);
  }
  await store.close();
}

test(`row 1: kill -9 while spans and segments are written, ${LOOPS} times: what was acknowledged is there`, async () => {
  const dir = join(work, "kill");
  await mkdir(dir);
  let random = SEED;
  let acked: number[] = [];
  for (let loop = 0; loop < LOOPS; loop++) {
    random = (Math.imul(random, 1_103_515_245) + 12_345) >>> 0;
    const first = (acked.at(-1) ?? 0) + 200;
    const outcome = await write([], [dir, String(first), String(ENDLESS), "50"], random % 400);
    acked = acked.concat(outcome.acked);
    await expectAcked(dir, acked);
  }
  console.log(`kill -9: ${LOOPS} loops, seed ${SEED}, ${acked.length} traces acknowledged, none lost`);
  expect(acked.length).toBeGreaterThan(0);
});

test("row 7: a limit on file size refuses and kills nobody; what was acknowledged is there", async (context) => {
  const tool = await access("/usr/bin/prlimit").then(
    () => true,
    () => false,
  );
  if (!tool) return context.skip();
  const dir = join(work, "fsize");
  await mkdir(dir);
  const outcome = await write(["prlimit", "--fsize=100000"], [dir, "1", "2000", "1000000"]);
  expect(outcome.closed).toBe(true);
  expect(outcome.errors.length).toBeGreaterThan(0);
  expect(outcome.errors.every((code) => code === "STORAGE_FULL")).toBe(true);
  expect(outcome.acked.length).toBeGreaterThan(0);
  await expectAcked(dir, outcome.acked);
});
