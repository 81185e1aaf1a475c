import type { IncomingMessage } from "node:http";

/** A body larger than this, or slower, is not waited for: the connection is closed on it. */
const DISCARDED_BYTES_MAX = 1024 * 1024 * 1024; // 1 GiB
const DISCARD_MS = 20_000;

/**
 * Reads a body that will be refused, keeping nothing. Most clients write the whole body before they look for an answer;
 * one that is refused earlier sees a broken pipe instead of the error.
 */
export function discardBody(request: IncomingMessage): Promise<void> {
  if (request.readableEnded || request.destroyed) return Promise.resolve();
  if (Number(request.headers["content-length"]) > DISCARDED_BYTES_MAX) return Promise.resolve();
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, DISCARD_MS);
    const done = (): void => {
      clearTimeout(timer);
      resolve();
    };
    request.once("end", done);
    request.once("close", done);
    request.resume();
  });
}
