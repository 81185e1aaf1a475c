import { spawn, spawnSync } from "node:child_process";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, expect, test } from "vitest";
import { freePorts, type PortName, ROOT, temporaryDir } from "./support/stack.ts";

const PROGRAM = join(ROOT, "dist/gatewayz.js");
/** sysexits EX_CONFIG: a restart mends nothing. */
const EXIT_CONFIG = 78;

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const clean of cleanups.splice(0).reverse()) await clean();
});

function folder(): string {
  const dir = temporaryDir("start");
  cleanups.push(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

async function environmentFor(dir: string, ports?: Partial<Record<PortName, number>>): Promise<NodeJS.ProcessEnv> {
  const environment: NodeJS.ProcessEnv = { PATH: process.env["PATH"], GATEWAYZ_DATA: dir };
  for (const [name, port] of Object.entries({ ...(await freePorts()), ...ports }))
    environment[`GATEWAYZ_PORT_${name.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase()}`] = String(port);
  return environment;
}

interface Started {
  output: string;
  code: number | null;
}

function start(environment: NodeJS.ProcessEnv, ...args: string[]): Started {
  const child = spawn(process.execPath, [PROGRAM, ...args], { cwd: environment["GATEWAYZ_DATA"], env: environment });
  const started: Started = { output: "", code: null };
  for (const stream of [child.stdout, child.stderr]) {
    stream.on("data", (chunk) => {
      started.output += String(chunk);
    });
  }
  const exited = new Promise<void>((done) => {
    child.once("exit", (code) => {
      started.code = code;
      done();
    });
  });
  cleanups.push(() => {
    if (child.exitCode === null) child.kill("SIGTERM");
    return exited;
  });
  return started;
}

test("of two starts at once one runs, and the other names it", async () => {
  const environment = await environmentFor(folder());
  const both = [start(environment, "up"), start(environment, "up")];
  while (!both.some(({ code }) => code !== null) || !both.some(({ output }) => output.includes("all roles ready"))) {
    if (both.every(({ code }) => code !== null)) break;
    await sleep(50);
  }
  const loser = both.find(({ code }) => code !== null)!;
  const winner = both.find((one) => one !== loser)!;
  expect(loser.code).toBe(EXIT_CONFIG);
  expect(loser.output).toMatch(/port \d+ \(metrics\) is in use by gatewayz metrics \(pid \d+\); stop it, or set GATEW/);
  expect(winner.output).toContain("all roles ready");
});

test("one port for two roles is refused before anything starts", async () => {
  const { gateway } = await freePorts();
  const environment = await environmentFor(folder(), { gateway, logs: gateway });
  const { status, stderr } = spawnSync(process.execPath, [PROGRAM, "up"], { env: environment, encoding: "utf8" });
  expect([status, stderr]).toEqual([
    EXIT_CONFIG,
    `gatewayz: port ${gateway} is given to both logs and gateway; set GATEWAYZ_PORT_GATEWAY\n`,
  ]);
});

test("the printed configuration can be read back and holds no secret", async () => {
  const dir = folder();
  const environment = {
    ...(await environmentFor(dir)),
    OPENAI_API_KEY: "sk-canary-1",
    ADMIN_API_KEY: "gw-canary-22",
    GATEWAYZ_LOGS_URL: "http://user:pw-canary-3@logs:3100",
  };
  const config = (env: NodeJS.ProcessEnv) =>
    spawnSync(process.execPath, [PROGRAM, "config"], { cwd: dir, env, encoding: "utf8" });
  const first = config(environment);
  expect(first.stdout).not.toContain("canary");
  expect(first.stdout).toContain("http://<secret>@logs:3100");
  writeFileSync(join(dir, "gatewayz.yaml"), first.stdout);
  expect(config({ PATH: process.env["PATH"] }).stderr).toBe("");
});

test("of two that install or build at once the second waits; a killed one leaves nothing behind", async () => {
  const dir = folder();
  const file = join(dir, "lock");
  writeFileSync(file, "999999999"); // no such process
  const script = `import { withLock } from ${JSON.stringify(join(ROOT, "scripts/lock.mjs"))};
    import { appendFileSync } from "node:fs";
    withLock(${JSON.stringify(file)}, () => {
      appendFileSync("order", "<");
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 300);
      appendFileSync("order", ">");
    });`;
  const run = () =>
    new Promise((done) => {
      spawn(process.execPath, ["--input-type=module", "-e", script], { cwd: dir, stdio: "ignore" }).once("exit", done);
    });
  expect(await Promise.all([run(), run(), run()])).toEqual([0, 0, 0]);
  expect(readFileSync(join(dir, "order"), "utf8")).toBe("<><><>");
});
