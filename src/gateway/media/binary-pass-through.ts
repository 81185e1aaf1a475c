import { type StreamConverter, StreamMeter } from "../stream/converter.ts";

/** Sound as it comes: every byte passes, and its end is the end of the provider's body. */
export class BinaryPassThrough implements StreamConverter {
  readonly meter = new StreamMeter();
  readonly terminated = false;
  readonly providerError = undefined;
  readonly unreadText = "";
  started = false;

  /** The connection knows whether a body is whole; there is nothing in it that says so. */
  get finished(): boolean {
    return this.started;
  }

  push(chunk: Buffer): Buffer {
    if (chunk.length > 0) {
      this.started = true;
      this.meter.chunks++;
    }
    return chunk;
  }

  end(): string {
    return "";
  }

  /** Sound has no word for an error; the route breaks the connection. */
  fail(): string {
    return "";
  }
}
