import type { Logger } from "pino";
import { StorageError } from "../../storage/storage-error.ts";
import { TENANT, type TraceMetrics } from "../metrics.ts";
import type { SpanObserver, TraceStore } from "../store/trace-store.ts";
import { checkRequest } from "./check-request.ts";
import type { DiscardReason } from "./otlp-reader.ts";
import type { ExportOutcome } from "./rpc-status.ts";
import { WireError } from "./wire-reader.ts";

/** Seconds after which a sender should come back when the disk refuses. */
export const RETRY_AFTER_SECONDS = 5;

/** A request that no retry can help. */
export class MalformedRequestError extends Error {
  override readonly name = "MalformedRequestError";
}

/** The store cannot take anything now; the sender should keep its spans and try again. */
export class StoreUnavailableError extends Error {
  override readonly name = "StoreUnavailableError";
}

const REASON_TEXT: Readonly<Record<DiscardReason, string>> = {
  invalid_trace_id: "trace ids must be 128 bit and not zero",
  invalid_span_id: "span ids must be 64 bit and not zero",
  trace_too_large: "the trace is larger than max_bytes_per_trace",
  live_traces_exceeded: "too many live traces",
};

/** Takes export requests from both transports: checks, writes, counts. */
export class Receiver {
  readonly #store: TraceStore;
  readonly #metrics: TraceMetrics;
  readonly #observer: SpanObserver | undefined;
  readonly #logger: Logger;
  #refusing = false;

  constructor(store: TraceStore, metrics: TraceMetrics, observer: SpanObserver | undefined, logger: Logger) {
    this.#store = store;
    this.#metrics = metrics;
    this.#observer = observer;
    this.#logger = logger;
  }

  /**
   * Resolves when the request is in the write-ahead log and its spans can be found.
   * @param request ExportTraceServiceRequest as protobuf; borrowed until the promise settles.
   * @throws MalformedRequestError, StoreUnavailableError
   */
  async accept(request: Uint8Array, transport: "http" | "grpc"): Promise<ExportOutcome> {
    try {
      const outcome = await this.#accept(request);
      this.#metrics.requests.inc({ transport, outcome: "accepted" });
      return outcome;
    } catch (error) {
      this.#metrics.requests.inc({
        transport,
        outcome: error instanceof MalformedRequestError ? "malformed" : "refused",
      });
      throw error;
    }
  }

  async #accept(request: Uint8Array): Promise<ExportOutcome> {
    const check = this.#check(request);
    this.#metrics.spansReceived.inc({ tenant: TENANT }, check.spans);
    this.#metrics.bytesReceived.inc({ tenant: TENANT }, request.length);
    const invalid = check.invalidTraceIds + check.invalidSpanIds;
    if (check.spans === invalid) {
      return this.#outcome({ invalid_trace_id: check.invalidTraceIds, invalid_span_id: check.invalidSpanIds });
    }
    try {
      const discarded = await this.#store.append(request, this.#observer);
      if (this.#refusing) this.#logger.info("spans are accepted again");
      this.#refusing = false;
      return this.#outcome(discarded);
    } catch (error) {
      if (!(error instanceof StorageError)) throw error;
      // One line per change of state: a full disk must not fill the log as well.
      if (!this.#refusing) this.#logger.error({ error: error.message, code: error.code }, "spans are refused");
      this.#refusing = true;
      throw new StoreUnavailableError(error.message);
    }
  }

  #check(request: Uint8Array) {
    try {
      return checkRequest(request);
    } catch (error) {
      if (error instanceof WireError) throw new MalformedRequestError(`malformed OTLP request: ${error.message}`);
      throw error;
    }
  }

  #outcome(discarded: Partial<Record<DiscardReason, number>>): ExportOutcome {
    const reasons = (Object.entries(discarded) as [DiscardReason, number][]).filter(([, count]) => count > 0);
    let rejectedSpans = 0;
    for (const [reason, count] of reasons) {
      rejectedSpans += count;
      this.#metrics.discardedSpans.inc({ tenant: TENANT, reason }, count);
    }
    return {
      rejectedSpans,
      errorMessage: reasons.map(([reason, count]) => `${count}: ${REASON_TEXT[reason]}`).join("; "),
    };
  }
}
