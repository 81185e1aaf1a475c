import { resolve } from "node:path";
import { Counter, Gauge, type Registry } from "prom-client";
import type { RoleContext } from "../runtime/role.ts";
import type { MetricsConfig } from "./config/config-types.ts";
import { loadConfigFile } from "./config/load-config.ts";
import { shippedConfig } from "./config/shipped-config.ts";
import type { RunningServer, ServerState } from "./server-state.ts";

/** Reads the configuration and puts it in force, one reload at a time. */
export class Reloader {
  readonly #context: RoleContext;
  readonly #state: ServerState;
  readonly #selfUrl: string;
  readonly #metrics: ReloadMetrics;
  #last: Promise<void> = Promise.resolve();

  constructor(context: RoleContext, state: ServerState, selfUrl: string) {
    this.#context = context;
    this.#state = state;
    this.#selfUrl = selfUrl;
    this.#metrics = new ReloadMetrics(context.registry);
  }

  /** @throws ConfigError when the files are wrong; then the old configuration stays in force. */
  reload(server: RunningServer): Promise<void> {
    const next = this.#last.then(() => this.#run(server));
    this.#last = next.catch(() => undefined);
    return next;
  }

  async #run({ scrape, rules }: RunningServer): Promise<void> {
    const { logger } = this.#context;
    try {
      const config = await this.#read();
      const groups = await rules.load(config);
      await scrape.apply(config);
      await rules.apply(config, groups);
      for (const warning of config.warnings) logger.warn(warning);
      this.#state.config = config;
      this.#note(true);
      logger.info(
        { source: config.source, jobs: config.scrapeConfigs.length, groups: groups.length },
        "configuration loaded",
      );
    } catch (error) {
      this.#note(false);
      throw error;
    }
  }

  #read(): MetricsConfig | Promise<MetricsConfig> {
    const { config } = this.#context;
    const file = config.metrics.configFile;
    return file === undefined ? shippedConfig(config, this.#selfUrl) : loadConfigFile(resolve(file));
  }

  #note(isSuccessful: boolean): void {
    this.#state.isReloadSuccessful = isSuccessful;
    this.#metrics.successful.set(isSuccessful ? 1 : 0);
    if (!isSuccessful) return;
    this.#state.lastReloadMs = Date.now();
    this.#metrics.timestamp.set(this.#state.lastReloadMs / 1_000);
    this.#metrics.reloads.inc();
  }
}

class ReloadMetrics {
  readonly successful: Gauge;
  readonly timestamp: Gauge;
  readonly reloads: Counter;

  constructor(registry: Registry) {
    const registers = [registry];
    this.successful = new Gauge({
      name: "prometheus_config_last_reload_successful",
      help: "Whether the last configuration reload attempt was successful.",
      registers,
    });
    this.timestamp = new Gauge({
      name: "prometheus_config_last_reload_success_timestamp_seconds",
      help: "Timestamp of the last successful configuration reload.",
      registers,
    });
    this.reloads = new Counter({
      name: "gatewayz_metrics_config_reloads_total",
      help: "Configurations that were put in force, the first one included.",
      registers,
    });
  }
}
