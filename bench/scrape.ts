/**
 * What one scrape of a large target costs: parsing alone, and parsing through the scrape cache into a store that keeps
 * nothing. CPU time, so that a busy machine does not matter much. Run: npx tsx bench/scrape.ts [series]
 */
import { Registry } from "prom-client";
import { parseConfig } from "../src/metrics/config/load-config.ts";
import { Entry, ExpositionParser } from "../src/metrics/ingest/exposition-parser.ts";
import { appendScrape } from "../src/metrics/ingest/scrape-append.ts";
import { ScrapeCache } from "../src/metrics/ingest/scrape-cache.ts";
import { ScrapeMetrics } from "../src/metrics/ingest/scrape-metrics.ts";
import type { Appender } from "../src/metrics/store/appender.ts";
import { Labels } from "../src/series/labels.ts";

const ROUNDS = 20;
const seriesCount = Number(process.argv[2] ?? 100_000);

/** A body as a gateway writes it: histograms with a dozen buckets and three labels. */
function body(round: number): Buffer {
  const lines = ["# TYPE http_request_duration_seconds histogram", "# HELP http_request_duration_seconds Duration."];
  for (let index = 0; index < seriesCount; index++) {
    const labels = `method="POST",endpoint="/v1/path/${Math.floor(index / 12)}",le="${(index % 12) / 10}"`;
    lines.push(`http_request_duration_seconds_bucket{${labels}} ${round * 17 + index}`);
  }
  return Buffer.from(`${lines.join("\n")}\n`);
}

const discard: Appender = {
  append: (ref) => ref || 1,
  appendStale: (ref) => ref,
  appendHistogram: (ref) => ref,
  appendExemplar: () => undefined,
  appendMetadata: () => undefined,
  commit: async () => undefined,
  rollback: () => undefined,
};

function report(name: string, run: (bytes: Buffer) => void): void {
  let milliseconds = 0;
  for (let round = 0; round < ROUNDS; round++) {
    const bytes = body(round);
    const before = process.cpuUsage();
    run(bytes);
    // The first rounds fill the cache and warm the compiler up.
    const { user, system } = process.cpuUsage(before);
    if (round >= 5) milliseconds += (user + system) / 1_000;
  }
  const perSecond = (seriesCount * (ROUNDS - 5)) / (milliseconds / 1_000);
  console.log(
    `${name}: ${(perSecond / 1e6).toFixed(2)} M samples per CPU second, ${(milliseconds / (ROUNDS - 5)).toFixed(1)} ms of CPU a scrape`,
  );
}

const [config] = parseConfig("scrape_configs: [{ job_name: bench }]", "bench", "/").scrapeConfigs;
const options = {
  config: config!,
  targetLabels: Labels.fromRecord({ job: "bench", instance: "localhost:1" }),
  scrapeMs: 0,
  metrics: new ScrapeMetrics(new Registry()),
};
console.log(`${seriesCount} series, ${(body(0).length / 1e6).toFixed(1)} MB a body`);
report("parse, every series anew", (bytes) => {
  const parser = new ExpositionParser(bytes, "text");
  while (parser.next() !== Entry.End) parser.seriesEnd;
});
const cache = new ScrapeCache();
report("parse and append through the cache", (bytes) => {
  appendScrape(discard, cache, bytes, "text", options);
  cache.commit();
});
