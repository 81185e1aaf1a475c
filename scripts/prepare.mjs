// Installs from the lockfile and builds, each only when what it depends on has changed. A second run needs no network.
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { withLock } from "./lock.mjs";
import { isFresh, stampOf, writeStamp } from "./stamp.mjs";

export const ROOT = resolve(dirname(fileURLToPath(import.meta.url)), "..");
/** As `engines` of package.json says. */
const NODE_MIN = [20, 19];
const LOCK_FILE = resolve(ROOT, ".cache/prepare.lock");

function run(command, args) {
  const result = spawnSync(command, args, { cwd: ROOT, stdio: ["ignore", 2, 2], env: process.env });
  if (result.error) throw result.error;
  if (result.status !== 0) {
    process.stderr.write(`gatewayz: "${command} ${args.join(" ")}" failed\n`);
    process.exit(result.status ?? 1);
  }
}

export function ensureInstalled() {
  const [major, minor] = process.versions.node.split(".").map(Number);
  if (major < NODE_MIN[0] || (major === NODE_MIN[0] && minor < NODE_MIN[1])) {
    process.stderr.write(`gatewayz: Node.js ${NODE_MIN.join(".")} or newer is needed; this is ${process.version}\n`);
    process.exit(1);
  }
  const stampFile = resolve(ROOT, "node_modules/.gatewayz-install");
  const stamp = stampOf(ROOT, ["package-lock.json", "package.json", "web/package.json"]);
  once(
    () => isFresh(stampFile, stamp),
    () => {
      process.stderr.write("gatewayz: installing from the lockfile …\n");
      // Platforms set NODE_ENV=production, with which npm leaves out what the build needs.
      run("npm", ["ci", "--include=dev", "--no-audit", "--no-fund", "--prefer-offline", "--loglevel=error"]);
      writeStamp(stampFile, stamp);
    },
  );
}

export function ensureBuilt() {
  const stampFile = resolve(ROOT, "dist/.stamp");
  const stamp = stampOf(ROOT, ["package-lock.json", "src", "web", "scripts"]);
  once(
    () => existsSync(resolve(ROOT, "dist/gatewayz.js")) && isFresh(stampFile, stamp),
    () => {
      process.stderr.write("gatewayz: building …\n");
      run(process.execPath, ["scripts/build.mjs"]);
      writeStamp(stampFile, stamp);
    },
  );
}

/** Does `work` unless it is done, or another process did it while this one waited. */
function once(isDone, work) {
  if (isDone()) return;
  withLock(LOCK_FILE, () => {
    if (!isDone()) work();
  });
}
