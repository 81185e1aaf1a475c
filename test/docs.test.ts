import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { createInterface } from "node:readline";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { debianTool, shellEnvironment } from "./support/debian-tools.ts";
import { codeBlocks } from "./support/shared-documents.ts";
import { freePorts, isAlive, ROOT, temporaryDir } from "./support/stack.ts";
import { until } from "./support/until.ts";

const PAGES = [
  "UNIFIED_DEPLOYMENT_GUIDE.md",
  "HEALTH_SERVICE_METRICS_FIX.md",
  "LOKI_TEMPO_STABILITY_FIX.md",
  "DEBUG_MISSING_METRICS.md",
];
const ADMIN_KEY = "gw_test_docs_5f0c8e2a7b";

let npm: ChildProcess;
let dataDir: string;
let ports: Awaited<ReturnType<typeof freePorts>>;
let shell: NodeJS.ProcessEnv;
const lines: Record<string, unknown>[] = [];

/** `npm start` as the guide has it, on free ports; the other blocks run against what it started. */
beforeAll(async () => {
  ports = await freePorts();
  dataDir = temporaryDir("docs");
  shell = shellEnvironment(await debianTool("jq"));
  npm = spawn("npm", ["start"], {
    cwd: ROOT,
    env: environment(),
    stdio: ["ignore", "pipe", "inherit"],
    detached: true,
  });
  createInterface({ input: npm.stdout! }).on("line", (line) => {
    if (line.startsWith("{")) lines.push(JSON.parse(line) as Record<string, unknown>);
  });
  await until("all roles are ready", () => lines.some(({ msg }) => msg === "all roles ready"), 120_000);
  // The first scrapes and the first collector round.
  await new Promise((done) => setTimeout(done, 15_000));
});
afterAll(async () => {
  if (npm?.pid !== undefined) process.kill(-npm.pid, "SIGTERM");
  const ended = (): boolean => lines.filter(({ msg }) => msg === "ready").every(({ pid }) => !isAlive(Number(pid)));
  await until("every role has ended", ended, 14_000);
  rmSync(dataDir, { recursive: true, force: true });
});

function environment(): Record<string, string> {
  const own: Record<string, string> = { ADMIN_API_KEY: ADMIN_KEY, GATEWAYZ_DATA: dataDir };
  for (const [name, port] of Object.entries(ports)) {
    own[`GATEWAYZ_PORT_${name.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase()}`] = String(port);
  }
  return { ...(shell as Record<string, string>), ...own };
}

/** The pages name the default ports; the test's are free ones. */
function mapped(code: string): string {
  const defaults: [number, number][] = [
    [8000, ports.gateway],
    [8001, ports.health],
    [9090, ports.metrics],
    [3100, ports.logs],
    [3200, ports.traces],
    [3000, ports.dashboards],
  ];
  return defaults.reduce((text, [from, to]) => text.replaceAll(`127.0.0.1:${from}`, `127.0.0.1:${to}`), code);
}

function run(code: string): Promise<{ code: number; output: string }> {
  const scriptAddresses = {
    GATEWAYZ_GATEWAY_URL: `http://127.0.0.1:${ports.gateway}`,
    GATEWAYZ_LOGS_URL: `http://127.0.0.1:${ports.logs}`,
    GATEWAYZ_TRACES_URL: `http://127.0.0.1:${ports.traces}`,
    GATEWAYZ_METRICS_URL: `http://127.0.0.1:${ports.metrics}`,
    GATEWAYZ_DASHBOARDS_URL: `http://127.0.0.1:${ports.dashboards}`,
  };
  const withAddresses = code.includes("health_check.sh") ? { ...environment(), ...scriptAddresses } : environment();
  return new Promise((done) => {
    const child = spawn("bash", ["-o", "pipefail", "-e", "-c", code], { cwd: ROOT, env: withAddresses });
    let output = "";
    for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk) => void (output += chunk));
    child.on("close", (status) => done({ code: status ?? -1, output }));
  });
}

for (const page of PAGES) {
  describe(`docs/${page}`, () => {
    const blocks = codeBlocks(readFileSync(join(ROOT, "docs", page), "utf8"), "bash");
    for (const [index, { heading, code }] of blocks.entries()) {
      if (code.trim() === "npm start") continue; // done before everything else
      test(`command ${index + 1}, under "${heading}", succeeds and answers`, async () => {
        // A criterion may need some traffic first; the table is asked until it holds, everything else at once.
        const patience = code.includes("gatewayz.js check") ? 90_000 : 1;
        let result = await run(mapped(code));
        for (const deadline = Date.now() + patience; result.code !== 0 && Date.now() < deadline; )
          result = await run(mapped(code));
        expect(result).toMatchObject({ code: 0 });
        expect(result.output.trim()).not.toBe("");
        expect(result.output).not.toContain("✗");
      });
    }
  });
}

test("npm start printed a URL per role", () => {
  const urls = lines.filter(({ msg }) => msg === "ready").map(({ url }) => url);
  expect(urls).toEqual(
    expect.arrayContaining(
      [ports.gateway, ports.health, ports.metrics, ports.logs, ports.traces, ports.dashboards].map(
        (port) => `http://127.0.0.1:${port}`,
      ),
    ),
  );
});

const EVERY_PAGE = [
  "README.md",
  "CONTRIBUTING.md",
  ...["docs", "docs/reference", "docs/formats"].flatMap((folder) =>
    readdirSync(join(ROOT, folder))
      .filter((name) => name.endsWith(".md"))
      .map((name) => join(folder, name)),
  ),
];

/** Where the links of a page lead inside the repository, from its root, with the heading if they name one. */
function linksOf(page: string): { path: string; heading: string | undefined }[] {
  const markdown = readFileSync(join(ROOT, page), "utf8");
  return [...markdown.matchAll(/\]\(([^)#\s]*)(?:#([^)\s]*))?\)/g)]
    .filter(([, target]) => !/^[a-z]+:/.test(target!))
    .map(([, target, heading]) => ({ path: target === "" ? page : join(dirname(page), target!), heading }));
}

/** The anchors of a page, as GitHub makes them of its headings. */
function anchorsOf(page: string): string[] {
  const markdown = readFileSync(join(ROOT, page), "utf8");
  return [...markdown.matchAll(/^#{1,6} (.+)$/gm)].map(([, heading]) =>
    heading!
      .toLowerCase()
      .replace(/[^\p{L}\p{N}_\- ]/gu, "")
      .replaceAll(" ", "-"),
  );
}

test("every link of the documentation leads somewhere", () => {
  const lost = EVERY_PAGE.flatMap((page) =>
    linksOf(page)
      .filter(
        ({ path, heading }) =>
          !existsSync(join(ROOT, path)) || (heading !== undefined && !anchorsOf(path).includes(heading)),
      )
      .map(({ path, heading }) => `${page} → ${path}${heading === undefined ? "" : `#${heading}`}`),
  );
  expect(lost).toEqual([]);
});

test("docs/README.md leads to every page below docs", () => {
  const reached = new Set(linksOf("docs/README.md").map(({ path }) => path));
  const pages = EVERY_PAGE.filter((page) => page.startsWith("docs/") && page !== "docs/README.md");
  expect(pages.filter((page) => !reached.has(page)).map((page) => relative("docs", page))).toEqual([]);
});
