import { spawn } from "node:child_process";
import { once } from "node:events";
import { access, mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { build } from "esbuild";
import { afterAll, beforeAll, expect, test } from "vitest";
import { matcher, openTestStore } from "../../src/metrics/store/store-testing.ts";
import { LEDGER_SERIES, LEDGER_START_MS } from "./store-writer.ts";

const ROOT = resolve(import.meta.dirname, "../..");
/** Kills of the first row; a night's run sets it to a thousand. */
const LOOPS = Number(process.env["FAULT_LOOPS"] ?? 8);
const SEED = Number(process.env["FAULT_SEED"] ?? 1);
const ENDLESS = 100_000_000;

let program: string;
let work: string;

beforeAll(async () => {
  // Beside the sources, so that the bundle finds node_modules.
  program = join(ROOT, ".cache/faults/store-writer.mjs");
  await build({
    entryPoints: [join(import.meta.dirname, "store-writer.ts")],
    outfile: program,
    bundle: true,
    platform: "node",
    format: "esm",
    packages: "external",
  });
  work = await mkdtemp(join(tmpdir(), "gatewayz-store-faults-"));
});

afterAll(async () => {
  await rm(work, { recursive: true, force: true });
});

interface Outcome {
  readonly acked: number[];
  /** Codes of refused commits, and how many series a query saw right after each. */
  readonly errors: { code: string; series: number }[];
  readonly closed: boolean;
}

/** Runs the writer below a wrapper command; kills it some milliseconds after it is ready, when `killAfterMs` is given. */
async function write(wrapper: readonly string[], args: readonly string[], killAfterMs?: number): Promise<Outcome> {
  const [command, ...rest] = [...wrapper, process.execPath, program, ...args];
  const child = spawn(command!, rest, { stdio: ["ignore", "pipe", "inherit"] });
  const outcome = { acked: [] as number[], errors: [] as { code: string; series: number }[], closed: false };
  createInterface({ input: child.stdout }).on("line", (line) => {
    const [word, first, second] = line.split(" ");
    if (word === "ack") outcome.acked.push(Number(first));
    else if (word === "error") outcome.errors.push({ code: first!, series: Number(second) });
    else if (word === "closed") outcome.closed = true;
    else if (word === "ready" && killAfterMs !== undefined) void sleep(killAfterMs).then(() => child.kill("SIGKILL"));
  });
  await once(child, "close");
  return outcome;
}

/** Every acknowledged batch is in every series exactly once; batches that were not acknowledged may be there. */
async function expectAcked(dir: string, acked: readonly number[], stepMs = 1): Promise<void> {
  const { store } = await openTestStore(dir);
  const range = { minTimeMs: 0, maxTimeMs: Number.MAX_SAFE_INTEGER };
  const found = await store.queryable.select([matcher("__name__", "=", "ledger")], range);
  await store.close();
  if (acked.length > 0) expect(found.length).toBe(LEDGER_SERIES);
  for (const { timestamps, values } of found) {
    const seen = new Map(
      Array.from(timestamps, (timestampMs, index) => [(timestampMs - LEDGER_START_MS) / stepMs, values[index]]),
    );
    expect(seen.size).toBe(timestamps.length);
    for (const k of acked) if (seen.get(k) !== k) throw new Error(`batch ${k} was acknowledged and is ${seen.get(k)}`);
  }
}

async function available(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

const kills = [
  { name: "while batches are written", stepMs: 1 },
  { name: "while blocks, checkpoints and merged blocks are written", stepMs: 30_000 },
];
test.each(kills)(`row 1: kill -9 $name, ${LOOPS} times: what was acknowledged is there`, async ({ stepMs }) => {
  const dir = join(work, `kill-${stepMs}`);
  let random = SEED;
  let acked: number[] = [];
  for (let loop = 0; loop < LOOPS; loop++) {
    random = (Math.imul(random, 1_103_515_245) + 12_345) >>> 0;
    const first = (acked.at(-1) ?? 0) + 200;
    const args = [dir, loop % 2 === 0 ? "1000" : "0", String(first), String(ENDLESS), String(stepMs)];
    const outcome = await write([], args, random % 400);
    acked = acked.concat(outcome.acked);
    await expectAcked(dir, acked, stepMs);
  }
  console.log(
    `kill -9: ${LOOPS} loops, steps of ${stepMs} ms, seed ${SEED}, ${acked.length} batches acknowledged, none lost`,
  );
});

test("row 7: a limit on file size refuses, kills nobody, and the next file takes what comes", async (context) => {
  if (!(await available("/usr/bin/prlimit"))) return context.skip();
  const dir = join(work, "fsize");
  const outcome = await write(["prlimit", "--fsize=40000"], [dir, "1000", "1", "2000", "1"]);
  expect(outcome.closed).toBe(true);
  expect(outcome.errors.length).toBeGreaterThan(0);
  for (const { code, series } of outcome.errors) {
    expect(code).toBe("STORAGE_FULL");
    expect(series).toBeGreaterThanOrEqual(LEDGER_SERIES);
  }
  expect(outcome.acked.at(-1)).toBe(2_000);
  await expectAcked(dir, outcome.acked);
});

test("row 6: a full disk refuses, is read from, and heals when there is room", async (context) => {
  if (!(await available("/usr/bin/unshare"))) return context.skip();
  const mount = join(work, "full");
  await mkdir(mount);
  // The tmpfs lives in the namespace of the writer; what must be checked afterwards is copied out of it.
  const script = [
    `mount -t tmpfs -o size=1m tmpfs ${mount} || exit 77`,
    `head -c 900k /dev/zero > ${mount}/ballast`,
    `"$@" ${mount}/store 1000 1 3000 1 ${mount}/ballast`,
    `cp -r ${mount}/store ${work}/full-copy`,
  ].join("\n");
  const outcome = await write(["unshare", "-Urm", "sh", "-c", script, "sh"], []);
  if (!(await available(join(work, "full-copy")))) return context.skip();
  expect(outcome.closed).toBe(true);
  expect(outcome.errors.length).toBeGreaterThan(0);
  for (const { code, series } of outcome.errors) {
    expect(code).toBe("STORAGE_FULL");
    expect(series).toBeGreaterThanOrEqual(LEDGER_SERIES);
  }
  expect(outcome.acked.at(-1)).toBe(3_000);
  await expectAcked(join(work, "full-copy"), outcome.acked);
});

test("row 9: the nth write fails with ENOSPC: no acknowledgement, nothing before or after it is lost", async (context) => {
  if (!(await available("/usr/bin/strace"))) return context.skip();
  for (const first of [1, 2, 5]) {
    const dir = join(work, `write-${first}`);
    const inject = `inject=pwrite64:error=ENOSPC:when=${first}+6`;
    const outcome = await write(
      ["strace", "-f", "-qq", "-o", "/dev/null", "-e", inject],
      [dir, "1000", "1", "300", "1"],
    );
    expect(outcome.closed).toBe(true);
    expect(outcome.errors.length).toBeGreaterThan(10);
    expect(outcome.errors.every(({ code }) => code === "STORAGE_FULL")).toBe(true);
    await expectAcked(dir, outcome.acked);
  }
});

test("row 8: an fsync fails: read-only from then on, never tried again as if clean", async (context) => {
  if (!(await available("/usr/bin/strace"))) return context.skip();
  const dir = join(work, "fsync");
  const inject = "inject=fdatasync:error=EIO:when=5";
  const outcome = await write(["strace", "-f", "-qq", "-o", "/dev/null", "-e", inject], [dir, "0", "1", "200", "1"]);
  expect(outcome.acked.length).toBeGreaterThan(0);
  expect(outcome.errors.length).toBe(200 - outcome.acked.length);
  expect(outcome.errors.every(({ code, series }) => code === "STORAGE_READ_ONLY" && series >= LEDGER_SERIES)).toBe(
    true,
  );
  // All acknowledgements came before the first refusal.
  expect(outcome.acked.at(-1)).toBe(outcome.acked.length);
  await expectAcked(dir, outcome.acked);
});
