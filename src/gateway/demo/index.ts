import type { Logger } from "../../runtime/logger.ts";

export interface DemoTrafficOptions {
  /** Public URL of the gateway, loopback. */
  readonly baseUrl: string;
  readonly apiKey: string;
  readonly requestsPerSecond: number;
  readonly signal: AbortSignal;
  readonly logger: Logger;
}

export interface DemoTraffic {
  running(): boolean;
  start(): void;
  stop(): void;
  /** Stops for good and waits for what is in flight (at most a few seconds). */
  close(): Promise<void>;
}

/** Demo requests through the public API. Not running until `start`. Never throws. */
export function startDemoTraffic(_options: DemoTrafficOptions): DemoTraffic {
  let running = false;
  return {
    running: () => running,
    start() {
      running = true;
    },
    stop() {
      running = false;
    },
    async close() {
      running = false;
    },
  };
}
