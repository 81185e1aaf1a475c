import type { AlertSeverity, Notification } from "./alert.ts";

export type ChannelName = "webhook" | "slack" | "discord" | "pagerduty" | "email";

/** One way to tell somebody. */
export interface Channel {
  readonly name: ChannelName;
  /** Less severe alerts are not told here. */
  readonly severityMin: AlertSeverity;
  /** @throws DeliveryError with a reason that names no address and no secret. */
  send(notification: Notification, signal: AbortSignal): Promise<void>;
  close(): Promise<void>;
}

/** A notification that was not taken. */
export class DeliveryError extends Error {
  override readonly name = "DeliveryError";
  /** False where the same would be refused again: a wrong address, a revoked key. */
  readonly retryable: boolean;
  /** How long the other side asked us to wait, ms. */
  readonly retryAfterMs: number | undefined;

  constructor(message: string, retryable: boolean, retryAfterMs?: number) {
    super(message);
    this.retryable = retryable;
    this.retryAfterMs = retryAfterMs;
  }
}
