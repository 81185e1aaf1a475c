import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { Config } from "../config/schema.ts";
import { Supervisor } from "./supervisor.ts";

let dir: string;
let supervisor: Supervisor | undefined;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "gatewayz-supervisor-"));
});
afterEach(async () => {
  await supervisor?.stop();
  rmSync(dir, { recursive: true, force: true });
});

interface Seen {
  ready: { role: string; restarts: number; pid: number }[];
  exited: { role: string; reason: string; restartInMs: number | undefined }[];
  lines: string[];
}

/** A supervisor over a child written for the test; the child sees the protocol as a role's process does. */
function supervise(childBody: string): Seen {
  const entry = join(dir, "child.mjs");
  writeFileSync(
    entry,
    `process.on("disconnect", () => process.exit(0));
     process.on("message", (message) => { const ready = () => process.send({ type: "ready", urls: { main: message.role } }); ${childBody} });`,
  );
  const seen: Seen = { ready: [], exited: [], lines: [] };
  supervisor = new Supervisor({
    entry,
    config: {} as Config,
    nodeOptions: () => [],
    events: {
      line: (_role, line) => void seen.lines.push(line),
      ready: (role, _urls, restarts, pid) => void seen.ready.push({ role, restarts, pid: pid! }),
      exited: (role, reason, restartInMs) => void seen.exited.push({ role, reason, restartInMs }),
    },
  });
  return seen;
}

test("a killed role is started again, later each time", async () => {
  const seen = supervise("ready();");
  await supervisor!.start(["logs"]);
  for (let round = 1; round <= 2; round++) {
    process.kill(seen.ready.at(-1)!.pid, "SIGKILL");
    await expect.poll(() => seen.ready.length, { timeout: 5_000 }).toBe(round + 1);
  }
  expect(seen.ready.map(({ restarts }) => restarts)).toEqual([0, 1, 2]);
  expect(seen.exited).toEqual([
    { role: "logs", reason: "signal SIGKILL", restartInMs: 200 },
    { role: "logs", reason: "signal SIGKILL", restartInMs: 400 },
  ]);
});

test("what a restart cannot mend ends the start with the role's own words", async () => {
  const seen = supervise(
    'process.send({ type: "failed", message: "port 1 is in use" }); setImmediate(() => process.exit(78));',
  );
  await expect(supervisor!.start(["logs"])).rejects.toThrow("logs: port 1 is in use");
  expect(seen.exited).toEqual([{ role: "logs", reason: "port 1 is in use", restartInMs: undefined }]);
});

test("stop asks politely; lines of both streams arrive whole", async () => {
  const seen = supervise(
    'console.log("{\\"a\\":1}"); console.error("plain"); process.on("SIGTERM", () => { console.log("bye"); process.exit(0); }); ready();',
  );
  await supervisor!.start(["logs", "traces"]);
  await supervisor!.stop();
  expect(seen.lines.filter((line) => line === "bye").length).toBe(2);
  expect(seen.lines).toEqual(expect.arrayContaining(['{"a":1}', "plain"]));
  expect(seen.exited).toEqual([]);
});
