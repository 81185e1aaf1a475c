// One at a time: two `npm start` in one folder must not install or build over each other.
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";

const WAIT_STEP_MS = 200;
/** Longer than the slowest install; whoever holds the lock then hangs. */
const WAIT_MAX_MS = 10 * 60_000;

/**
 * Runs `work` while this process alone holds `file`, which holds its pid. Waits for a holder that lives; a file whose
 * process died (killed while it installed) is cleared away.
 */
export function withLock(file, work) {
  mkdirSync(dirname(file), { recursive: true });
  acquire(file);
  const release = () => rmSync(file, { force: true });
  process.once("exit", release);
  try {
    return work();
  } finally {
    process.off("exit", release);
    release();
  }
}

function acquire(file) {
  const deadline = Date.now() + WAIT_MAX_MS;
  for (let said = false; ; ) {
    try {
      writeFileSync(file, String(process.pid), { flag: "wx" });
      return;
    } catch (error) {
      if (error.code !== "EEXIST") throw error;
    }
    const holder = holderOf(file);
    if (holder !== undefined && !isAlive(holder)) clear(file, holder);
    if (holder === undefined || !isAlive(holder)) continue;
    if (Date.now() > deadline) {
      process.stderr.write(`gatewayz: process ${holder} still installs or builds here; end it, or remove ${file}\n`);
      process.exit(1);
    }
    if (!said) process.stderr.write(`gatewayz: waiting for process ${holder}, which installs or builds here …\n`);
    said = true;
    sleep(WAIT_STEP_MS);
  }
}

/** Undefined when the file has just gone, 0 when its writer has not written yet or died before it could. */
function holderOf(file) {
  try {
    const text = readFileSync(file, "utf8");
    if (text !== "") return Number(text);
    sleep(WAIT_STEP_MS);
    return Number(readFileSync(file, "utf8"));
  } catch (error) {
    if (error.code === "ENOENT") return undefined;
    throw error;
  }
}

function isAlive(pid) {
  if (!Number.isInteger(pid) || pid <= 0 || pid === process.pid) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === "EPERM"; // it lives, and belongs to somebody else
  }
}

/** Moves the dead holder's file aside first: of two that saw it, only one may take it away. */
function clear(file, deadHolder) {
  const aside = `${file}.${process.pid}`;
  try {
    renameSync(file, aside);
  } catch (error) {
    if (error.code === "ENOENT") return;
    throw error;
  }
  const moved = Number(readFileSync(aside, "utf8"));
  if (moved !== deadHolder && isAlive(moved)) renameSync(aside, file);
  else rmSync(aside);
}

function sleep(ms) {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}
