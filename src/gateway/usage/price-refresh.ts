import { mkdir, readFile, rename, stat, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import type { PricesConfig } from "../../config/prices.ts";
import { guardedFetch } from "../../runtime/guarded-fetch.ts";
import type { Logger } from "../../runtime/logger.ts";
import type { GatewayEvents } from "../gateway-events.ts";
import type { Telemetry } from "../request-record.ts";
import { type ProviderChanges, readFetchedList } from "./fetched-list.ts";
import type { PriceList } from "./price-list.ts";

const FETCH_MS = 30_000;
/** A stored list younger than this share of the interval is not fetched anew. */
const FRESH_SHARE = 0.9;
const LIST_BYTES_MAX = 16 * 1024 * 1024; // 16 MiB; the list is about 1 MiB.

type Trigger = GatewayEvents["priceSync"]["triggeredBy"];

export interface PriceRefreshParts {
  readonly list: PriceList;
  readonly config: PricesConfig;
  /** Where the newest list is kept, so that the next start has it; undefined keeps it in memory only. */
  readonly file: string | undefined;
  readonly telemetry: Telemetry;
  readonly logger: Logger;
  /** Told when the list in use is another. */
  readonly replaced: () => void;
}

/** Keeps the price list new: from the file of an earlier fetch, and by fetching at an interval, when it is wanted. */
export class PriceRefresh {
  readonly #parts: PriceRefreshParts;
  #running: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(parts: PriceRefreshParts) {
    this.#parts = parts;
  }

  /** Takes the list of an earlier fetch, when it is newer than the installed one. The list must be loaded. */
  async restore(): Promise<void> {
    const { file, list, config, logger } = this.#parts;
    if (file === undefined || config.refresh === 0) return;
    try {
      const { mtimeMs } = await stat(file);
      if (mtimeMs <= list.listedAtMs) return;
      const text = await readFile(file, "utf8");
      await this.#take(text, mtimeMs);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return;
      logger.warn({ reason: (error as Error).message }, "stored price list not usable; using the installed one");
    }
  }

  /** Fetches now and at every interval; does nothing where none is configured. */
  start(): void {
    const { refresh } = this.#parts.config;
    if (refresh === 0 || this.#timer !== undefined) return;
    void this.#fetchWhenDue("start");
    this.#timer = setInterval(() => void this.#fetchWhenDue("schedule"), refresh);
    this.#timer.unref();
  }

  /** Another process of this installation, or an earlier start, may have fetched a moment ago: its list does as well. */
  async #fetchWhenDue(triggeredBy: Trigger): Promise<void> {
    const { file, list, config } = this.#parts;
    const storedAtMs = file === undefined ? undefined : await modifiedAtMs(file);
    if (storedAtMs === undefined || Date.now() - storedAtMs > config.refresh * FRESH_SHARE) {
      await this.fetch(triggeredBy);
    } else if (storedAtMs > list.listedAtMs) await this.restore();
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  /** Fetches a list and puts it in place; a failure keeps the one in use. Two calls at once are one fetch. */
  fetch(triggeredBy: Trigger): Promise<void> {
    this.#running ??= this.#fetch(triggeredBy).finally(() => {
      this.#running = undefined;
      this.#parts.telemetry.event("priceSyncQueue", { queued: 0, running: 0 });
    });
    return this.#running;
  }

  async #fetch(triggeredBy: Trigger): Promise<void> {
    const { config, telemetry, logger, list } = this.#parts;
    telemetry.event("priceSyncQueue", { queued: 0, running: 1 });
    const startedAt = performance.now();
    const seconds = (): number => (performance.now() - startedAt) / 1_000;
    try {
      await list.load();
      const { hostname } = new URL(config.url);
      const reach = { allowPrivate: false, explicitHost: hostname };
      const reply = await guardedFetch(config.url, { timeoutMs: FETCH_MS, bytesMax: LIST_BYTES_MAX, reach });
      if (reply.status !== 200) throw Object.assign(new Error(`status ${reply.status}`), { type: "http_status" });
      const changes = await this.#take(reply.text, Date.now());
      await this.#store(reply.text);
      const partial = changes.some(({ skipped }) => Object.keys(skipped).length > 0);
      for (const change of changes) this.#tell(change, triggeredBy, seconds());
      telemetry.event("priceSyncJob", { status: partial ? "partial" : "success", seconds: seconds() });
      logger.info(summary(changes), "price list refreshed");
    } catch (error) {
      const { type = "network", message } = error as Error & { type?: string };
      const nothing = { fetched: 0, updated: 0, changed: 0, skipped: {} };
      const errors = { [error instanceof SyntaxError ? "invalid_json" : type]: 1 };
      const failed = { provider: "all", status: "failed", triggeredBy, seconds: seconds() } as const;
      telemetry.event("priceSync", { ...failed, ...nothing, errors });
      telemetry.event("priceSyncJob", { status: "failed", seconds: seconds() });
      logger.warn({ reason: message }, "price list not refreshed, keeping the last one");
    }
  }

  async #take(text: string, listedAtMs: number): Promise<ProviderChanges[]> {
    const { list, config, replaced } = this.#parts;
    const before = await list.providers();
    try {
      const { providers, changes } = readFetchedList(text, before, config.spikeFactor);
      list.replace(providers, listedAtMs);
      replaced();
      return changes;
    } catch (error) {
      if (error instanceof SyntaxError) throw error;
      throw Object.assign(error as Error, { type: "invalid_list" });
    }
  }

  #tell({ spikes, ...change }: ProviderChanges, triggeredBy: Trigger, seconds: number): void {
    const { telemetry, logger } = this.#parts;
    const status = Object.keys(change.skipped).length > 0 ? "partial" : "success";
    telemetry.event("priceSync", { ...change, status, triggeredBy, seconds, errors: {} });
    for (const spike of spikes) {
      telemetry.event("priceSpike", spike);
      logger.warn({ provider: change.provider, ...spike }, "a price moved by more than its bound");
    }
  }

  /** Kept by name only after it is whole. A full disk costs the next start its newer list, nothing else. */
  async #store(text: string): Promise<void> {
    const { file, logger } = this.#parts;
    if (file === undefined) return;
    try {
      await mkdir(dirname(file), { recursive: true });
      await writeFile(`${file}.new`, text, { flush: true });
      await rename(`${file}.new`, file);
    } catch (error) {
      logger.warn({ reason: (error as Error).message }, "fetched price list not stored");
    }
  }
}

/** Unix ms; undefined when the file is not there or cannot be asked, which is as good. */
async function modifiedAtMs(file: string): Promise<number | undefined> {
  try {
    return (await stat(file)).mtimeMs;
  } catch {
    return undefined;
  }
}

function summary(changes: readonly ProviderChanges[]): Record<string, number> {
  const sum = (of: (change: ProviderChanges) => number): number => changes.reduce((all, one) => all + of(one), 0);
  return { providers: changes.length, models: sum(({ updated }) => updated), changed: sum(({ changed }) => changed) };
}
