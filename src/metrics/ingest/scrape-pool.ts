import type { Logger } from "../../runtime/logger.ts";
import type { ScrapeConfig, TargetGroup } from "../config/config-types.ts";
import { expandGlob } from "../config/glob.ts";
import { DROPPED_TARGETS_KEPT_MAX, TARGETS_PER_JOB_MAX } from "../limits.ts";
import type { Appender } from "../store/appender.ts";
import { readTargetFile } from "./file-discovery.ts";
import { ScrapeClient } from "./scrape-client.ts";
import { ScrapeLoop } from "./scrape-loop.ts";
import type { ScrapeMetrics } from "./scrape-metrics.ts";
import { type DroppedTarget, resolveTargets, type Target } from "./target.ts";

export interface ScrapeDependencies {
  readonly appender: () => Appender;
  readonly metrics: ScrapeMetrics;
  readonly logger: Logger;
}

/** The targets of one job: discovers them, runs a loop for each, and follows discovery files. */
export class ScrapePool {
  readonly config: ScrapeConfig;
  readonly #client: ScrapeClient;
  readonly #dependencies: ScrapeDependencies;
  readonly #loops = new Map<string, ScrapeLoop>();
  /** Groups of a discovery file that could be read last; a file that breaks keeps what it said before. */
  readonly #fileGroups = new Map<string, TargetGroup[]>();
  #timer: NodeJS.Timeout | undefined;
  #dropped: DroppedTarget[] = [];
  #droppedCount = 0;
  #stopped = false;

  private constructor(config: ScrapeConfig, client: ScrapeClient, dependencies: ScrapeDependencies) {
    this.config = config;
    this.#client = client;
    this.#dependencies = dependencies;
  }

  static async create(config: ScrapeConfig, dependencies: ScrapeDependencies): Promise<ScrapePool> {
    dependencies.metrics.pools.inc();
    const pool = new ScrapePool(config, await ScrapeClient.create(config), dependencies);
    return pool;
  }

  get targets(): Target[] {
    return [...this.#loops.values()].map(({ target }) => target);
  }

  get dropped(): readonly DroppedTarget[] {
    return this.#dropped;
  }

  get droppedCount(): number {
    return this.#droppedCount;
  }

  async start(): Promise<void> {
    await this.#sync();
    const refreshMs = Math.min(...this.config.fileSdConfigs.map(({ refreshIntervalMs }) => refreshIntervalMs));
    if (!Number.isFinite(refreshMs)) return;
    this.#timer = setInterval(() => {
      this.#sync().catch((error: Error) => {
        this.#dependencies.logger.error({ job: this.config.jobName, error: error.message }, "target discovery failed");
      });
    }, refreshMs);
  }

  /** Ends all loops and connections. */
  async stop(): Promise<void> {
    this.#stopped = true;
    clearInterval(this.#timer);
    await Promise.all([...this.#loops.values()].map((loop) => loop.stop()));
    await this.#client.close();
  }

  /** After `stop`: ends the series of the targets that nobody goes on scraping. */
  async endSeries(goesOn: (target: Target) => boolean): Promise<void> {
    for (const loop of this.#loops.values()) if (!goesOn(loop.target)) await loop.endSeries();
  }

  async #sync(): Promise<void> {
    const { metrics, logger } = this.#dependencies;
    const { jobName } = this.config;
    const end = metrics.syncLength.startTimer({ scrape_job: jobName });
    const resolved = resolveTargets(this.config, [...this.config.staticConfigs, ...(await this.#fromFiles())]);
    if (this.#stopped) return;
    for (const error of resolved.errors) logger.error({ job: jobName, error }, "creating target failed");
    this.#dropped = resolved.dropped.slice(0, DROPPED_TARGETS_KEPT_MAX);
    this.#droppedCount = resolved.dropped.length;
    const wanted = new Map(resolved.active.map((target) => [target.key, target]));
    const limit = this.config.limits.targetLimit || TARGETS_PER_JOB_MAX;
    if (wanted.size > limit) {
      metrics.exceededTargetLimit.inc();
      logger.error({ job: jobName }, `target_limit exceeded (number of targets: ${wanted.size}, limit: ${limit})`);
      return;
    }
    for (const [key, loop] of this.#loops) {
      if (wanted.has(key)) continue;
      this.#loops.delete(key);
      await loop.stop();
      await loop.endSeries();
    }
    for (const [key, target] of wanted) {
      if (this.#loops.has(key)) continue;
      const loop = new ScrapeLoop({ ...this.#dependencies, target, config: this.config, client: this.#client });
      this.#loops.set(key, loop);
      loop.start();
    }
    metrics.poolTargets.set({ scrape_job: jobName }, this.#loops.size);
    metrics.poolSyncs.inc({ scrape_job: jobName });
    end();
  }

  async #fromFiles(): Promise<TargetGroup[]> {
    const groups: TargetGroup[] = [];
    for (const pattern of this.config.fileSdConfigs.flatMap(({ files }) => files)) {
      for (const path of await expandGlob(pattern)) groups.push(...(await this.#fromFile(path)));
    }
    return groups;
  }

  async #fromFile(path: string): Promise<TargetGroup[]> {
    try {
      const groups = await readTargetFile(path);
      this.#fileGroups.set(path, groups);
      return groups;
    } catch (error) {
      this.#dependencies.logger.error({ error: (error as Error).message }, "reading discovery file failed");
      return this.#fileGroups.get(path) ?? [];
    }
  }
}
