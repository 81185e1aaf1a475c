import { Labels, METRIC_NAME } from "../../series/labels.ts";
import type { ScrapeConfig, ScrapeLimits } from "../config/config-types.ts";
import { AppendError } from "../store/append-error.ts";
import type { Appender } from "../store/appender.ts";
import { Entry, type ExpositionFormat, ExpositionParser } from "./exposition-parser.ts";
import { relabel } from "./relabel.ts";
import type { CachedSeries, ScrapeCache } from "./scrape-cache.ts";
import { ScrapeError } from "./scrape-client.ts";
import type { ScrapeMetrics } from "./scrape-metrics.ts";

export interface AppendedScrape {
  /** Samples in the body. */
  readonly scraped: number;
  /** Samples left after relabelling. */
  readonly kept: number;
  /** Series that the target did not have before. */
  readonly added: number;
  /** Samples that the store refused, and the last reason. */
  readonly refused: number;
  readonly refusal?: AppendError | undefined;
}

interface AppendOptions {
  readonly config: ScrapeConfig;
  readonly targetLabels: Labels;
  /** Time of the scrape, Unix ms. */
  readonly scrapeMs: number;
  readonly metrics: ScrapeMetrics;
}

/** A body of more samples than `sample_limit`; nothing of it is stored. */
export class SampleLimitError extends ScrapeError {
  override readonly name = "SampleLimitError";
  /** What the body held. */
  readonly counted: AppendedScrape;

  constructor(counted: AppendedScrape) {
    super("sample limit exceeded");
    this.counted = counted;
  }
}

/**
 * Parses a body and appends its samples, with a staleness marker for each series that is gone since the last scrape.
 * A sample that the store refuses is counted and left out; a body that breaks its format or a limit fails as a whole.
 * @throws ExpositionError, ScrapeError: the caller rolls the appender back and abandons the cache's scrape.
 */
export function appendScrape(
  appender: Appender,
  cache: ScrapeCache,
  bytes: Uint8Array,
  format: ExpositionFormat,
  options: AppendOptions,
): AppendedScrape {
  const { config, scrapeMs, metrics } = options;
  const { sampleLimit } = config.limits;
  const parser = new ExpositionParser(bytes, format);
  let scraped = 0;
  let kept = 0;
  let added = 0;
  let refused = 0;
  let refusal: AppendError | undefined;
  cache.begin();
  for (;;) {
    const entry = parser.next(cache.expected());
    if (entry === Entry.End) break;
    if (entry !== Entry.Series) {
      noteMetadata(cache, parser, entry);
      continue;
    }
    scraped++;
    const known = parser.isExpected ? cache.takeExpected() : cache.find(bytes, parser.seriesStart, parser.seriesEnd);
    const isOver = sampleLimit > 0 && kept >= sampleLimit;
    if (isOver && known === undefined) {
      // Past its limit a body is only counted, for the report; the series are not worth the memory.
      if (storedLabels(parser.labels(), options) !== undefined) kept++;
      continue;
    }
    const series =
      known ?? cache.add(bytes, parser.seriesStart, parser.seriesEnd, storedLabels(parser.labels(), options));
    if (series.labels === undefined) continue;
    kept++;
    if (isOver) continue;
    const hasOwnTime = config.honorTimestamps && !Number.isNaN(parser.timestampMs);
    const timestampMs = hasOwnTime ? parser.timestampMs : scrapeMs;
    const error = appendSample(appender, series, timestampMs, parser.value);
    if (error !== undefined) {
      metrics.countRefused(error.code);
      refused++;
      refusal = error;
      continue;
    }
    if (known === undefined) added++;
    // A sample with a time of its own may be old on purpose: its series is not declared stale.
    series.liveNext = !hasOwnTime;
    if (parser.exemplarStart >= 0) appendExemplar(appender, series, parser, bytes, timestampMs, metrics);
  }
  if (sampleLimit > 0 && kept > sampleLimit) {
    metrics.exceededSampleLimit.inc();
    throw new SampleLimitError({ scraped, kept, added: 0, refused: 0 });
  }
  for (const series of cache.vanished()) appendStaleMarker(appender, series, scrapeMs, metrics);
  return { scraped, kept, added, refused, refusal };
}

/** Appends a staleness marker; a series whose newest sample is later than `atMs` needs none. */
export function appendStaleMarker(
  appender: Appender,
  series: CachedSeries,
  atMs: number,
  metrics: ScrapeMetrics,
): void {
  series.live = false;
  try {
    appender.appendStale(series.ref, series.labels!, atMs);
  } catch (error) {
    if (!(error instanceof AppendError)) throw error;
    metrics.countRefused(error.code);
  }
}

/** @returns Why the store refused it, or undefined. */
function appendSample(
  appender: Appender,
  series: CachedSeries,
  timestampMs: number,
  value: number,
): AppendError | undefined {
  try {
    series.ref = appender.append(series.ref, series.labels!, timestampMs, value);
    return undefined;
  } catch (error) {
    if (!(error instanceof AppendError)) throw error;
    return error;
  }
}

/** Targets repeat an exemplar in every scrape until they have another; the repetition is known by its bytes. */
function appendExemplar(
  appender: Appender,
  series: CachedSeries,
  parser: ExpositionParser,
  bytes: Uint8Array,
  sampleMs: number,
  metrics: ScrapeMetrics,
): void {
  const raw = bytes.subarray(parser.exemplarStart, parser.exemplarEnd);
  if (series.exemplar !== undefined && Buffer.compare(series.exemplar, raw) === 0) return;
  series.exemplar = Buffer.from(raw);
  try {
    appender.appendExemplar(series.ref, series.labels!, {
      labels: Labels.fromEntries(parser.exemplarLabels()),
      value: parser.exemplarValue,
      timestampMs: Number.isNaN(parser.exemplarMs) ? sampleMs : parser.exemplarMs,
    });
  } catch (error) {
    if (!(error instanceof AppendError)) throw error;
    metrics.countRefused(error.code);
  }
}

function noteMetadata(cache: ScrapeCache, parser: ExpositionParser, entry: Entry): void {
  if (entry === Entry.Type) cache.noteMetadata(parser.metricName, "type", parser.text);
  else if (entry === Entry.Help) cache.noteMetadata(parser.metricName, "help", parser.text);
  else if (entry === Entry.Unit) cache.noteMetadata(parser.metricName, "unit", parser.text);
}

/**
 * The labels under which a scraped series is stored, or undefined when relabelling drops it.
 * @throws ScrapeError where the labels break a limit or are no series.
 */
function storedLabels(scraped: readonly (readonly [string, string])[], options: AppendOptions): Labels | undefined {
  const { config, targetLabels } = options;
  const labels = new Map<string, string>();
  for (const [name, value] of scraped) {
    if (labels.has(name)) throw new ScrapeError(`label name "${name}" is not unique: invalid sample`);
    labels.set(name, value);
  }
  if (config.honorLabels) addMissing(labels, targetLabels);
  else overrideConflicts(labels, targetLabels);
  for (const [name, value] of labels) if (value === "") labels.delete(name);
  if (!relabel(labels, config.metricRelabelRules) || labels.size === 0) return undefined;
  if (!labels.has(METRIC_NAME)) throw new ScrapeError(`missing metric name (${METRIC_NAME} label)`);
  checkLabelLimits(labels, config.limits, options.metrics);
  return Labels.fromEntries(labels);
}

function addMissing(labels: Map<string, string>, targetLabels: Labels): void {
  for (const [name, value] of targetLabels.entries()) if (!labels.has(name)) labels.set(name, value);
}

/** The target's labels win; what the sample said under the same name is kept as `exported_<name>`. */
function overrideConflicts(labels: Map<string, string>, targetLabels: Labels): void {
  for (const [name, value] of targetLabels.entries()) {
    const own = labels.get(name) ?? "";
    labels.set(name, value);
    if (own === "") continue;
    let exported = `exported_${name}`;
    while (labels.has(exported) || targetLabels.has(exported)) exported = `exported_${exported}`;
    labels.set(exported, own);
  }
}

function checkLabelLimits(labels: ReadonlyMap<string, string>, limits: ScrapeLimits, metrics: ScrapeMetrics): void {
  const metric = (labels.get(METRIC_NAME) ?? "").slice(0, 50);
  const fail = (text: string): never => {
    metrics.exceededLabelLimits.inc();
    throw new ScrapeError(text);
  };
  if (limits.labelLimit > 0 && labels.size > limits.labelLimit) {
    fail(`label_limit exceeded (metric: ${metric}, number of labels: ${labels.size}, limit: ${limits.labelLimit})`);
  }
  if (limits.labelNameLengthLimit === 0 && limits.labelValueLengthLimit === 0) return;
  for (const [name, value] of labels) {
    if (limits.labelNameLengthLimit > 0 && name.length > limits.labelNameLengthLimit) {
      fail(
        `label_name_length_limit exceeded (metric: ${metric}, label name: ${name.slice(0, 50)}, length: ${name.length}, limit: ${limits.labelNameLengthLimit})`,
      );
    }
    if (limits.labelValueLengthLimit > 0 && value.length > limits.labelValueLengthLimit) {
      fail(
        `label_value_length_limit exceeded (metric: ${metric}, label name: ${name.slice(0, 50)}, value: ${JSON.stringify(value.slice(0, 50))}, length: ${value.length}, limit: ${limits.labelValueLengthLimit})`,
      );
    }
  }
}
