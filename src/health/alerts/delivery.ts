import { setTimeout as sleep } from "node:timers/promises";
import type { Logger } from "../../runtime/logger.ts";
import { CHANNEL_QUEUE_MAX } from "../limits.ts";
import { type Notification, rankOf } from "./alert.ts";
import { type Channel, type ChannelName, DeliveryError } from "./channel.ts";

/** Before the second, third and fourth attempt. */
const RETRY_PAUSES_MS = [1_000, 5_000, 30_000];

/** Longest that one attempt may take, whatever the channel's own limits are. */
const ATTEMPT_TIMEOUT_MS = 30_000;

export interface DeliveryOptions {
  readonly channels: readonly Channel[];
  readonly logger: Logger;
  readonly signal: AbortSignal;
  readonly retryPausesMs?: readonly number[];
  readonly attemptTimeoutMs?: number;
  onResult(channel: ChannelName, result: "sent" | "failed" | "dropped" | "retried"): void;
}

/** Sends notifications through every channel, each in its own pace and in order; what one does never holds up another. */
export class Delivery {
  readonly #options: DeliveryOptions;
  readonly #queues = new Map<Channel, Notification[]>();
  readonly #running = new Map<Channel, Promise<void>>();

  constructor(options: DeliveryOptions) {
    this.#options = options;
    for (const channel of options.channels) this.#queues.set(channel, []);
  }

  /** Returns at once. */
  send(notification: Notification): void {
    for (const [channel, queue] of this.#queues) {
      if (rankOf(notification.alert.severity) < rankOf(channel.severityMin)) continue;
      queue.push(notification);
      if (queue.length > CHANNEL_QUEUE_MAX) {
        queue.shift();
        this.#options.onResult(channel.name, "dropped");
      }
      if (!this.#running.has(channel)) this.#running.set(channel, this.#run(channel, queue));
    }
  }

  /** Notifications that wait. */
  get waiting(): number {
    return [...this.#queues.values()].reduce((sum, queue) => sum + queue.length, 0);
  }

  /** Resolves when nothing waits any longer. */
  async idle(): Promise<void> {
    await Promise.all(this.#running.values());
  }

  async close(): Promise<void> {
    for (const queue of this.#queues.values()) queue.length = 0;
    await Promise.all(this.#options.channels.map((channel) => channel.close()));
    await this.idle();
  }

  /** Never rejects. */
  async #run(channel: Channel, queue: Notification[]): Promise<void> {
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) await this.#deliver(channel, next);
    this.#running.delete(channel);
  }

  async #deliver(channel: Channel, notification: Notification): Promise<void> {
    const {
      logger,
      onResult,
      signal,
      retryPausesMs = RETRY_PAUSES_MS,
      attemptTimeoutMs = ATTEMPT_TIMEOUT_MS,
    } = this.#options;
    for (let attempt = 0; ; attempt++) {
      try {
        await channel.send(notification, AbortSignal.any([signal, AbortSignal.timeout(attemptTimeoutMs)]));
        onResult(channel.name, "sent");
        return;
      } catch (error) {
        const pauseMs = retryPausesMs[attempt];
        const retryable = error instanceof DeliveryError && error.retryable && pauseMs !== undefined;
        if (!retryable || signal.aborted) {
          onResult(channel.name, "failed");
          const reason = error instanceof DeliveryError ? error.message : (error as Error).name;
          const { key, severity } = notification.alert;
          logger.error(
            { channel: channel.name, alert: key, severity, reason, attempts: attempt + 1 },
            "alert was not taken",
          );
          return;
        }
        onResult(channel.name, "retried");
        // Up to a fifth longer, so that several services do not return at the same instant.
        const waitMs = Math.max(pauseMs, error.retryAfterMs ?? 0) * (1 + Math.random() / 5);
        // The only rejection is the abort, after which the next attempt is the last.
        await sleep(waitMs, undefined, { signal, ref: false }).catch(() => undefined);
      }
    }
  }
}
