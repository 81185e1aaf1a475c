import type { Logger } from "../../runtime/logger.ts";
import type { Labels } from "../../series/labels.ts";
import type { ScrapeConfig } from "../config/config-types.ts";
import { formatDuration } from "../config/format-duration.ts";
import { AppendError } from "../store/append-error.ts";
import type { Appender } from "../store/appender.ts";
import { ExpositionError } from "./parse-error.ts";
import { type AppendedScrape, appendScrape, appendStaleMarker, SampleLimitError } from "./scrape-append.ts";
import { ScrapeCache } from "./scrape-cache.ts";
import { BodySizeError, type ScrapeBody, type ScrapeClient, ScrapeError } from "./scrape-client.ts";
import type { ScrapeMetrics } from "./scrape-metrics.ts";
import type { Target } from "./target.ts";

/** A scrape this near to its planned time is stored at the planned time; equal distances compress best. */
const TIMESTAMP_TOLERANCE_MS = 2;

/** While a stack starts, its parts are not all there at once: a target that was never up is asked again soon. */
const STARTUP_GRACE_MS = 15_000;
const STARTUP_INTERVAL_MS = 1_000;

/** What a scrape says about itself, beside the samples it brings. */
const REPORT_NAMES = [
  "up",
  "scrape_duration_seconds",
  "scrape_samples_scraped",
  "scrape_samples_post_metric_relabeling",
  "scrape_series_added",
] as const;

interface ScrapeLoopOptions {
  readonly target: Target;
  readonly config: ScrapeConfig;
  readonly client: ScrapeClient;
  /** A fresh batch of the store. */
  readonly appender: () => Appender;
  readonly metrics: ScrapeMetrics;
  readonly logger: Logger;
  /** Unix ms; the machine's clock when absent. */
  readonly now?: () => number;
}

/** Scrapes one target at its interval, the first time at once, until `stop`. */
export class ScrapeLoop {
  readonly target: Target;
  readonly #options: ScrapeLoopOptions;
  readonly #now: () => number;
  readonly #cache = new ScrapeCache();
  readonly #reportRefs = new Map<string, number>();
  readonly #stopping = new AbortController();
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<void> | undefined;
  #plannedMs = 0;
  #startedMs = 0;
  #storeFailed = false;
  #wasRefused = false;
  #loopStart = 0;
  #wasUp = false;

  constructor(options: ScrapeLoopOptions) {
    this.#options = options;
    this.target = options.target;
    this.#now = options.now ?? Date.now;
  }

  start(): void {
    this.#loopStart = performance.now();
    this.#plannedMs = this.#now();
    this.#run();
  }

  /** Ends the loop; a scrape that is under way is given up. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    clearTimeout(this.#timer);
    await this.#running;
  }

  #run(): void {
    this.#running = this.scrapeOnce(this.#plannedMs)
      .catch((error: Error) => {
        this.#options.logger.error({ error: error.message, stack: error.stack, url: this.target.url }, "scrape loop");
      })
      .then(() => {
        if (this.#stopping.signal.aborted) return;
        const intervalMs = this.#isStarting() ? STARTUP_INTERVAL_MS : this.target.intervalMs;
        // A scrape that took longer than the interval, or a machine that slept, skips beats instead of piling them up.
        const behindMs = this.#now() - this.#plannedMs;
        this.#plannedMs += Math.max(1, Math.ceil(behindMs / intervalMs)) * intervalMs;
        // The clock may have jumped back: never wait longer than one interval.
        const waitMs = Math.min(Math.max(0, this.#plannedMs - this.#now()), intervalMs);
        if (waitMs === intervalMs) this.#plannedMs = this.#now() + intervalMs;
        this.#timer = setTimeout(() => this.#run(), waitMs);
      });
  }

  #isStarting(): boolean {
    if (this.#wasUp || this.target.intervalMs <= STARTUP_INTERVAL_MS) return false;
    const sinceStartMs = performance.now() - this.#loopStart;
    return sinceStartMs < STARTUP_GRACE_MS;
  }

  /** One scrape, stored at `plannedMs` when it starts near enough to it. */
  async scrapeOnce(plannedMs: number): Promise<void> {
    const { target, metrics } = this.#options;
    const startMs = this.#now();
    const toleranceMs = Math.min(target.intervalMs / 100, TIMESTAMP_TOLERANCE_MS);
    const scrapeMs = Math.abs(startMs - plannedMs) <= toleranceMs ? plannedMs : startMs;
    if (this.#startedMs > 0) {
      metrics.intervalLength.observe(
        { interval: formatDuration(target.intervalMs) },
        (startMs - this.#startedMs) / 1_000,
      );
    }
    this.#startedMs = startMs;
    const clock = performance.now();
    const fetched = await this.#fetch();
    if (this.#stopping.signal.aborted) return;
    await this.#store(fetched, scrapeMs, (performance.now() - clock) / 1_000);
  }

  async #fetch(): Promise<ScrapeBody | Error> {
    const { target, client, metrics } = this.#options;
    const deadline = new AbortController();
    const timer = setTimeout(() => deadline.abort(), target.timeoutMs);
    const onStop = (): void => deadline.abort();
    this.#stopping.signal.addEventListener("abort", onStop);
    try {
      return await client.fetch(target.url, target.timeoutMs, deadline.signal);
    } catch (error) {
      if (!(error instanceof ScrapeError)) throw error;
      if (error instanceof BodySizeError) metrics.exceededBodySizeLimit.inc();
      return error;
    } finally {
      clearTimeout(timer);
      this.#stopping.signal.removeEventListener("abort", onStop);
    }
  }

  async #store(fetched: ScrapeBody | Error, scrapeMs: number, seconds: number): Promise<void> {
    const { target, config, metrics } = this.#options;
    let appended: AppendedScrape = { scraped: 0, kept: 0, added: 0, refused: 0 };
    let failure = fetched instanceof Error ? fetched : undefined;
    let appender = this.#options.appender();
    if (!(fetched instanceof Error)) {
      try {
        const options = { config, targetLabels: target.labels, scrapeMs, metrics };
        appended = appendScrape(appender, this.#cache, fetched.bytes, fetched.format, options);
        this.#cache.commit();
      } catch (error) {
        appender.rollback();
        this.#cache.abandon();
        if (!(error instanceof ExpositionError) && !(error instanceof ScrapeError)) throw error;
        failure = error;
        if (error instanceof SampleLimitError) appended = error.counted;
        appender = this.#options.appender();
      }
    }
    if (failure !== undefined) {
      for (const series of this.#cache.live()) appendStaleMarker(appender, series, scrapeMs, metrics);
    }
    const report = [failure === undefined ? 1 : 0, seconds, appended.scraped, appended.kept, appended.added];
    this.#report(appender, scrapeMs, report);
    await this.#commit(appender);
    if (failure === undefined) this.#noteRefusals(appended);
    this.#note(failure, scrapeMs, seconds);
  }

  /** A clock that was set back makes the store refuse every sample until it has caught up: said once, and when it ends. */
  #noteRefusals({ refused, refusal, kept }: AppendedScrape): void {
    if (refused > 0 === this.#wasRefused) return;
    this.#wasRefused = refused > 0;
    const { target, logger } = this.#options;
    const line = { job: target.pool, url: target.url, refused, of: kept, reason: refusal?.message };
    if (refused > 0) logger.warn(line, "the store refuses samples of the target; was a clock set back?");
    else logger.info(line, "the store takes all samples of the target again");
  }

  #report(appender: Appender, timestampMs: number, values: readonly number[]): void {
    for (const [index, name] of REPORT_NAMES.entries()) {
      const labels = this.#reportLabels(name);
      this.#appendReport(name, (ref) => appender.append(ref, labels, timestampMs, values[index]!));
    }
  }

  #reportLabels(name: string): Labels {
    return this.target.labels.with("__name__", name);
  }

  #appendReport(name: string, append: (ref: number) => number): void {
    try {
      this.#reportRefs.set(name, append(this.#reportRefs.get(name) ?? 0));
    } catch (error) {
      if (!(error instanceof AppendError)) throw error;
      this.#options.metrics.countRefused(error.code);
    }
  }

  async #commit(appender: Appender): Promise<void> {
    try {
      await appender.commit();
      this.#storeFailed = false;
    } catch (error) {
      // A full disk fails every scrape of every target: one line per change of state, not one per round.
      if (!this.#storeFailed) {
        this.#options.logger.error({ error: (error as Error).message, url: this.target.url }, "scrape commit failed");
      }
      this.#storeFailed = true;
    }
  }

  #note(failure: Error | undefined, scrapeMs: number, seconds: number): void {
    const { target, metrics, logger } = this.#options;
    const health = failure === undefined ? "up" : "down";
    this.#wasUp ||= health === "up";
    if (health !== target.health) {
      const line = { job: target.pool, url: target.url, error: failure?.message };
      if (failure === undefined) logger.info(line, "target is up");
      else if (this.#isStarting()) logger.info(line, "target is not there yet");
      else logger.warn(line, "target is down");
    }
    target.health = health;
    target.lastError = failure?.message ?? "";
    target.lastScrapeMs = scrapeMs;
    target.lastDurationSeconds = seconds;
    target.metadata = this.#cache.metadata;
    metrics.cacheEntries.set({ scrape_job: target.pool }, this.#cache.metadata.size);
  }

  /** After `stop`, where nobody scrapes the target any more: everything it brought ends here, `up` included. */
  async endSeries(): Promise<void> {
    const appender = this.#options.appender();
    const atMs = this.#now();
    for (const series of this.#cache.live()) appendStaleMarker(appender, series, atMs, this.#options.metrics);
    for (const name of REPORT_NAMES) {
      if (!this.#reportRefs.has(name)) continue;
      this.#appendReport(name, (ref) => appender.appendStale(ref, this.#reportLabels(name), atMs));
    }
    await this.#commit(appender);
  }
}
