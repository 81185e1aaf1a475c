import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Registry } from "prom-client";
import { afterEach, beforeEach, expect, test } from "vitest";
import { createLogger } from "../../runtime/logger.ts";
import { parseConfig } from "../config/load-config.ts";
import { RecordingStore } from "../testing.ts";
import { ScrapeManager } from "./scrape-manager.ts";
import { ScrapeMetrics } from "./scrape-metrics.ts";

let server: Server;
let address: string;
let folder: string;
let store: RecordingStore;
let manager: ScrapeManager;

beforeEach(async () => {
  server = createServer((_request, response) => {
    response.setHeader("content-type", "text/plain");
    response.end("a 1\n");
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  address = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  folder = await mkdtemp(join(tmpdir(), "gatewayz-scrape-"));
  store = new RecordingStore();
  const logger = createLogger("metrics", "error", { write: () => undefined });
  manager = new ScrapeManager({ appender: store.appender, metrics: new ScrapeMetrics(new Registry()), logger });
});

afterEach(async () => {
  await manager.stop();
  server.closeAllConnections();
  server.close();
  await rm(folder, { recursive: true });
});

function apply(jobs: string): Promise<void> {
  return manager.apply(parseConfig(`global: { scrape_interval: 5s }\nscrape_configs:\n${jobs}`, "test", folder));
}

function job(name: string, rest: string): string {
  return `  - job_name: ${name}\n${rest}`;
}

const targets = (...labels: string[]): string =>
  `    static_configs: [${labels.map((label) => `{ targets: ['${address}'], labels: { i: ${label} } }`).join(", ")}]\n`;

/** Series that ended since the last call, by their label `i`. */
function ended(): string[] {
  const stale = store.take().filter((line) => line.includes(" stale "));
  return stale.map((line) => /i="(\w+)"/.exec(line)?.[1] ?? line).sort();
}

async function allUp(count: number): Promise<void> {
  await expect
    .poll(() => manager.targets.map(({ health }) => health), { timeout: 10_000 })
    .toEqual(Array(count).fill("up"));
}

test("a reload ends the series of targets that are gone, and only theirs", async () => {
  await apply(job("j", targets("x", "y")) + job("k", targets("z")));
  await allUp(3);
  store.take();
  await apply(job("j", `    honor_labels: true\n${targets("x")}`) + job("k", targets("z")));
  expect(ended()).toEqual(["y"]);
  await allUp(2);
  await apply(job("j", `    honor_labels: true\n${targets("x")}`));
  expect(ended()).toEqual(["z"]);
  expect(manager.jobNames).toEqual(["j"]);
});

test("an unchanged job keeps its targets through a reload", async () => {
  await apply(job("j", targets("x")));
  await allUp(1);
  const [before] = manager.targets;
  await apply(job("j", targets("x")) + job("k", targets("y")));
  expect(manager.targets).toContain(before);
});

test("targets that relabelling drops are listed and not scraped", async () => {
  await apply(job("j", `${targets("x", "y")}    relabel_configs: [{ source_labels: [i], regex: x, action: drop }]\n`));
  expect(manager.targets.map(({ labels }) => labels.get("i"))).toEqual(["y"]);
  expect(manager.dropped.map(({ discoveredLabels }) => discoveredLabels.get("i"))).toEqual(["x"]);
  expect(manager.droppedCounts).toEqual({ j: 1 });
});

test("discovery files are followed, and a broken one keeps what it said before", async () => {
  const file = join(folder, "targets.json");
  await writeFile(file, JSON.stringify([{ targets: [address], labels: { i: "x" } }]));
  await apply(job("j", "    file_sd_configs: [{ files: ['*.json'], refresh_interval: 50ms }]\n"));
  expect(manager.targets.map(({ labels }) => labels.get("i"))).toEqual(["x"]);
  expect(manager.targets[0]!.discoveredLabels.get("__meta_filepath")).toBe(file);
  await writeFile(file, "[{");
  await new Promise((resolve) => setTimeout(resolve, 150));
  expect(manager.targets).toHaveLength(1);
  await writeFile(file, JSON.stringify([{ targets: [address], labels: { i: "y" } }]));
  await expect.poll(() => manager.targets.map(({ labels }) => labels.get("i")), { timeout: 10_000 }).toEqual(["y"]);
});

test("more targets than the limit are not scraped at all", async () => {
  await apply(job("j", `${targets("x", "y")}    target_limit: 1\n`));
  expect(manager.targets).toEqual([]);
});
