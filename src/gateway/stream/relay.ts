import type { ServerResponse } from "node:http";
import { GatewayError } from "../errors.ts";
import { HELD_BYTES_MAX, HELD_EVENTS_MAX } from "../limits.ts";
import type { BodySink, UpstreamCall } from "../providers/upstream-call.ts";
import type { UpstreamError } from "../providers/upstream-error.ts";
import { ChunkedReply } from "./chunked-reply.ts";
import type { StreamConverter } from "./converter.ts";

/** After the format's end mark a provider's connection gets this long to end by itself and be used again. */
const LINGER_MS = 1_000;

export interface RelayLimits {
  /** Longest silence between two chunks, of the provider or of a client that does not read; ms. */
  readonly idleMs: number;
  /** Longest whole stream, ms. */
  readonly wallMs: number;
}

/** Why a stream could not be opened or broke off; told by the relay, judged by routing. */
export type StreamBreak =
  | { readonly kind: "connection"; readonly error: UpstreamError }
  | { readonly kind: "provider error" }
  | { readonly kind: "empty" }
  | { readonly kind: "incomplete" }
  | { readonly kind: "idle"; readonly limitMs: number }
  | { readonly kind: "wall"; readonly limitMs: number }
  | { readonly kind: "cancelled" };

/**
 * Carries a stream from a provider to a client. Until `commit` everything is held, so that a failure before the first
 * real chunk is invisible to the client; afterwards the client's pace is the provider's pace.
 */
export class StreamRelay implements BodySink {
  /** Resolves with undefined at the first real chunk, or with what went wrong before it. */
  readonly opened: Promise<StreamBreak | undefined>;
  /** Resolves when the stream is over, with undefined for a complete one. Settles only after `commit`. */
  readonly done: Promise<StreamBreak | undefined>;
  bytesWritten = 0;
  /** Unix-independent clock reading (performance.now) of the first content chunk that went to the client. */
  firstChunkAt: number | undefined;
  readonly #call: UpstreamCall;
  readonly #converter: StreamConverter;
  #held: (Buffer | string)[] = [];
  #heldBytes = 0;
  #reply: ChunkedReply | undefined;
  #resolveOpened!: (result: StreamBreak | undefined) => void;
  #resolveDone!: (result: StreamBreak | undefined) => void;
  #over = false;
  #idleTimer: NodeJS.Timeout | undefined;
  #idleMs = 0;
  /** Reading of performance.now() when the client last took what had been held up for it, or when the reply began. */
  #takenAt = 0;
  #wallTimer: NodeJS.Timeout | undefined;

  constructor(call: UpstreamCall, converter: StreamConverter) {
    this.#call = call;
    this.#converter = converter;
    this.opened = new Promise((resolve) => {
      this.#resolveOpened = resolve;
    });
    this.done = new Promise((resolve) => {
      this.#resolveDone = resolve;
    });
  }

  /** Sends what was held; from now on chunks pass as they come. The reply's headers are already written. */
  commit(raw: ServerResponse, limits: RelayLimits): void {
    this.#reply = new ChunkedReply(raw, this.#drained);
    this.firstChunkAt = performance.now();
    for (const piece of this.#held) this.#write(piece);
    this.#held = [];
    if (this.#over) {
      this.#reply.close(); // Nothing else ends it, and the connection may serve many replies.
      this.#resolveDone(undefined);
      return;
    }
    this.#takenAt = this.firstChunkAt;
    this.#idleMs = limits.idleMs;
    this.#idleTimer = setTimeout(this.#lookIdle, limits.idleMs);
    this.#wallTimer = setTimeout(() => this.#finish({ kind: "wall", limitMs: limits.wallMs }), limits.wallMs);
    if (this.#reply.needDrain) return;
    this.#call.resume();
  }

  /** True where the client does not take what is written for it. */
  get clientStalled(): boolean {
    return this.#reply?.needDrain === true;
  }

  /** Stops at once: client gone or shutdown. The provider's connection is closed. */
  cancel(): void {
    this.#finish({ kind: "cancelled" });
  }

  data(chunk: Buffer): boolean {
    if (this.#over) return true;
    const out = this.#converter.push(chunk);
    let flowing = true;
    if (this.#reply === undefined) this.#hold(out);
    else if (out.length > 0) flowing = this.#write(out);
    if (this.#converter.providerError !== undefined) this.#finish({ kind: "provider error" });
    else if (this.#converter.terminated) this.#complete();
    else if (this.#reply === undefined && this.#isOpen()) {
      this.#resolveOpened(undefined);
      return false; // Until commit.
    }
    return flowing;
  }

  end(): void {
    if (this.#over) return;
    if (this.#converter.finished) this.#complete();
    else this.#finish({ kind: this.#converter.started ? "incomplete" : "empty" });
  }

  fail(error: UpstreamError): void {
    this.#finish({ kind: "connection", error });
  }

  #isOpen(): boolean {
    return this.#converter.started || this.#held.length > HELD_EVENTS_MAX || this.#heldBytes > HELD_BYTES_MAX;
  }

  #hold(out: Buffer | string): void {
    if (out.length === 0) return;
    this.#held.push(out);
    this.#heldBytes += out.length;
  }

  #complete(): void {
    const tail = this.#converter.end();
    if (this.#reply === undefined) {
      this.#hold(tail);
      // A whole answer came in one piece: what is held is all there is.
      this.#stop();
      this.#resolveOpened(this.#converter.started ? undefined : { kind: "empty" });
    } else {
      if (tail.length > 0) this.#write(tail);
      this.#finish(undefined);
    }
    const linger = setTimeout(() => this.#call.cancel("the stream was over"), LINGER_MS);
    linger.unref();
    this.#call.resume();
  }

  #finish(result: StreamBreak | undefined): void {
    if (this.#over) return;
    this.#stop();
    if (result !== undefined && result.kind !== "connection") this.#call.cancel("the stream broke off");
    this.#resolveOpened(result);
    this.#resolveDone(result);
  }

  #stop(): void {
    this.#over = true;
    clearTimeout(this.#idleTimer);
    clearTimeout(this.#wallTimer);
    this.#reply?.close();
  }

  /** Looks when the limit could have passed, and again after what is left of it: a chunk then sets no timer. */
  readonly #lookIdle = (): void => {
    const silentMs = performance.now() - Math.max(this.#takenAt, this.#call.activeAt);
    const leftMs = this.#idleMs - silentMs;
    // Timers fire up to a millisecond early.
    if (leftMs <= 1) this.#finish({ kind: "idle", limitMs: this.#idleMs });
    else this.#idleTimer = setTimeout(this.#lookIdle, leftMs);
  };

  readonly #drained = (): void => {
    this.#takenAt = performance.now();
    this.#call.resume();
  };

  #write(piece: Buffer | string): boolean {
    const bytes = typeof piece === "string" ? Buffer.byteLength(piece) : piece.length;
    this.bytesWritten += bytes;
    return this.#reply!.write(piece, bytes);
  }
}

/** The catalogue's error for a stream that broke off after its first chunk. */
export function breakError(broken: StreamBreak, provider: string): GatewayError {
  switch (broken.kind) {
    case "empty":
      return new GatewayError("EMPTY_STREAM", { provider });
    case "idle":
    case "wall": {
      const phase = broken.kind === "idle" ? "silence between chunks" : "whole stream";
      return new GatewayError("STREAM_TIMEOUT", { provider, phase, limitMs: broken.limitMs });
    }
    case "connection":
      return new GatewayError("PROVIDER_STREAM_INTERRUPTED", { provider, reason: broken.error.message });
    default:
      return new GatewayError("PROVIDER_STREAM_INTERRUPTED", { provider, reason: "it ended before its end mark" });
  }
}
