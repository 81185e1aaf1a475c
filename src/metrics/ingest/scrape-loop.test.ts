import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { gzipSync } from "node:zlib";
import { Registry } from "prom-client";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { createLogger } from "../../runtime/logger.ts";
import { parseConfig } from "../config/load-config.ts";
import { RecordingStore } from "../testing.ts";
import { ScrapeClient } from "./scrape-client.ts";
import { ScrapeLoop } from "./scrape-loop.ts";
import { ScrapeMetrics } from "./scrape-metrics.ts";
import { resolveTargets } from "./target.ts";

let server: Server;
let address: string;
let respond: (request: IncomingMessage, response: ServerResponse) => void;
let requests: IncomingMessage[];

beforeAll(async () => {
  server = createServer((request, response) => {
    requests.push(request);
    respond(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  address = `127.0.0.1:${(server.address() as AddressInfo).port}`;
});

beforeEach(() => {
  requests = [];
});

afterAll(() => {
  server.closeAllConnections();
  server.close();
});

function body(text: string, contentType = "text/plain; version=0.0.4"): void {
  respond = (_request, response) => {
    response.setHeader("content-type", contentType);
    response.end(text);
  };
}

interface Fixture {
  loop: ScrapeLoop;
  store: RecordingStore;
  /** What it logged. */
  logged: string[];
  /** Scrapes at the next full second, or `aheadMs` from the last. */
  scrape(aheadMs?: number): Promise<number>;
}

async function fixture(extra = "", target = address): Promise<Fixture> {
  const text = `global: { scrape_interval: 10s, scrape_timeout: 8s }\nscrape_configs:\n  - job_name: j\n    static_configs: [{ targets: ['${target}'] }]\n${extra}`;
  const config = parseConfig(text, "test", "/").scrapeConfigs[0]!;
  const store = new RecordingStore();
  let nowMs = 1_000_000;
  const logged: string[] = [];
  const loop = new ScrapeLoop({
    target: resolveTargets(config, config.staticConfigs).active[0]!,
    config,
    client: await ScrapeClient.create(config),
    appender: store.appender,
    metrics: new ScrapeMetrics(new Registry()),
    logger: createLogger("metrics", "info", { write: (line) => void logged.push(line) }),
    now: () => nowMs,
  });
  return {
    loop,
    store,
    logged,
    scrape: async (aheadMs = 1_000) => {
      nowMs += aheadMs;
      await loop.scrapeOnce(nowMs);
      return nowMs;
    },
  };
}

const OF_TARGET = (): string => `instance="${address}", job="j"`;

describe("a scrape", () => {
  test("stores samples under the target's labels, with its own report", async () => {
    body('a{x="1"} 2\nb 3 999\n');
    const { store, scrape, loop } = await fixture();
    const atMs = await scrape();
    expect(store.take(/^scrape_duration/)).toEqual([
      `a{${OF_TARGET()}, x="1"} 2 @${atMs}`,
      `b{${OF_TARGET()}} 3 @999`,
      `up{${OF_TARGET()}} 1 @${atMs}`,
      `scrape_samples_scraped{${OF_TARGET()}} 2 @${atMs}`,
      `scrape_samples_post_metric_relabeling{${OF_TARGET()}} 2 @${atMs}`,
      `scrape_series_added{${OF_TARGET()}} 2 @${atMs}`,
    ]);
    expect(loop.target).toMatchObject({ health: "up", lastError: "", lastScrapeMs: atMs });
    expect(requests[0]!.headers).toMatchObject({
      "x-prometheus-scrape-timeout-seconds": "8",
      "accept-encoding": "gzip",
    });
    expect(requests[0]!.headers.accept).toMatch(/^application\/openmetrics-text;version=1\.0\.0/);
  });

  test("marks a series stale when it vanishes, and all of them when the target fails", async () => {
    const { store, scrape, loop } = await fixture();
    body("a 1\nb 1\nold 1 500\n");
    await scrape();
    store.take();
    body("b 2\n");
    const second = await scrape();
    expect(store.take()).toEqual([`b{${OF_TARGET()}} 2 @${second}`, `a{${OF_TARGET()}} stale @${second}`]);
    respond = (_request, response) => response.writeHead(500).end();
    const third = await scrape();
    expect(store.take(/^scrape/)).toEqual([`b{${OF_TARGET()}} stale @${third}`, `up{${OF_TARGET()}} 0 @${third}`]);
    expect(loop.target).toMatchObject({
      health: "down",
      lastError: "server returned HTTP status 500 Internal Server Error",
    });
    await scrape();
    expect(store.take()).toEqual([]);
    body("b 3\n");
    const fifth = await scrape();
    expect(store.take()).toEqual([`b{${OF_TARGET()}} 3 @${fifth}`]);
  });

  test("a bad line fails the whole body", async () => {
    const { store, scrape, loop } = await fixture();
    body("a 1\n");
    await scrape();
    store.take();
    body("a 2\nb{ 1\n");
    const atMs = await scrape();
    expect(store.take()).toEqual([`a{${OF_TARGET()}} stale @${atMs}`]);
    expect(loop.target.lastError).toContain("expected label name");
    body("a 3\nb 1\n");
    const third = await scrape();
    expect(store.take()).toEqual([`a{${OF_TARGET()}} 3 @${third}`, `b{${OF_TARGET()}} 1 @${third}`]);
  });

  test("series that change places are found again", async () => {
    const { store, scrape } = await fixture();
    body("a 1\nb 1\nc 1\n");
    await scrape();
    store.take();
    body("c 2\na 2\nd 2\nb 2\n");
    await scrape();
    expect(store.take(/^(up|scrape_[^s])|stale/).filter((line) => line.startsWith("scrape_series_added"))[0]).toContain(
      " 1 @",
    );
  });

  test("an exemplar that a target repeats is stored once", async () => {
    const open = "application/openmetrics-text; version=1.0.0";
    const { store, scrape } = await fixture();
    body('a_total 1 # {trace_id="x"} 0.5\n# EOF\n', open);
    await scrape();
    await scrape();
    expect(store.exemplars).toHaveLength(1);
    body('a_total 2 # {trace_id="y"} 0.5\n# EOF\n', open);
    await scrape();
    expect(store.exemplars).toHaveLength(2);
  });

  test("OpenMetrics with exemplars, gzip, and metadata", async () => {
    respond = (_request, response) => {
      response.writeHead(200, {
        "content-type": "application/openmetrics-text; version=1.0.0; charset=utf-8",
        "content-encoding": "gzip",
      });
      response.end(gzipSync('# TYPE a counter\n# HELP a Some.\na_total 1 # {trace_id="abc"} 0.5\n# EOF\n'));
    };
    const { store, scrape, loop } = await fixture();
    const atMs = await scrape();
    expect(store.exemplars).toMatchObject([
      { series: `a_total{${OF_TARGET()}}`, exemplar: { value: 0.5, timestampMs: atMs } },
    ]);
    expect([...loop.target.metadata]).toMatchObject([["a", { type: "counter", help: "Some.", unit: "" }]]);
  });

  test("own labels of a sample that clash are kept as exported_*, or win with honor_labels", async () => {
    body('a{job="x",exported_job="y"} 1\n');
    const first = await fixture();
    await first.scrape();
    expect(first.store.take()[0]).toContain('exported_exported_job="x", exported_job="y"');
    const second = await fixture("    honor_labels: true\n");
    await second.scrape();
    expect(second.store.take()[0]).toContain('job="x"');
  });

  test("a clock that was set back is said once, and its end too", async () => {
    body("a 1\nb 1\n");
    const { scrape, logged } = await fixture();
    const news = () => logged.splice(0).map((line) => JSON.parse(line));
    await scrape();
    news();
    await scrape(-3_600_000);
    await scrape();
    expect(news()).toMatchObject([{ level: "warn", refused: 2, of: 2, reason: "out of order sample" }]);
    await scrape(3_600_000);
    await scrape();
    expect(news()).toMatchObject([{ level: "info", refused: 0 }]);
  });

  test("metric relabelling drops and renames", async () => {
    body("a 1\nb 2\n");
    const { store, scrape } = await fixture(
      "    metric_relabel_configs:\n      - { source_labels: [__name__], regex: a, action: drop }\n      - { source_labels: [__name__], regex: b, target_label: __name__, replacement: c }\n",
    );
    const atMs = await scrape();
    const lines = store.take(/^(up|scrape_[^s])/);
    expect(lines).toContain(`c{${OF_TARGET()}} 2 @${atMs}`);
    expect(lines).toContain(`scrape_samples_scraped{${OF_TARGET()}} 2 @${atMs}`);
    expect(lines).toContain(`scrape_samples_post_metric_relabeling{${OF_TARGET()}} 1 @${atMs}`);
  });

  test("a body over the sample limit is counted in full", async () => {
    body("a 1\nb 1\nc 1\n");
    const { store, scrape } = await fixture("    sample_limit: 1\n");
    const atMs = await scrape();
    const lines = store.take(/^scrape_d/);
    expect(lines).toContain(`scrape_samples_scraped{${OF_TARGET()}} 3 @${atMs}`);
    expect(lines).toContain(`scrape_samples_post_metric_relabeling{${OF_TARGET()}} 3 @${atMs}`);
    expect(lines).toContain(`scrape_series_added{${OF_TARGET()}} 0 @${atMs}`);
    expect(lines.some((line) => line.startsWith("a{"))).toBe(false);
  });

  const failures = [
    { name: "too many samples", extra: "    sample_limit: 1\n", text: "a 1\nb 1\n", error: "sample limit exceeded" },
    {
      name: "too many labels",
      extra: "    label_limit: 3\n",
      text: 'a{b="c"} 1\n',
      error: "label_limit exceeded (metric: a, number of labels: 4, limit: 3)",
    },
    {
      name: "a body that is too large",
      extra: "    body_size_limit: 10B\n",
      text: "a 1\n".repeat(10),
      error: "body size limit exceeded",
    },
    {
      name: "a label twice",
      extra: "",
      text: 'a{b="1",b="2"} 1\n',
      error: 'label name "b" is not unique: invalid sample',
    },
  ];
  for (const { name, extra, text, error } of failures) {
    test(`${name} fails as a whole`, async () => {
      body(text);
      const { store, scrape, loop } = await fixture(extra);
      await scrape();
      expect(loop.target).toMatchObject({ health: "down", lastError: error });
      expect(store.take()).toEqual([]);
    });
  }

  test("a zip bomb is refused by its unpacked size", async () => {
    const bomb = gzipSync(Buffer.alloc(1024 * 1024));
    respond = (_request, response) => {
      response.writeHead(200, { "content-type": "text/plain", "content-encoding": "gzip" }).end(bomb);
    };
    const { scrape, loop } = await fixture("    body_size_limit: 100KB\n");
    await scrape();
    expect(loop.target.lastError).toBe("body size limit exceeded");
  });

  test("JSON is no exposition format", async () => {
    body("{}", "application/json");
    const { scrape, loop } = await fixture();
    await scrape();
    expect(loop.target.lastError).toBe(
      'received unsupported Content-Type "application/json" and no fallback_scrape_protocol specified for target',
    );
  });

  test("a target that hangs, and one that is not there", async () => {
    respond = () => undefined;
    const hanging = await fixture("    scrape_timeout: 300ms\n");
    await hanging.scrape();
    expect(hanging.loop.target.lastError).toBe(`Get "http://${address}/metrics": context deadline exceeded`);
    const absent = await fixture("", "127.0.0.1:1");
    await absent.scrape();
    expect(absent.loop.target.lastError).toBe(
      'Get "http://127.0.0.1:1/metrics": dial tcp 127.0.0.1:1: connect: connection refused',
    );
  });

  test("credentials go to the target and not where it redirects to", async () => {
    let elsewhere: IncomingMessage | undefined;
    const other = createServer((request, response) => {
      elsewhere = request;
      response.setHeader("content-type", "text/plain");
      response.end("a 1\n");
    });
    await new Promise<void>((resolve) => other.listen(0, "127.0.0.1", resolve));
    respond = (_request, response) => {
      response.writeHead(302, { location: `http://127.0.0.1:${(other.address() as AddressInfo).port}/x` }).end();
    };
    const { scrape, loop } = await fixture("    authorization: { credentials: canary }\n");
    await scrape();
    expect(loop.target.health).toBe("up");
    expect(requests[0]!.headers.authorization).toBe("Bearer canary");
    expect(elsewhere?.headers.authorization).toBeUndefined();
    other.closeAllConnections();
    other.close();
  });

  test("a redirect that leads in a circle ends", async () => {
    respond = (_request, response) => void response.writeHead(302, { location: "/metrics" }).end();
    const { scrape, loop } = await fixture();
    await scrape();
    expect(loop.target.lastError).toContain("stopped after 10 redirects");
    expect(requests).toHaveLength(11);
  });

  test("a store that refuses does not end the loop", async () => {
    body("a 1\n");
    const { scrape, store, loop } = await fixture();
    store.commitError = new Error("disk full");
    await scrape();
    store.commitError = undefined;
    await scrape();
    expect(loop.target.health).toBe("up");
    expect(store.take()).toHaveLength(1);
  });
});

test("the loop scrapes at once, then at its interval, and ends its series when it is gone", async () => {
  body("a 1\n");
  const { loop, store } = await fixture();
  loop.start();
  await expect.poll(() => store.commits, { timeout: 10_000 }).toBeGreaterThanOrEqual(1);
  await loop.stop();
  await loop.endSeries();
  const stale = store.take(/ 1 @|scrape_[dsp]/);
  expect(stale.map((line) => line.replace(/\{.*\}| @.*/g, ""))).toEqual(["a stale", "up stale"]);
});

test("a target that is not there yet is asked again soon", async () => {
  respond = (_request, response) => void response.writeHead(503).end();
  const { loop, store } = await fixture("    scrape_interval: 1h\n");
  loop.start();
  await expect.poll(() => store.commits, { timeout: 10_000 }).toBe(1);
  body("a 1\n");
  await expect.poll(() => loop.target.health, { timeout: 10_000 }).toBe("up");
  await loop.stop();
});
