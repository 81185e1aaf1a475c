import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { DataLockedError, lockDataDir, waitForDataDir } from "./data-lock.ts";

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "gatewayz-lock-"));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

test("a second holder is refused and told who holds; after release it may come in", async () => {
  const release = await lockDataDir(dir);
  await expect(lockDataDir(dir)).rejects.toThrow(DataLockedError);
  await expect(lockDataDir(dir)).rejects.toThrow(`process ${process.pid}`);
  await release();
  await (await lockDataDir(dir))();
});

test("who waits comes in when the holder lets go, and is refused when it does not", async () => {
  const release = await lockDataDir(dir);
  await expect(waitForDataDir(dir, 0)).rejects.toThrow(DataLockedError);
  const waiting = waitForDataDir(dir, 10_000);
  await release();
  await (await waiting)();
});

test("folders deeper than a socket address may be are locked too", async () => {
  const deep = join(dir, "x".repeat(120));
  mkdirSync(deep);
  const release = await lockDataDir(deep);
  await expect(lockDataDir(deep)).rejects.toThrow(DataLockedError);
  await release();
});

test.skipIf(process.getuid?.() === 0)("a folder that this user may not write is named", async () => {
  chmodSync(dir, 0o500);
  await expect(lockDataDir(dir)).rejects.toThrow(`data folder ${dir} cannot be written by this user (EACCES)`);
});

test("a holder that was killed leaves no lock behind", async () => {
  const script = `import { lockDataDir } from ${JSON.stringify(resolve(import.meta.dirname, "data-lock.ts"))};
    await lockDataDir(process.argv[1]); console.log("held"); setInterval(() => {}, 1000);`;
  const child = spawn(process.execPath, ["--import", "tsx", "--input-type=module", "-e", script, dir], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  await once(child.stdout, "data");
  await expect(lockDataDir(dir)).rejects.toThrow(`process ${child.pid}`);
  child.kill("SIGKILL");
  await once(child, "exit");
  await (await lockDataDir(dir))();
});
