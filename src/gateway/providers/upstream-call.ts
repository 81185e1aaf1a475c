import type { IncomingHttpHeaders } from "node:http";
import type { Dispatcher } from "undici";
import { READ_AHEAD_BYTES_MAX, WRITE_PIECE_BYTES, WRITE_WATCHED_BYTES } from "../limits.ts";
import { ProviderPool } from "./provider-pool.ts";
import { UpstreamError, upstreamErrorOf } from "./upstream-error.ts";

/** A dead connection shows within a round trip of being written to. */
const STALE_MS = 1_000;

export interface UpstreamHead {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
}

/** Receives a body; `data` returns false to pause the provider's socket until `resume`. */
export interface BodySink {
  data(chunk: Buffer): boolean;
  end(): void;
  fail(error: UpstreamError): void;
}

/**
 * One request to a provider, over undici's dispatch interface: no stream objects, so the cost per chunk is one call.
 * Deadlines are the caller's (`cancel`); undici's own are off because they tick in seconds.
 */
export class UpstreamCall implements Dispatcher.DispatchHandler {
  /** Resolves with the status line; rejects with UpstreamError when none came. */
  readonly head: Promise<UpstreamHead>;
  /** Readings of performance.now(): when a connection was had, when the status line came, and the last sign of life. */
  startedAt: number | undefined;
  headAt: number | undefined;
  activeAt = 0;
  /** Body bytes that have come. */
  bytes = 0;
  /** Whether it was sent a second time, because the first connection was a dead one. */
  resent = false;
  /** Whether the request's body has left; a short one leaves with its headers. */
  sent = true;
  #resolveHead!: (head: UpstreamHead) => void;
  #rejectHead!: (error: UpstreamError) => void;
  #controller: Dispatcher.DispatchController | undefined;
  #sink: BodySink | undefined;
  /** What came before a sink was attached. */
  #early: Buffer[] = [];
  #earlyBytes = 0;
  #result: "open" | "ended" | UpstreamError = "open";
  readonly #dispatcher: Dispatcher;
  /** Undefined once the call may not be sent again. */
  #options: Dispatcher.DispatchOptions | undefined;
  #connectsBefore = 0;

  constructor(dispatcher: Dispatcher, options: Dispatcher.DispatchOptions) {
    this.head = new Promise((resolve, reject) => {
      this.#resolveHead = resolve;
      this.#rejectHead = reject;
    });
    this.#dispatcher = dispatcher;
    this.#options = options;
    this.#dispatch(options);
  }

  #dispatch(options: Dispatcher.DispatchOptions): void {
    this.#connectsBefore = connectsOf(this.#dispatcher);
    this.#dispatcher.dispatch({ ...this.#watched(options), headersTimeout: 0, bodyTimeout: 0 }, this);
  }

  /** A long body goes out piece by piece, so that a provider that does not take it is noticed. */
  #watched(options: Dispatcher.DispatchOptions): Dispatcher.DispatchOptions {
    const { body } = options;
    const long = (typeof body === "string" || Buffer.isBuffer(body)) && body.length >= WRITE_WATCHED_BYTES;
    if (!long) return options;
    const bytes = typeof body === "string" ? Buffer.from(body) : body;
    this.sent = false;
    const headers = { ...(options.headers as Record<string, string>), "content-length": String(bytes.length) };
    // undici takes any async iterable, although its type names only some.
    const pieces = this.#pieces(bytes) as unknown as Buffer;
    return { ...options, headers, body: pieces };
  }

  async *#pieces(bytes: Buffer): AsyncGenerator<Buffer> {
    for (let at = 0; at < bytes.length; at += WRITE_PIECE_BYTES) yield bytes.subarray(at, at + WRITE_PIECE_BYTES);
    this.sent = true;
  }

  /** Starts delivery, what has already arrived first. Called at most once. */
  consume(sink: BodySink): void {
    this.#sink = sink;
    const early = this.#early;
    this.#early = [];
    let flowing = true;
    for (const chunk of early) flowing = sink.data(chunk) && flowing;
    if (this.#result === "ended") sink.end();
    else if (this.#result !== "open") sink.fail(this.#result);
    else if (flowing) this.#controller?.resume();
    else this.#controller?.pause();
  }

  resume(): void {
    if (this.#result === "open") this.#controller?.resume();
  }

  /** Closes the connection to the provider now; the sink (or `head`) fails with `cancelled`. */
  cancel(why: string): void {
    if (this.#result !== "open") return;
    const error = new UpstreamError("cancelled", why);
    this.#controller?.abort(error);
    this.#settle(error);
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    this.startedAt = performance.now();
    if (connectsOf(this.#dispatcher) !== this.#connectsBefore) this.#options = undefined; // A fresh connection.
    if (this.#result instanceof UpstreamError) controller.abort(this.#result);
  }

  onResponseStart(_controller: Dispatcher.DispatchController, status: number, headers: IncomingHttpHeaders): void {
    if (status < 200) return;
    this.headAt = performance.now();
    this.#options = undefined;
    this.activeAt = this.headAt;
    this.sent = true; // Whatever is left of the body is not wanted any more.
    this.#resolveHead({ status, headers });
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.#result !== "open") return;
    this.bytes += chunk.length;
    this.activeAt = performance.now();
    if (this.#sink !== undefined) {
      if (!this.#sink.data(chunk)) controller.pause();
      return;
    }
    this.#early.push(chunk);
    this.#earlyBytes += chunk.length;
    if (this.#earlyBytes > READ_AHEAD_BYTES_MAX) controller.pause();
  }

  onResponseEnd(): void {
    if (this.#result !== "open") return;
    this.#result = "ended";
    this.#sink?.end();
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    const failure = upstreamErrorOf(error);
    if (failure.failure === "reset" && this.#sendAgain()) return;
    this.#settle(failure);
  }

  /**
   * A connection that was kept alive may have been closed at the other end just when it was used: nobody has read the
   * request, so it goes out once more. It was such a one when it is old, gave no byte, and broke within a moment; later,
   * the provider may have been at work.
   */
  #sendAgain(): boolean {
    const options = this.#options;
    this.#options = undefined;
    if (options === undefined || this.#result !== "open" || this.startedAt === undefined) return false;
    if (performance.now() - this.startedAt > STALE_MS || !isReplayable(options.body)) return false;
    this.resent = true;
    this.#dispatch(options);
    return true;
  }

  #settle(error: UpstreamError): void {
    if (this.#result !== "open") return;
    this.#result = error;
    this.#rejectHead(error);
    this.#sink?.fail(error);
  }
}

/** Connections that the dispatcher has made so far. Another dispatcher than ours seems to make one for each call. */
function connectsOf(dispatcher: Dispatcher): number {
  return dispatcher instanceof ProviderPool ? dispatcher.connects : Number.NaN;
}

function isReplayable(body: Dispatcher.DispatchOptions["body"]): boolean {
  return body === undefined || body === null || typeof body === "string" || Buffer.isBuffer(body);
}

/**
 * Collects a whole body.
 * @throws UpstreamError `protocol` past `bytesMax`, or what the connection says.
 */
export function readBody(call: UpstreamCall, bytesMax: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    call.consume({
      data(chunk) {
        bytes += chunk.length;
        chunks.push(chunk);
        if (bytes > bytesMax) {
          reject(new UpstreamError("protocol", `its answer is longer than ${bytesMax} bytes`));
          call.cancel("answer too long");
        }
        return true;
      },
      end: () => resolve(chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks, bytes)),
      fail: reject,
    });
  });
}
