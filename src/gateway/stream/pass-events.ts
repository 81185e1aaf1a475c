import type { GatewayError } from "../errors.ts";
import { EVENT_TOO_LONG, type StreamConverter, type StreamedProviderError, StreamMeter } from "./converter.ts";
import { SseSplitter } from "./sse-splitter.ts";

/**
 * A stream whose events the client gets as the provider's bytes; what accounting needs is read at the side. A format
 * says which events pass, and how its streams end.
 */
export abstract class EventPassThrough implements StreamConverter {
  readonly meter = new StreamMeter();
  started = false;
  terminated = false;
  providerError: StreamedProviderError | undefined;
  readonly #splitter = new SseSplitter();

  abstract get finished(): boolean;

  get unreadText(): string {
    return this.#splitter.restText;
  }

  push(chunk: Buffer): Buffer | string {
    const passed = passEvents(this.#splitter, chunk, (event) => {
      return !(this.providerError !== undefined || this.terminated) && this.passes(event);
    });
    if (passed === undefined) this.providerError = EVENT_TOO_LONG;
    return passed ?? "";
  }

  /** Reads one event; true lets it pass, bytes go in its place. */
  protected abstract passes(event: Buffer): boolean | Buffer;

  end(): string {
    return "";
  }

  abstract fail(error: GatewayError, requestId: string): string;
}

/**
 * The events of `chunk` (and of what waited before it) for which `passes` says true, unchanged, or what it gives for them.
 * @returns undefined when the splitter found an event too long to be one.
 */
function passEvents(
  splitter: SseSplitter,
  chunk: Buffer,
  passes: (event: Buffer) => boolean | Buffer,
): Buffer | string | undefined {
  const kept: Buffer[] = [];
  const startsWhole = !splitter.hasRest;
  let keptBytes = 0;
  let replaced = false;
  const sane = splitter.push(chunk, (event) => {
    const passed = passes(event);
    if (passed === false) return;
    const piece = passed === true ? event : passed;
    replaced ||= passed !== true;
    kept.push(piece);
    keptBytes += piece.length;
  });
  if (!sane) return undefined;
  if (kept.length === 0) return "";
  if (startsWhole && !replaced && keptBytes === chunk.length) return chunk; // The common case: nothing withheld, nothing copied.
  return kept.length === 1 ? kept[0]! : Buffer.concat(kept, keptBytes);
}
