// Installs from the lockfile and builds, each only when what it depends on has changed. A second run needs no network.
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { isFresh, stampOf, writeStamp } from "./stamp.mjs";

export const ROOT = resolve(dirname(fileURLToPath(import.meta.url)), "..");
const NODE_MAJOR_MIN = 20;

function run(command, args) {
  const result = spawnSync(command, args, { cwd: ROOT, stdio: ["ignore", 2, 2], env: process.env });
  if (result.error) throw result.error;
  if (result.status !== 0) {
    process.stderr.write(`gatewayz: "${command} ${args.join(" ")}" failed\n`);
    process.exit(result.status ?? 1);
  }
}

export function ensureInstalled() {
  if (Number(process.versions.node.split(".")[0]) < NODE_MAJOR_MIN) {
    process.stderr.write(`gatewayz: Node.js ${NODE_MAJOR_MIN} or newer is needed; this is ${process.version}\n`);
    process.exit(1);
  }
  const stampFile = resolve(ROOT, "node_modules/.gatewayz-install");
  const stamp = stampOf(ROOT, ["package-lock.json", "package.json", "web/package.json"]);
  if (isFresh(stampFile, stamp)) return;
  process.stderr.write("gatewayz: installing from the lockfile …\n");
  run("npm", ["ci", "--no-audit", "--no-fund", "--prefer-offline", "--loglevel=error"]);
  writeStamp(stampFile, stamp);
}

export function ensureBuilt() {
  const stampFile = resolve(ROOT, "dist/.stamp");
  const stamp = stampOf(ROOT, ["package-lock.json", "src", "web", "scripts"]);
  if (existsSync(resolve(ROOT, "dist/gatewayz.js")) && isFresh(stampFile, stamp)) return;
  process.stderr.write("gatewayz: building …\n");
  run(process.execPath, ["scripts/build.mjs"]);
  writeStamp(stampFile, stamp);
}
