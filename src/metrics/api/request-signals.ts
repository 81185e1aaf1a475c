import type { FastifyReply } from "fastify";

/** Signals that end the work for a request when its client goes away, or the server stops. */
export class RequestSignals {
  readonly #open = new Set<AbortController>();

  constructor(shutdown: AbortSignal) {
    // One listener for all requests: a listener each would look like a leak to Node.
    shutdown.addEventListener("abort", () => {
      for (const controller of this.#open) controller.abort();
    });
  }

  /** Fires when the client goes away before its reply is complete, or the server stops. */
  of(reply: FastifyReply): AbortSignal {
    const controller = new AbortController();
    this.#open.add(controller);
    reply.raw.once("close", () => {
      this.#open.delete(controller);
      if (!reply.raw.writableFinished) controller.abort();
    });
    return controller.signal;
  }
}
