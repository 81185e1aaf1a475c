import cluster, { type Worker } from "node:cluster";
import { setTimeout as sleep } from "node:timers/promises";
import type { Config } from "../../config/schema.ts";
import type { ToChild } from "../../runtime/child-protocol.ts";
import type { Logger } from "../../runtime/logger.ts";
import type { ProviderConfig } from "../providers/provider.ts";
import type { SharedTelemetry, TelemetryDelta } from "../telemetry/index.ts";
import { Channel, type Handler } from "./channel.ts";
import { closeConnectionsInTransit } from "./connections-in-transit.ts";
import { workerName } from "./shared-telemetry.ts";

/** A scrape waits no longer for workers. */
const GATHER_MS_MAX = 500;
/** A report of usage waits no longer for them; what comes later is in the next one. */
const FLUSH_MS_MAX = 2_000;
const BACKOFF_MIN_MS = 100;
const BACKOFF_MAX_MS = 5_000;
/** A worker that ran this long has recovered; its next restart is quick again. */
const STABLE_AFTER_MS = 30_000;
const READY_MS_MAX = 20_000;
/** A worker drains by itself within this; then it is killed. */
const STOP_MS_MAX = 11_000;

/** What the primary tells a new worker. */
export interface WorkerStart {
  readonly index: number;
  /** The primary's private socket. */
  readonly socketPath: string;
  /** Providers as they are switched on, the simulator's included. */
  readonly providers: Readonly<Record<string, ProviderConfig>>;
  readonly simulated: boolean;
  readonly demoKey: string;
  /** Under which the database knows what this gateway has spent. */
  readonly gatewayId: string | undefined;
}

/** What a worker may ask its primary, and what happens to what it held when it is gone. */
export interface WorkerService {
  readonly handlers: Readonly<Record<string, Handler>>;
  gone(): void;
}

export interface WorkerPoolOptions {
  readonly count: number;
  readonly config: Config;
  readonly logger: Logger;
  readonly start: Omit<WorkerStart, "index">;
  /** Made anew for each worker process. */
  serve(index: number): WorkerService;
  /** The number of running workers changed. */
  changed(running: number): void;
}

interface Slot {
  readonly index: number;
  worker: Worker | undefined;
  channel: Channel | undefined;
  backoffMs: number;
}

/** The worker processes of one gateway: they share its port, are watched and restarted, and end together. */
export class WorkerPool {
  readonly #options: WorkerPoolOptions;
  readonly #slots: Slot[];
  #stopping = false;

  constructor(options: WorkerPoolOptions) {
    this.#options = options;
    this.#slots = Array.from({ length: options.count }, (_, index) => ({
      index,
      worker: undefined,
      channel: undefined,
      backoffMs: BACKOFF_MIN_MS,
    }));
    cluster.setupPrimary({ exec: process.argv[1]!, args: [], silent: false });
  }

  /**
   * Starts all workers.
   * @returns the address that they listen on, `http://host:port`.
   * @throws Error in the worker's words when one cannot start.
   */
  async start(): Promise<string> {
    const urls = await Promise.all(this.#slots.map((slot) => this.#spawn(slot)));
    return urls[0]!;
  }

  /** Tells every worker. @param except Its index is left out. */
  broadcast(operation: string, payload: unknown, except?: number): void {
    for (const { channel, index } of this.#slots) if (index !== except) channel?.tell(operation, payload);
  }

  /** Takes over what every worker has counted; one that does not answer in time tells it later by itself. */
  async gather(telemetry: SharedTelemetry): Promise<void> {
    await this.#askAll("drain", GATHER_MS_MAX, (delta: TelemetryDelta, index) => {
      telemetry.apply(workerName(index), delta);
    });
  }

  /** Lets every worker bring what it has settled into the database; resolves within FLUSH_MS_MAX. Never rejects. */
  async flushUsage(): Promise<void> {
    await this.#askAll("flushUsage", FLUSH_MS_MAX, () => undefined);
  }

  /** Asks every running worker at once; resolves when all have answered or failed, or after `limitMs`. */
  async #askAll<Answer>(
    operation: string,
    limitMs: number,
    take: (answer: Answer, index: number) => void,
  ): Promise<void> {
    const asked = this.#slots.map(async ({ channel, index }) => {
      if (channel !== undefined) take(await channel.ask<Answer>(operation, null), index);
    });
    await Promise.race([Promise.allSettled(asked), sleep(limitMs, undefined, { ref: false })]);
  }

  /** Lets every worker drain and end. */
  async stop(): Promise<void> {
    this.#stopping = true;
    await Promise.all(
      this.#slots.map(async ({ worker }) => {
        if (worker === undefined || worker.isDead()) return;
        const gone = new Promise<void>((resolve) => worker.once("exit", () => resolve()));
        worker.process.kill("SIGTERM");
        const timer = setTimeout(() => worker.process.kill("SIGKILL"), STOP_MS_MAX);
        await gone;
        clearTimeout(timer);
      }),
    );
  }

  #spawn(slot: Slot): Promise<string> {
    const { config, start, logger, serve, changed } = this.#options;
    const startedAtMs = Date.now();
    const worker = cluster.fork();
    closeConnectionsInTransit(worker.process, (connections) =>
      logger.warn({ worker: slot.index, connections }, "closed connections that a dead worker had not taken"),
    );
    const service = serve(slot.index);
    let failure: string | undefined;
    let ready = false;
    return new Promise((resolve, reject) => {
      const late = setTimeout(() => {
        failure = `not ready within ${READY_MS_MAX} ms`;
        worker.process.kill("SIGKILL");
      }, READY_MS_MAX);
      const channel = new Channel(
        { send: (message) => void worker.send(message as object) },
        {
          ...service.handlers,
          ready: (url: string) => {
            clearTimeout(late);
            ready = true;
            slot.channel = channel;
            changed(this.#running());
            resolve(url);
          },
        },
        (operation, error) => logger.error({ worker: slot.index, operation, error: error.message }, "news not taken"),
      );
      slot.worker = worker;
      worker.on("message", (message: { type?: string; message?: string }) => {
        if (message.type === "hello") {
          const told: ToChild = { type: "start", role: "gateway", config, worker: { ...start, index: slot.index } };
          worker.send(told);
        } else if (message.type === "failed") failure = message.message;
        else channel.receive(message);
      });
      worker.on("error", (error) => {
        failure = error.message;
      });
      worker.once("exit", (code, signal) => {
        clearTimeout(late);
        const reason = failure ?? (signal ? `signal ${signal}` : `exit code ${code}`);
        channel.close(`the worker has gone: ${reason}`);
        slot.worker = undefined;
        slot.channel = undefined;
        service.gone();
        changed(this.#running());
        if (this.#stopping) return;
        if (!ready && slot.backoffMs === BACKOFF_MIN_MS) {
          reject(new Error(`gateway worker ${slot.index}: ${reason}`));
          return;
        }
        this.#restart(slot, startedAtMs, reason);
      });
    });
  }

  #restart(slot: Slot, startedAtMs: number, reason: string): void {
    if (Date.now() - startedAtMs > STABLE_AFTER_MS) slot.backoffMs = BACKOFF_MIN_MS;
    const restartInMs = slot.backoffMs;
    slot.backoffMs = Math.min(BACKOFF_MAX_MS, restartInMs * 2);
    this.#options.logger.error({ worker: slot.index, reason, restartInMs }, "gateway worker ended; restarting it");
    void sleep(restartInMs)
      .then(() => (this.#stopping ? undefined : this.#spawn(slot)))
      // The spawn that fails has a back-off above the first and restarts itself; only a fault of ours leads here.
      .catch((error: Error) => this.#options.logger.error({ error: error.message }, "gateway worker not restarted"));
  }

  #running(): number {
    return this.#slots.filter(({ channel }) => channel !== undefined).length;
  }
}
