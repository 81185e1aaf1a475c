import type { PromqlEngine } from "../languages/promql/engine.ts";
import type { Labels } from "../series/labels.ts";
import type { MetricsConfig } from "./config/config-types.ts";
import type { RemoteWriteReceiver } from "./ingest/remote-write.ts";
import type { ScrapeManager } from "./ingest/scrape-manager.ts";
import type { RuleManager } from "./rules/rule-manager.ts";
import type { MetricsStore } from "./store/store.ts";

/** The parts of the server that exist once the store is open. */
export interface RunningServer {
  readonly store: MetricsStore;
  readonly engine: PromqlEngine;
  readonly scrape: ScrapeManager;
  readonly rules: RuleManager;
  readonly receiver: RemoteWriteReceiver;
}

/** What the HTTP API sees: it listens before the store is open, and says 503 until then. */
export interface ServerState {
  readonly startedMs: number;
  running: RunningServer | undefined;
  config: MetricsConfig | undefined;
  isReloadSuccessful: boolean;
  lastReloadMs: number;
  /** Reads the configuration again. @throws Error when it is wrong; then the old one stays in force. */
  reload: () => Promise<void>;
  externalLabels: () => Labels;
}
