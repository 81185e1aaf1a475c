// From `git clone` to the first own request visible in the browser, install included. Run: npm run bench:first-request
import { execFileSync, spawn } from "node:child_process";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { openBrowser } from "../test/support/browser.ts";
import { freePorts, ROOT, temporaryDir } from "../test/support/stack.ts";

const TARGET_SECONDS = 90;
const ADMIN_KEY = "gw_test_first_request_1";

const browser = await openBrowser();
const folder = temporaryDir("first-request");
const ports = await freePorts();
// A home of its own: no npm cache from earlier runs.
const environment: NodeJS.ProcessEnv = {
  ...process.env,
  HOME: join(folder, "home"),
  npm_config_cache: join(folder, "cache"),
  ADMIN_API_KEY: ADMIN_KEY,
};
for (const [name, port] of Object.entries(ports)) {
  environment[`GATEWAYZ_PORT_${name.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase()}`] = String(port);
}
const startedAtMs = performance.now();
const elapsed = (): string => `${((performance.now() - startedAtMs) / 1000).toFixed(1)} s`;
execFileSync("git", ["clone", "--quiet", ROOT, join(folder, "clone")]);
const npm = spawn("npm", ["start"], {
  cwd: join(folder, "clone"),
  env: environment,
  stdio: ["ignore", "pipe", "ignore"],
  detached: true,
});
await new Promise<void>((ready) => {
  createInterface({ input: npm.stdout! }).on("line", (line) => {
    if (line.includes('"all roles ready"')) ready();
  });
});
console.log(`all roles ready after ${elapsed()}`);
const reply = await fetch(`http://127.0.0.1:${ports.gateway}/v1/chat/completions`, {
  method: "POST",
  headers: { authorization: `Bearer ${ADMIN_KEY}`, "content-type": "application/json" },
  body: JSON.stringify({ model: "gpt-4o-mini", messages: [{ role: "user", content: "Hello" }] }),
});
const traceId = reply.headers.get("x-trace-id");
console.log(`first request answered ${reply.status} after ${elapsed()}`);
const page = await browser.newPage();
await page.goto(`http://127.0.0.1:${ports.dashboards}/explore?ds=grafana_tempo&traceId=${traceId}`);
await page.locator('[data-panel-id="trace"][data-panel-state="data"]').waitFor({ timeout: 30_000 });
console.log(`its trace on the screen after ${elapsed()} (target ${TARGET_SECONDS} s)`);
await browser.close();
process.kill(-npm.pid!, "SIGTERM");
await new Promise((done) => npm.once("exit", done));
rmSync(folder, { recursive: true, force: true });
