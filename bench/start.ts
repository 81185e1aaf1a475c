// How long a second `npm start` takes until every role is ready. Run: npm run bench:start
import { spawn } from "node:child_process";
import { rmSync } from "node:fs";
import { createInterface } from "node:readline";
import { freePorts, ROOT, temporaryDir } from "../test/support/stack.ts";

const ROUNDS = 5;
const TARGET_SECONDS = 3;

const dataDir = temporaryDir("bench-start");
const ports = await freePorts();
const environment: NodeJS.ProcessEnv = { ...process.env, GATEWAYZ_DATA: dataDir };
for (const [name, port] of Object.entries(ports)) {
  environment[`GATEWAYZ_PORT_${name.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase()}`] = String(port);
}

/** Seconds from the command to the line "all roles ready". */
function startOnce(): Promise<number> {
  return new Promise((done, failed) => {
    const startedAtMs = performance.now();
    let seconds = Number.NaN;
    const npm = spawn("npm", ["start"], {
      cwd: ROOT,
      env: environment,
      stdio: ["ignore", "pipe", "inherit"],
      detached: true,
    });
    createInterface({ input: npm.stdout }).on("line", (line) => {
      if (!line.includes('"all roles ready"')) return;
      seconds = (performance.now() - startedAtMs) / 1000;
      process.kill(-npm.pid!, "SIGTERM");
    });
    // "close" comes when the last role has let go of the pipe; npm itself ends sooner.
    npm.on("close", () =>
      Number.isNaN(seconds) ? failed(new Error("npm start ended before it was ready")) : done(seconds),
    );
  });
}

await startOnce(); // installs, builds and makes the data folder
const seconds: number[] = [];
for (let round = 0; round < ROUNDS; round++) seconds.push(await startOnce());
seconds.sort((left, right) => left - right);
console.log(
  `second npm start until all roles are ready: median ${seconds[Math.floor(ROUNDS / 2)]!.toFixed(2)} s, ${seconds[0]!.toFixed(2)} to ${seconds.at(-1)!.toFixed(2)} s over ${ROUNDS} (target ${TARGET_SECONDS} s)`,
);
rmSync(dataDir, { recursive: true, force: true });
