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
      await pool.stop(true);
    }
    for (const pool of fresh) {
      // The same job under new settings goes on with the same series: no staleness markers between the two.
      await this.#pools.get(pool.config.jobName)?.stop(false);
      this.#pools.set(pool.config.jobName, pool);
      await pool.start();
    }
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
    await Promise.all([...this.#pools.values()].map((pool) => pool.stop(false)));
    this.#pools.clear();
  }
}
