import { isDeepStrictEqual } from "node:util";
import type { MetricsConfig } from "../config/config-types.ts";
import { type ScrapeDependencies, ScrapePool } from "./scrape-pool.ts";
import type { DroppedTarget, Target } from "./target.ts";

/** All jobs of the configuration. `apply` changes only what changed, so that a reload loses no scrape elsewhere. */
export class ScrapeManager {
  readonly #dependencies: ScrapeDependencies;
  readonly #pools = new Map<string, ScrapePool>();

  constructor(dependencies: ScrapeDependencies) {
    this.#dependencies = dependencies;
  }

  /** @throws Error when a job's TLS files cannot be read; then nothing was changed. */
  async apply(config: MetricsConfig): Promise<void> {
    const fresh: ScrapePool[] = [];
    for (const scrape of config.scrapeConfigs) {
      const running = this.#pools.get(scrape.jobName);
      if (running !== undefined && isDeepStrictEqual(running.config, scrape)) continue;
      fresh.push(await ScrapePool.create(scrape, this.#dependencies));
    }
    const wanted = new Set(config.scrapeConfigs.map(({ jobName }) => jobName));
    for (const [jobName, pool] of this.#pools) {
      if (wanted.has(jobName)) continue;
      this.#pools.delete(jobName);
      await pool.stop();
      await pool.endSeries(() => false);
      this.#dependencies.metrics.poolTargets.remove({ scrape_job: jobName });
    }
    for (const pool of fresh) await this.#replace(pool);
  }

  /** Series of targets that are scraped under the new settings too go on without a staleness marker in between. */
  async #replace(pool: ScrapePool): Promise<void> {
    const before = this.#pools.get(pool.config.jobName);
    await before?.stop();
    this.#pools.set(pool.config.jobName, pool);
    await pool.start();
    const kept = new Set(pool.targets.map(({ labels }) => labels.key));
    await before?.endSeries(({ labels }) => kept.has(labels.key));
  }

  get targets(): Target[] {
    return [...this.#pools.values()].flatMap((pool) => pool.targets);
  }

  get dropped(): DroppedTarget[] {
    return [...this.#pools.values()].flatMap((pool) => [...pool.dropped]);
  }

  /** Dropped targets of every job, those that are not listed included. */
  get droppedCounts(): Record<string, number> {
    return Object.fromEntries([...this.#pools].map(([jobName, pool]) => [jobName, pool.droppedCount]));
  }

  get jobNames(): string[] {
    return [...this.#pools.keys()].sort();
  }

  async stop(): Promise<void> {
    await Promise.all([...this.#pools.values()].map((pool) => pool.stop()));
    this.#pools.clear();
  }
}
